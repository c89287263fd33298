"""Seeded splits and shares: the same rows for the same seed, on every machine and version."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from autoft.errors import DataError

T = TypeVar("T")


def seeded_order(count: int, seed: int) -> list[int]:
    """Return the numbers 0 … count - 1 in an order that depends on the seed alone.

    The order is one of hashes: random generators may change their streams between versions.
    """
    return sorted(range(count), key=lambda index: (_hash(f"{seed}:{index}"), index))


def split_rows(rows: Sequence[T], share: float, seed: int) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Part rows into the rest and a random share, both in their old order, neither empty.

    Args:
        rows: What is parted, [N].
        share: Share of the second part; at least one row, at most N - 1.
        seed: Which rows it gets.

    Raises:
        DataError: If the share is not between 0 and 1, or there are fewer than two rows.
    """
    if not 0 < share < 1:
        raise DataError(f"dev share: a number between 0 and 1 expected, got {share}")
    if len(rows) < 2:
        raise DataError(f"a split needs at least 2 rows, got {len(rows)}, add a dev file")
    count = min(max(round(share * len(rows)), 1), len(rows) - 1)
    chosen = set(seeded_order(len(rows), seed)[:count])
    rest = tuple(row for index, row in enumerate(rows) if index not in chosen)
    return rest, tuple(rows[index] for index in sorted(chosen))


def limit_rows(rows: Sequence[T], count: int, seed: int, key: Callable[[T], AbstractSet[str]]) -> tuple[T, ...]:
    """Return a random share of rows that keeps every label, in the old order.

    A greedy cover keeps one row of each label at least; the others are drawn systematically from
    each group of rows with the same labels, so that groups keep their proportions.

    Args:
        rows: What is limited, [N].
        count: Rows to keep; all if there are no more.
        seed: Which rows are kept.
        key: The labels of a row.

    Raises:
        DataError: If so few rows cannot keep every label.
    """
    if count < 1:
        raise DataError(f"limit: at least 1 row expected, got {count}")
    if count >= len(rows):
        return tuple(rows)
    labels = [frozenset(key(row)) for row in rows]
    order = seeded_order(len(rows), seed)
    cover = _cover(labels, order)
    if len(cover) > count:
        wanted = len(frozenset().union(*labels))
        raise DataError(f"limit: {count} rows cannot keep all {wanted} labels, {len(cover)} rows can")
    chosen = list(dict.fromkeys([*cover, *_systematic(labels, order, seed)]))[:count]
    return tuple(rows[index] for index in sorted(chosen))


def quantile_bins(values: Sequence[float], bins: int) -> tuple[int, ...]:
    """Return the bin of each value by its place among all: bins of equal size, or one value more, the lowest first.

    Args:
        values: Numbers, [N].
        bins: How many; at most N are used.
    """
    order = sorted(range(len(values)), key=lambda index: (values[index], index))
    bins = min(bins, len(values))
    found = [0] * len(values)
    for place, index in enumerate(order):
        found[index] = place * bins // len(values)
    return tuple(found)


def _cover(labels: Sequence[frozenset[str]], order: Sequence[int]) -> list[int]:
    """Choose few rows that have every label: for the rarest one left, the row with most left."""
    counts = Counter(label for row in labels for label in row)
    holders: dict[str, list[int]] = {label: [] for label in counts}
    for index in order:
        for label in labels[index]:
            holders[label].append(index)
    left = set(counts)
    chosen = []
    for label in sorted(counts, key=lambda label: (counts[label], label)):
        if label in left:
            best = max(holders[label], key=lambda index: len(labels[index] & left))
            chosen.append(best)
            left -= labels[best]
    return chosen


def _systematic(labels: Sequence[frozenset[str]], order: Sequence[int], seed: int) -> list[int]:
    """Order rows so that every beginning holds each group of equal labels in proportion."""
    groups: dict[frozenset[str], list[int]] = {}
    for index in order:
        groups.setdefault(labels[index], []).append(index)
    placed = []
    for group, members in groups.items():
        # A random start: else every group of one would come at the same place.
        name = "\x1f".join(sorted(group))
        start = int.from_bytes(_hash(f"{seed}:{name}")[:6]) / 2**48
        placed += [((rank + start) / len(members), index) for rank, index in enumerate(members)]
    return [index for _, index in sorted(placed)]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
