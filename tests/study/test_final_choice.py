"""Who the finalists are, on which seeds, in which order, and the time that is held back for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord, TrialState
from autoft.strategy.stopping import TimeLimit
from autoft.study.config import BudgetConfig
from autoft.study.final_choice import (
    challengers,
    finalist_seed,
    finalists_of,
    half_count,
    kept_numbers,
    may_be_kept,
    missing_halves,
    missing_runs,
    trials_limit,
    whole_seeds,
)

BUDGET = BudgetConfig(trials=5, timeout=1000.0, finalists=2, seeds=3)


def record(number: int, value: float, state: TrialState = "complete", config: int | None = None) -> TrialRecord:
    return TrialRecord(number, state, value, {"x": number if config is None else config}, seconds=10.0)


def study(*values: float) -> list[TrialRecord]:
    return [record(number, value) for number, value in enumerate(values)]


def ran(*keys: tuple[int, int]) -> list[FinalistRun]:
    return [FinalistRun(number, index, 1 + index, 0.5) for number, index in keys]


def numbers(records: tuple[TrialRecord, ...]) -> list[int]:
    return [one.number for one in records]


def test_the_default_and_the_best_are_finalists() -> None:
    assert numbers(finalists_of(study(0.9, 0.5, 0.7, 0.6), BUDGET)) == [0, 2, 3]


def test_trials_that_are_not_complete_are_no_finalists() -> None:
    records = [record(0, 0.1), record(1, 0.9, "pruned"), record(2, 0.2), record(3, 0.8, "running")]
    assert numbers(finalists_of(records, BUDGET)) == [0, 2]


def test_a_default_that_was_not_completed_is_no_finalist() -> None:
    assert numbers(finalists_of([record(0, 0.1, "pruned"), record(1, 0.9)], BUDGET)) == [1]


def test_the_default_alone_is_not_trained_again() -> None:
    assert finalists_of(study(0.5), BUDGET) == ()


def test_no_finalists_are_none() -> None:
    assert finalists_of(study(0.5, 0.6, 0.7), replace(BUDGET, finalists=0)) == ()


def test_equal_configurations_are_trained_again_once() -> None:
    records = [record(0, 0.5, config=7), record(1, 0.9, config=7), record(2, 0.8), record(3, 0.8, config=2)]
    assert numbers(challengers(records, 3)) == [2]


def test_the_lower_number_is_first_of_equals() -> None:
    assert numbers(challengers(study(0.1, 0.6, 0.6, 0.6), 2)) == [1, 2]


@pytest.mark.parametrize("seed", [0, 1, 41])
def test_seeds_are_fresh_and_unlike(seed: int) -> None:
    seeds = {finalist_seed(seed, index) for index in range(20)}
    assert len(seeds) == 20
    assert seed not in seeds


def test_runs_come_seed_by_seed() -> None:
    missing = missing_runs(study(0.1, 0.5, 0.9), ran((0, 0), (1, 0)), replace(BUDGET, seeds=2))
    assert [(one.number, index) for one, index in missing] == [(2, 0), (0, 1), (2, 1), (1, 1)]


def test_runs_of_earlier_finalists_are_not_asked_again_and_not_completed() -> None:
    missing = missing_runs(study(0.1, 0.5, 0.9, 0.8), ran((1, 0), (2, 0), (0, 0)), replace(BUDGET, seeds=2))
    assert [(one.number, index) for one, index in missing] == [(3, 0), (0, 1), (2, 1), (3, 1)]


def test_weights_of_the_default_of_the_best_and_of_earlier_finalists_are_kept() -> None:
    assert kept_numbers(study(0.1, 0.5, 0.9, 0.8, 0.2), ran((4, 0)), BUDGET) == {0, 2, 3, 4}


def test_weights_of_the_best_are_kept_without_finalists() -> None:
    assert kept_numbers(study(0.1, 0.5, 0.9), [], replace(BUDGET, finalists=0)) == {0, 2}


@pytest.mark.parametrize(("value", "kept"), [(0.4, False), (0.55, True), (0.5, False), (0.6, True), (0.9, True)])
def test_a_trial_that_may_be_a_finalist_keeps_its_weights(value: float, kept: bool) -> None:
    """Two workers may end out of order: of equals the lower number must keep its weights even where it comes last."""
    records = [*study(0.1, 0.5, 0.6), record(3, 0.0, "running")]
    assert may_be_kept(records, record(3, value), BUDGET) is kept


def test_of_equals_that_end_out_of_order_the_lower_number_is_kept() -> None:
    records = [record(0, 0.1), record(1, 0.0, "running"), record(2, 0.5), record(3, 0.5)]
    assert may_be_kept(records, record(1, 0.5), BUDGET)


def test_time_is_held_back_as_trials_took_it() -> None:
    """Three finalists of ten seconds on three seeds, three halves of five, and a tenth more."""
    limit = trials_limit(TimeLimit(5000.0), study(0.1, 0.5, 0.9), [], BUDGET)
    assert limit.deadline == pytest.approx(5000 - 1.1 * 105)


def test_less_time_is_held_back_when_runs_are_done() -> None:
    limit = trials_limit(TimeLimit(5000.0), study(0.1, 0.5, 0.9), ran((0, 0), (2, 0)), BUDGET)
    assert limit.deadline == pytest.approx(5000 - 1.1 * 85)


def test_finalists_that_are_not_found_yet_are_reckoned_with() -> None:
    assert trials_limit(TimeLimit(5000.0), study(0.5), [], BUDGET).deadline == pytest.approx(5000 - 1.1 * 105)


def test_workers_share_the_finalists() -> None:
    two = replace(BUDGET, workers=2)
    assert trials_limit(TimeLimit(5000.0), study(0.1, 0.5, 0.9), [], two).deadline == pytest.approx(5000 - 1.1 * 52.5)


def test_nothing_is_held_back_before_a_trial_is_complete() -> None:
    assert trials_limit(TimeLimit(5000.0), [record(0, 0.1, "running")], [], BUDGET) == TimeLimit(5000.0)


def test_the_search_has_at_least_half_of_the_time() -> None:
    slow = [replace(one, seconds=400.0) for one in study(0.1, 0.5, 0.9)]
    assert trials_limit(TimeLimit(5000.0), slow, [], BUDGET).deadline == 4500.0


def test_nothing_is_held_back_without_finalists_or_without_a_limit() -> None:
    assert trials_limit(TimeLimit(5000.0), study(0.1, 0.5), [], replace(BUDGET, finalists=0)) == TimeLimit(5000.0)
    assert trials_limit(TimeLimit(), study(0.1, 0.5), [], replace(BUDGET, timeout=None)) == TimeLimit()


def test_whole_seeds_are_those_that_all_have_run() -> None:
    runs = ran((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2))
    assert whole_seeds([0, 1, 2], runs, BUDGET) == (0, 2)
    assert whole_seeds([0, 1], runs, BUDGET) == (0, 1, 2)
    assert whole_seeds([], runs, BUDGET) == ()


def test_halves_follow_when_the_winner_is_known() -> None:
    """Of the best mean over all seeds, the same on three fresh seeds at most."""
    records, budget = study(0.1, 0.5, 0.9), replace(BUDGET, finalists=2, seeds=4)
    runs = [
        FinalistRun(number, index, 1 + index, value)
        for number, value in ((0, 0.2), (1, 0.7), (2, 0.6))
        for index in range(4)
    ]
    assert missing_halves(records, runs[:-1], (), budget) == []
    assert [(one.number, index) for one, index in missing_halves(records, runs, (), budget)] == [(1, 0), (1, 1), (1, 2)]
    done = [FinalistRun(1, 0, 1, 0.4), FinalistRun(2, 1, 2, 0.4)]
    assert [(one.number, index) for one, index in missing_halves(records, runs, done, budget)] == [(1, 1), (1, 2)]
    assert missing_halves(records, runs, (), replace(budget, finalists=0)) == []


@pytest.mark.parametrize(("seeds", "count"), [(1, 1), (2, 2), (5, 3)])
def test_no_more_halves_than_fresh_seeds(seeds: int, count: int) -> None:
    assert half_count(replace(BUDGET, seeds=seeds)) == count
    assert half_count(replace(BUDGET, finalists=0, seeds=seeds)) == 0
