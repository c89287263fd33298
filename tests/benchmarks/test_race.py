"""The race, on curves that are generated here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoft.errors import ConfigError
from autoft.space.domains import Domain, Float
from autoft.space.schema import Group, Leaf
from autoft.space.search_space import SearchSpace
from autoft.strategy.portfolio import most_entries
from autoft.strategy.schedule import SCHEDULES, PromotionHalving
from benchmarks.race_peers import OptunaSearch
from benchmarks.race_summary import summarise
from benchmarks.replaying import Array, Autoft, Searcher, Trace, reached, replay, value_at
from benchmarks.search import below, chosen, portfolios_for, with_portfolio
from benchmarks.tables import Config, Curve, Table, tables_in

EPOCHS, BUDGET = 27, 540
AUTOFT = [(sampler, schedule) for sampler in ("random", "gp") for schedule in ("full", "promotion", "stopping-halving")]
AUTOFT += [("random", "top-three"), ("random", "median"), ("tpe", "promotion")]
OPTUNA = [("random", pruner) for pruner in ("full", "median", "successive-halving", "hyperband")] + [("tpe", "median")]


@dataclass(frozen=True)
class Hill(Table):
    """Curves that rise to a height which falls with the distance from one point."""

    def open(self) -> Callable[[Config], Curve]:
        return lambda config: Curve.of(self._height(float(config["x"]), float(config["y"])) * self._rise())

    def pool(self) -> Array:
        return np.array([self._height(float(one["x"]), float(one["y"])) for one in self.shared()])

    def shared(self) -> list[Config]:
        return [{"x": x, "y": 10.0 ** (-4 * y)} for x, y in np.random.default_rng(0).uniform(size=(300, 2))]

    def _height(self, x: float, y: float) -> float:
        return math.exp(-4 * (x - 0.7) ** 2 - (math.log10(y) + 2) ** 2)

    def _rise(self) -> Array:
        return 1.0 - np.exp(-np.arange(1.0, self.epochs + 1) / 9)


def hill() -> Hill:
    domains: dict[str, Domain] = {"x": Float(0.0, 1.0), "y": Float(1e-4, 1.0, log=True)}
    space = SearchSpace("curves", Group({name: Leaf(kind="float", default=0.5) for name in domains}), domains)
    return Hill("hill", "one", space, EPOCHS, BUDGET)


def autoft(sampler: str, schedule: str, seed: int = 0) -> Searcher:
    return Autoft(hill(), SCHEDULES.get(schedule)(floor=-math.inf), sampler, seed)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(("sampler", "schedule"), AUTOFT)
def test_a_search_is_replayed_to_the_same_trace(sampler: str, schedule: str, workers: int) -> None:
    first, again = (replay(autoft(sampler, schedule), budget=BUDGET, workers=workers) for _ in range(2))
    assert first == again
    assert max(first.times) <= BUDGET // workers
    assert list(first.values) == sorted(first.values)


@pytest.mark.parametrize(("sampler", "pruner"), OPTUNA)
def test_optunas_own_searches_are_replayed_to_the_same_trace(sampler: str, pruner: str) -> None:
    first, again = (replay(OptunaSearch(hill(), sampler, pruner, 0), budget=BUDGET, workers=4) for _ in range(2))
    assert first == again
    assert max(first.times) <= BUDGET // 4


def test_random_searches_draw_the_same_configurations() -> None:
    """Both train to the end, so that the same draws give the same values at the same times."""
    mine = replay(autoft("random", "full"), budget=BUDGET, workers=1)
    theirs = replay(OptunaSearch(hill(), "random", "full", 0), budget=BUDGET, workers=1)
    assert mine.configurations == theirs.configurations
    assert mine.values[-1] == theirs.values[-1]


def test_no_epoch_is_trained_twice_or_for_nothing() -> None:
    """With one worker, time is the sum of what was trained: twenty full trainings fit into the budget."""
    assert replay(autoft("random", "full"), budget=BUDGET, workers=1).configurations in (20, 21)
    with_promotion = replay(autoft("random", "promotion"), budget=BUDGET, workers=1).configurations
    # 3 epochs to the first rung, 6 more for a third, 18 more for a ninth: 7 on average.
    assert 70 <= with_promotion <= 82


def test_the_default_climbs_higher_than_random_search() -> None:
    def median(sampler: str, schedule: str) -> float:
        return float(
            np.median([replay(autoft(sampler, schedule, s), budget=200, workers=1).values[-1] for s in range(7)])
        )

    assert median("gp", "promotion") > median("random", "full")


def test_a_trace_is_read_at_any_time() -> None:
    trace = Trace((3, 9), (0.5, 0.8), 2)
    assert (value_at(trace, 2), value_at(trace, 3), value_at(trace, 100)) == (-math.inf, 0.5, 0.8)
    assert (reached(trace, 0.5), reached(trace, 0.6), reached(trace, 0.9)) == (3, 9, math.inf)


def said() -> dict[str, Any]:
    names = ("random, full training", "random + Optuna's median pruner", "random + promotion")
    good = "autoft's default"

    def read(table: Table, name: str, workers: int, seed: int) -> Trace:
        del table
        time = 100 if name == good else 400
        return Trace((time // workers,), (0.9 + 0.001 * seed if name == good else 0.8,), 5)

    return summarise([hill()], (*names, good), (1, 4), 3, read)


def test_the_summary_says_what_the_traces_hold() -> None:
    good = said()["hill"]["autoft's default"]
    assert good["workers 1"]["sooner"] == {"value": pytest.approx(5.4), "ci95": pytest.approx([5.4, 5.4])}
    assert good["workers 1"]["against"]["random, full training"]["sooner"]["value"] == pytest.approx(4.0)
    assert good["workers 1"]["reached"]["value"] == 1.0
    assert good["workers 4"]["against one worker"]["value"] == pytest.approx(4.0)
    assert good["workers 1"]["against"]["random + promotion"]["regret"]["value"] < 0
    regret = good["workers 1"]["regret"]["1"]["value"]
    worst = {"sooner": pytest.approx(5.4), "sooner of": "one", "regret": regret, "regret of": "one"}
    assert good["workers 1"]["worst"] == worst


def test_a_bound_that_is_broken_is_named() -> None:
    least = {"sooner": 4.0, "reached": 1.0, "workers": 3.0, "regret": 0.0}
    assert below(said(), {"autoft's default": {"hill": least}}) == []
    broken = below(said(), {"autoft's default": {"hill": {**least, "sooner": 4.5}}})
    assert broken == ["autoft's default: hill: sooner of at least 4.5 expected, got 4"]


def test_a_folder_without_curves_has_no_tables(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "some.json").write_text('{"a": 1}', encoding="utf-8")
    assert list(tables_in(tmp_path)) == []
    assert chosen(list(tables_in(tmp_path)), 4) == []


def place(x: float, y: float) -> Config:
    return {"x": x, "y": y}


GOOD, POOR = place(0.7, 1e-2), place(0.0, 1.0)


def with_first(*configs: Config, sampler: str, seed: int) -> Searcher:
    schedule = SCHEDULES.get("promotion")(floor=-math.inf, given=len(configs))
    return Autoft(hill(), schedule, sampler, seed, portfolio=configs)


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_portfolio_costs_its_own_epochs_and_nothing_else(seed: int) -> None:
    """What a search of random configurations finds, it finds after a portfolio of the worst, that much later."""
    entries = [POOR] * most_entries(50, PromotionHalving())
    cost = math.ceil(PromotionHalving().cost_of_given(len(entries)) * EPOCHS)
    alone = replay(with_first(sampler="random", seed=seed), budget=BUDGET, workers=1)
    after = replay(with_first(*entries, sampler="random", seed=seed), budget=BUDGET + cost, workers=1)
    for time, value in zip(alone.times, alone.values, strict=True):
        assert reached(after, value) <= time + cost
    # The whole of a search of 50 configurations is that of the bound: four thirds at most.
    whole: Any = Autoft(hill(), SCHEDULES.get("promotion")(floor=-math.inf), "random", seed, trials=50)
    replay(whole, budget=100 * EPOCHS, workers=1)
    assert whole.spent() + cost <= 4 / 3 * whole.spent()


def test_a_bad_portfolio_does_not_lead_the_model_astray() -> None:
    """The Gaussian process learns from the entries too: that they are bad."""
    entries = [POOR] * 4

    def found(configs: list[Config], budget: int) -> float:
        finals = [
            replay(with_first(*configs, sampler="gp", seed=s), budget=budget, workers=1).values[-1] for s in range(7)
        ]
        return float(np.median(finals))

    assert found(entries, 200 + 4 * EPOCHS) >= found([], 200) - 0.01


def test_a_good_portfolio_is_there_after_one_training() -> None:
    trace = replay(with_first(GOOD, sampler="gp", seed=0), budget=BUDGET, workers=1)
    assert value_at(trace, EPOCHS) > 0.94


def three_hills() -> list[Hill]:
    return [replace(hill(), name=name) for name in ("one", "two", "three")]


def test_a_portfolio_for_the_race_has_not_seen_the_raced_table() -> None:
    found = portfolios_for(three_hills()[:1], three_hills())
    assert found["hill", "one"].sources == ("two", "three")
    with_portfolio(found)(three_hills()[0], 0)


def test_a_race_with_a_portfolio_that_has_seen_its_table_is_refused() -> None:
    one, two, _ = three_hills()
    found = portfolios_for([one], three_hills())
    with pytest.raises(ConfigError, match="hill: a portfolio that has not seen 'two' expected, it was built from it"):
        with_portfolio({("hill", "two"): found["hill", "one"]})(two, 0)
