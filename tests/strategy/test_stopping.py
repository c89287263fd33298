from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.strategy.stopping import TimeLimit, limit_from, standard_error, standstill


def test_the_deadline_counts_from_the_start() -> None:
    limit = limit_from(1000.0, 60.0)
    assert limit.left(1030.0) == 30.0
    assert not limit.is_over(1059.9)
    assert limit.is_over(1060.0)


def test_time_left_is_never_negative() -> None:
    assert limit_from(1000.0, 60.0).left(5000.0) == 0.0


def test_no_limit_never_ends() -> None:
    assert limit_from(0.0, None) == TimeLimit()
    assert not TimeLimit().is_over(10.0**12)
    assert TimeLimit().left(0.0) is None


def told(*values: float) -> dict[int, float]:
    """Every configuration complete, the default first."""
    return dict(enumerate(values))


def rising(count: int, rise: float) -> dict[int, float]:
    return told(*(0.5 + rise * number for number in range(count)))


def test_a_search_that_gains_less_than_noise_stands_still() -> None:
    found = standstill(30, rising(30, 0.0001), units=400, floor=0.0)
    assert found is not None
    assert (found.begun, found.window) == (30, 20)
    assert found.gain == pytest.approx(0.002)
    assert found.noise == pytest.approx(0.025, abs=0.001)


def test_a_search_that_gains_more_goes_on() -> None:
    assert standstill(30, rising(30, 0.01), units=400, floor=0.0) is None


def test_a_larger_dev_split_shows_smaller_gains() -> None:
    assert standstill(30, rising(30, 0.001), units=400, floor=0.0) is not None
    assert standstill(30, rising(30, 0.001), units=4000, floor=0.0) is None


def test_the_latest_may_be_worse() -> None:
    found = standstill(30, rising(30, -0.01), units=400, floor=0.0)
    assert found is not None
    assert found.gain == 0.0


@pytest.mark.parametrize(
    ("begun", "complete"),
    [
        (20, rising(20, 0.0)),  # nothing to compare with
        (30, {0: 0.5, 12: 0.5, 20: 0.5, 25: 0.5}),  # three beside the default
        (30, {0: 0.5, 1: 0.5, 2: 0.5, 3: 0.5, 25: 0.5}),  # one of the latest
        (30, {}),
    ],
)
def test_too_little_is_known(begun: int, complete: dict[int, float]) -> None:
    assert standstill(begun, complete, units=400, floor=0.0) is None


def test_what_has_learned_nothing_yet_does_not_stand_still() -> None:
    assert standstill(40, rising(40, 0.0), units=400, floor=0.5) is None


@given(st.dictionaries(st.integers(0, 59), st.floats(0.01, 1.0), max_size=60), st.integers(1, 10**6))
def test_what_is_told_is_below_noise(complete: dict[int, float], units: int) -> None:
    found = standstill(60, complete, units=units, floor=0.0)
    if found is not None:
        assert 0.0 <= found.gain < found.noise


def test_the_error_of_a_share() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    perfect = standard_error(1.0, 100)
    assert perfect is not None
    assert perfect > 0.01


@pytest.mark.parametrize(("value", "units"), [(-0.1, 10), (57.0, 10), (0.5, 0), (math.nan, 10)])
def test_what_is_no_share_has_no_error(value: float, units: int) -> None:
    assert standard_error(value, units) is None
