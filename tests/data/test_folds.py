"""Rows are dealt into folds: every row once, folds of one size, labels spread."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.folds import deal_rows, lonely_labels
from autoft.data.splits import quantile_bins
from autoft.errors import DataError

seeds = st.integers(0, 2**32)
folds_of_rows = st.integers(2, 10)
rows_with_labels = st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3), min_size=10, max_size=60)
rows_of_one_label = st.lists(st.sampled_from("abcd").map(lambda one: frozenset({one})), min_size=10, max_size=60)


def identity(labels: frozenset[str]) -> frozenset[str]:
    return labels


@given(rows_with_labels, folds_of_rows, seeds)
def test_every_row_lies_in_one_fold_and_folds_have_one_size(rows: list[frozenset[str]], folds: int, seed: int) -> None:
    dealt = deal_rows(rows, folds, seed, identity)
    assert sorted(index for fold in dealt for index in fold) == list(range(len(rows)))
    assert all(list(fold) == sorted(fold) for fold in dealt)
    sizes = {len(fold) for fold in dealt}
    assert len(dealt) == folds
    assert max(sizes) - min(sizes) <= 1


@given(rows_of_one_label, folds_of_rows, seeds)
def test_a_label_lies_in_all_folds_alike(rows: list[frozenset[str]], folds: int, seed: int) -> None:
    """Where each row has one label; rows of several may bind each other."""
    dealt = deal_rows(rows, folds, seed, identity)
    for label in frozenset[str]().union(*rows):
        counts = [sum(label in rows[index] for index in fold) for fold in dealt]
        assert max(counts) - min(counts) <= 1


@given(rows_with_labels, st.integers(3, 10), seeds)
def test_a_label_of_two_rows_never_vanishes_from_what_a_fold_trains_on(
    rows: list[frozenset[str]], folds: int, seed: int
) -> None:
    """With three folds or more; of two, three rows that share labels pairwise cannot all be kept apart."""
    dealt = deal_rows(rows, folds, seed, identity)
    counts = Counter(label for row in rows for label in row)
    assert lonely_labels(rows, dealt, identity) == {label: 1 for label in sorted(counts) if counts[label] == 1}


def test_exchanges_part_what_the_deal_has_left_together() -> None:
    """Rarest first: both rows of c are dealt for their other label, into one fold."""
    rows = [frozenset(one) for one in ("ac", "cd", "b", "")]
    dealt = deal_rows(rows, 2, 0, identity)
    assert dealt == ((1, 3), (0, 2))
    assert lonely_labels(rows, dealt, identity) == {"a": 1, "b": 1, "d": 1}


def test_what_cannot_be_parted_is_named() -> None:
    rows = [frozenset("ab"), frozenset("bc"), frozenset("ac"), frozenset("d")]
    dealt = deal_rows(rows, 2, 0, identity)
    found = lonely_labels(rows, dealt, identity)
    assert found.pop("d") == 1
    assert list(found.values()) == [2]


@given(st.lists(st.integers(-9, 9), min_size=10, max_size=60), folds_of_rows, seeds)
def test_numbers_lie_in_all_folds_alike(values: list[int], folds: int, seed: int) -> None:
    """The j-th lowest of a fold is no lower than all of bin j, and no higher than all of bin j + 1."""
    bins = quantile_bins(values, -(-len(values) // folds))
    dealt = deal_rows(bins, folds, seed, lambda one: frozenset({str(one)}))
    edges = [
        [value for value, one in zip(values, bins, strict=True) if one == number] for number in range(max(bins) + 1)
    ]
    for fold in dealt:
        for place, value in enumerate(sorted(values[index] for index in fold)):
            assert min(edges[place]) <= value <= max(edges[min(place + 1, len(edges) - 1)])


@given(rows_with_labels, folds_of_rows, seeds)
def test_the_deal_is_a_function_of_rows_and_seed(rows: list[frozenset[str]], folds: int, seed: int) -> None:
    assert deal_rows(rows, folds, seed, identity) == deal_rows(rows, folds, seed, identity)


def test_other_seeds_deal_other_folds() -> None:
    rows = [frozenset("ab"[index % 2]) for index in range(60)]
    assert len({deal_rows(rows, 5, seed, identity) for seed in range(20)}) == 20


@pytest.mark.parametrize(
    ("folds", "words"),
    [
        (1, "--folds: a count of at least 2 expected, got 1"),
        (5, "--folds: at most one fold a row expected, got 5 folds for 4 rows"),
    ],
)
def test_wrong_counts_are_told(folds: int, words: str) -> None:
    with pytest.raises(DataError) as caught:
        deal_rows([frozenset[str]()] * 4, folds, 0, identity)
    assert caught.value.problems == (words,)
