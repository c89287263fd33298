from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.splits import limit_rows, quantile_bins, seeded_order, split_rows
from autoft.errors import DataError

seeds = st.integers(0, 2**32)
rows_with_labels = st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3), min_size=1, max_size=40)


def identity(labels: frozenset[str]) -> frozenset[str]:
    return labels


@given(st.integers(2, 300), st.floats(0.001, 0.999), seeds)
def test_a_split_is_disjoint_complete_and_never_empty(count: int, share: float, seed: int) -> None:
    rest, chosen = split_rows(range(count), share, seed)
    assert sorted([*rest, *chosen]) == list(range(count))
    assert rest
    assert chosen


@given(st.integers(2, 300), st.floats(0.001, 0.999), seeds)
def test_a_split_keeps_the_order(count: int, share: float, seed: int) -> None:
    for part in split_rows(range(count), share, seed):
        assert list(part) == sorted(part)


def test_the_share_is_kept() -> None:
    rest, chosen = split_rows(range(1000), 0.13, 5)
    assert (len(rest), len(chosen)) == (870, 130)


def test_the_order_of_a_seed_stays_for_ever() -> None:
    # The lines of `printf 0:N | sha256sum` for N from 0 to 9, sorted.
    assert seeded_order(10, 0) == [7, 4, 9, 3, 8, 2, 6, 0, 5, 1]


def test_other_seeds_choose_other_rows() -> None:
    assert len({split_rows(range(100), 0.2, seed)[1] for seed in range(20)}) == 20


@given(rows_with_labels, st.integers(1, 40), seeds)
def test_a_limit_keeps_every_label_or_says_why(rows: list[frozenset[str]], count: int, seed: int) -> None:
    labels = frozenset[str]().union(*rows)
    try:
        kept = limit_rows(rows, count, seed, identity)
    except DataError:
        # A greedy cover never needs more rows than there are labels.
        assert count < len(labels)
        return
    assert frozenset[str]().union(*kept) == labels
    assert len(kept) == min(count, len(rows))


@given(rows_with_labels, seeds)
def test_a_limit_keeps_the_order_and_repeats_nothing(rows: list[frozenset[str]], seed: int) -> None:
    numbered = list(enumerate(rows))
    count = max(len(rows) - 1, 6)
    kept = limit_rows(numbered, count, seed, lambda pair: pair[1])
    assert [number for number, _ in kept] == sorted({number for number, _ in kept})


def test_a_limit_keeps_proportions() -> None:
    rows = [frozenset("a")] * 700 + [frozenset("b")] * 250 + [frozenset("c")] * 50
    kept = Counter(limit_rows(rows, 100, 7, identity))
    assert abs(kept[frozenset("a")] - 70) <= 1
    assert abs(kept[frozenset("b")] - 25) <= 1
    assert abs(kept[frozenset("c")] - 5) <= 1


def test_a_limit_is_the_same_for_the_same_seed() -> None:
    rows = [frozenset({"ab"[number % 2], "cde"[number % 3]}) for number in range(60)]
    numbered = list(enumerate(rows))
    chosen = [limit_rows(numbered, 20, seed, lambda pair: pair[1]) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_a_limit_too_small_for_the_labels_is_told() -> None:
    with pytest.raises(DataError, match="limit: 2 rows cannot keep all 3 labels, 3 rows can"):
        limit_rows([frozenset("a"), frozenset("b"), frozenset("c"), frozenset("a")], 2, 0, identity)


def test_a_limit_of_nothing_is_told() -> None:
    with pytest.raises(DataError, match="at least 1 row expected, got 0"):
        limit_rows([frozenset("a")], 0, 0, identity)


def test_a_limit_that_limits_nothing_keeps_all() -> None:
    rows = [frozenset("a"), frozenset("b")]
    assert limit_rows(rows, 5, 0, identity) == tuple(rows)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=40), st.integers(1, 50))
def test_bins_are_alike_in_size_and_follow_the_order_of_the_values(values: list[float], bins: int) -> None:
    found = quantile_bins(values, bins)
    sizes = Counter(found)
    assert sorted(sizes) == list(range(min(bins, len(values))))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    pairs = list(zip(values, found, strict=True))
    assert all(one[1] <= other[1] for one in pairs for other in pairs if one[0] < other[0])
