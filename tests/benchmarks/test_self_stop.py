"""What stopping by itself saves and costs, on curves that are generated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from autoft.space.domains import Float
from autoft.space.schema import Group, Leaf
from autoft.space.search_space import SearchSpace
from autoft.strategy.schedule import SCHEDULES
from benchmarks.replaying import Array, Autoft, replay
from benchmarks.self_stop import Outcome, compare, summary
from benchmarks.tables import Config, Curve, Table

EPOCHS = 27


@dataclass(frozen=True)
class Plateau(Table):
    """Percentages that depend on the configuration by no more than `height`."""

    height: float

    def open(self) -> Callable[[Config], Curve]:
        rise = 1.0 - np.exp(-np.arange(1.0, self.epochs + 1) / 9)
        return lambda config: Curve.of((80.0 + self.height * float(config["x"])) * rise)

    def pool(self) -> Array:
        return np.array([80.0, 80.0 + self.height])

    def shared(self) -> list[Config]:
        return [{"x": 0.0}, {"x": 1.0}]


def plateau(height: float) -> Plateau:
    space = SearchSpace("curves", Group({"x": Leaf(kind="float", default=0.5)}), {"x": Float(0.0, 1.0)})
    return Plateau("lcbench", "one", space, EPOCHS, 100 * EPOCHS, height)


def test_a_search_with_nothing_to_gain_stops_and_loses_nothing_that_shows() -> None:
    found = compare(plateau(0.01), 0, trials=40, units=350)
    assert found.begun < 40
    assert found.spent < 1.0
    assert 0.0 <= found.lost < 0.01


def test_a_search_with_no_error_to_speak_of_goes_on() -> None:
    """Of very many units every gain shows."""
    assert compare(plateau(15.0), 0, trials=30, units=10**9) == Outcome(begun=30, lost=0.0, spent=1.0)


@pytest.mark.parametrize("schedule", ["full", "promotion"])
def test_a_limit_of_configurations_ends_a_replay_with_all_of_them(schedule: str) -> None:
    searcher: Any = Autoft(plateau(5.0), SCHEDULES.get(schedule)(floor=-math.inf), "random", 0, trials=9)
    assert replay(searcher, budget=1000 * EPOCHS, workers=1).configurations == 9
    full, share = 9 * EPOCHS, searcher.spent() / (9 * EPOCHS)
    assert searcher.spent() == full if schedule == "full" else 0.25 < share < 0.7


def test_the_summary_counts_what_stopped_and_what_was_lost() -> None:
    found = summary([Outcome(30, 0.0, 0.5), Outcome(40, 1.5, 0.7), Outcome(50, 0.0, 1.0), Outcome(50, 0.0, 1.0)], 50)
    assert found["stopped"] == 2
    assert found["begun_median"] == 35
    assert found["spent_median"] == pytest.approx(0.6)
    assert (found["lost_mean"], found["lost_worst"], found["lost_more_than_one"]) == (0.375, 1.5, 0.25)


def test_where_none_stopped_there_is_no_median() -> None:
    assert summary([Outcome(50, 0.0, 1.0)], 50)["begun_median"] is None
