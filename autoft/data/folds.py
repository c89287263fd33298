"""Rows dealt into folds: the same folds for the same seed, alike in size and in labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from autoft.data.splits import seeded_order
from autoft.errors import DataError

T = TypeVar("T")


def deal_rows(
    rows: Sequence[T], folds: int, seed: int, key: Callable[[T], AbstractSet[str]]
) -> tuple[tuple[int, ...], ...]:
    """Deal rows into folds of equal size, or one row more, and spread each label over them.

    The rarest label is dealt first, each row to the fold that has fewest of it, as in Sechidis et al. 2011, On the
    Stratification of Multi-Label Data. Then rows are exchanged until no label of two rows or more lies in one fold
    alone, as far as exchanges of two rows can do it: whoever trains on the other folds knows every label.

    Args:
        rows: What is dealt, [N].
        folds: How many folds, at least 2.
        seed: Which rows go together.
        key: The labels of a row.

    Returns:
        The numbers of each fold's rows, rising.

    Raises:
        DataError: If there are fewer than two folds, or fewer rows than folds.
    """
    if folds < 2:
        raise DataError(f"--folds: a count of at least 2 expected, got {folds}")
    if folds > len(rows):
        raise DataError(f"--folds: at most one fold a row expected, got {folds} folds for {len(rows)} rows")
    labels = [frozenset(key(row)) for row in rows]
    order = seeded_order(len(rows), seed)
    fold_of = _spread(_deal(labels, order, folds), labels, order)
    return tuple(tuple(index for index in range(len(rows)) if fold_of[index] == fold) for fold in range(folds))


def lonely_labels(
    rows: Sequence[T], folds: Sequence[Sequence[int]], key: Callable[[T], AbstractSet[str]]
) -> dict[str, int]:
    """Return the labels that all lie in one fold, whose other folds never show them: label -> its rows."""
    places: dict[str, list[int]] = {}
    for fold, members in enumerate(folds):
        for index in members:
            for label in key(rows[index]):
                places.setdefault(label, []).append(fold)
    return {label: len(found) for label, found in sorted(places.items()) if len(set(found)) == 1}


def _deal(labels: Sequence[frozenset[str]], order: Sequence[int], folds: int) -> list[int]:
    """Return the fold of each row: rarest labels first, rows without labels last."""
    counts = Counter(label for row in labels for label in row)
    holders: dict[str, list[int]] = {label: [] for label in counts}
    for index in order:
        for label in labels[index]:
            holders[label].append(index)
    rarest = sorted(counts, key=lambda label: (counts[label], label))
    queue = [(label, index) for label in rarest for index in holders[label]]
    queue += [("", index) for index in order if not labels[index]]
    fold_of, sizes = [-1] * len(labels), [0] * folds
    held: list[Counter[str]] = [Counter() for _ in range(folds)]
    for label, index in queue:
        if fold_of[index] >= 0:
            continue
        fold = min(_open_folds(sizes, len(labels)), key=lambda one: (held[one][label], sizes[one], one))
        fold_of[index] = fold
        sizes[fold] += 1
        held[fold].update(labels[index])
    return fold_of


def _open_folds(sizes: Sequence[int], count: int) -> list[int]:
    """Return the folds that may take a row, so that all end with equally many, or one more."""
    least, more = divmod(count, len(sizes))
    full = sum(size > least for size in sizes)
    return [fold for fold, size in enumerate(sizes) if size < least or (size == least and full < more)]


class _Places:
    """Where each row and each label lies, while rows are exchanged."""

    def __init__(self, fold_of: Sequence[int], labels: Sequence[frozenset[str]]) -> None:
        self.fold_of, self._labels = list(fold_of), labels
        self._held: dict[str, Counter[int]] = {}
        for index, row in enumerate(labels):
            for label in row:
                self._held.setdefault(label, Counter())[fold_of[index]] += 1

    def lonely(self, names: AbstractSet[str]) -> set[str]:
        """Return the labels of two rows or more that lie in one fold alone."""
        found = {name: +self._held[name] for name in names}
        return {name for name, counts in found.items() if len(counts) == 1 and counts.total() > 1}

    def exchange(self, one: int, other: int) -> bool:
        """Exchange two rows where fewer labels are lonely then; return whether it was done."""
        concerned = self._labels[one] | self._labels[other]
        before = len(self.lonely(concerned))
        self._swap(one, other)
        if len(self.lonely(concerned)) < before:
            return True
        self._swap(one, other)
        return False

    def _swap(self, one: int, other: int) -> None:
        mine, its = self.fold_of[one], self.fold_of[other]
        for index, old, new in ((one, mine, its), (other, its, mine)):
            self.fold_of[index] = new
            for label in self._labels[index]:
                self._held[label][old] -= 1
                self._held[label][new] += 1


def _spread(fold_of: Sequence[int], labels: Sequence[frozenset[str]], order: Sequence[int]) -> list[int]:
    """Exchange rows so that fewer labels lie in one fold alone."""
    places = _Places(fold_of, labels)
    for label in sorted(places.lonely(frozenset().union(*labels))):
        pairs = ((one, other) for one in order if label in labels[one] for other in order)
        for one, other in pairs:
            if not places.lonely({label}):
                break
            places.exchange(one, other)
    return places.fold_of
