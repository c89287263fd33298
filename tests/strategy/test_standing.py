from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from autoft.strategy.standing import Reached, Standing, place_of, ranks_by_loss, rung_order, standing_of


@dataclass(frozen=True)
class Point:
    step: int
    value: float
    loss: float


def at_rung(number: int, value: float, loss: float = 1.0) -> Standing:
    return Standing(number, {1: Reached(value, loss)})


def test_a_rung_compares_the_best_so_far() -> None:
    points = [Point(1, 0.2, 0.9), Point(2, 0.5, 0.7), Point(3, 0.4, 0.8)]
    assert standing_of(7, points, (1, 3, 9)).rungs == {1: Reached(0.2, 0.9), 3: Reached(0.5, 0.7)}


def test_a_rung_that_does_not_count_is_missing() -> None:
    assert standing_of(7, [Point(1, 0.2, 0.9)], (3, 9)).rungs == {}


def test_not_a_number_is_never_the_best() -> None:
    standing = standing_of(7, [Point(1, math.nan, math.nan), Point(3, 0.1, 2.0)], (1, 3))
    assert standing.rungs == {1: Reached(-math.inf, math.inf), 3: Reached(0.1, 2.0)}


def test_a_third_at_the_floor_still_ranks_by_metric() -> None:
    standings = [at_rung(1, 0.0), at_rung(2, 0.1), at_rung(3, 0.2)]
    assert not ranks_by_loss(standings, 1, 0.0)


def test_more_than_a_third_at_the_floor_ranks_by_loss() -> None:
    standings = [
        at_rung(1, 0.0),
        at_rung(2, 0.0),
        at_rung(3, 0.2),
        at_rung(4, 0.3),
        at_rung(5, 0.4),
    ]
    assert ranks_by_loss(standings, 1, 0.0)


@pytest.mark.parametrize("rung", [3, 9])
def test_from_a_third_of_the_schedule_on_the_metric_ranks_and_the_loss_what_is_at_its_floor(rung: int) -> None:
    reached = {1: Reached(0.0, 0.5), 2: Reached(0.0, 0.4), 3: Reached(0.0, 0.9), 4: Reached(0.2, 0.8)}
    standings = [Standing(number, {rung: one}) for number, one in reached.items()]
    assert not ranks_by_loss(standings, rung, 0.0)
    assert rung_order(standings, rung, 0.0) == (3, 1, 2, 4)


def test_places_follow_the_metric() -> None:
    others = [at_rung(1, 0.5), at_rung(2, 0.3), at_rung(3, 0.4)]
    assert place_of(at_rung(4, 0.35), others, 1, 0.0) == 3


def test_places_follow_the_loss_where_the_metric_is_blind() -> None:
    others = [at_rung(1, 0.0, 0.5), at_rung(2, 0.0, 0.9), at_rung(3, 0.1, 0.8)]
    assert place_of(at_rung(4, 0.0, 0.4), others, 1, 0.0) == 1


def test_equal_ones_share_the_better_place() -> None:
    assert place_of(at_rung(3, 0.4), [at_rung(1, 0.4), at_rung(2, 0.4)], 1, 0.0) == 1


def test_those_that_have_not_reached_the_rung_are_not_compared() -> None:
    assert place_of(at_rung(3, 0.4), [Standing(1, {}), at_rung(2, 0.9)], 1, 0.0) == 2
