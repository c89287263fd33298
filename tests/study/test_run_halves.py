"""The winner on half of its rows: after the finalists, once a seed, by whichever worker is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autoft.storage.finalists import claim_run, fresh_runs
from autoft.storage.reading import read_trials
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import ask_trial
from autoft.strategy.stopping import TimeLimit
from autoft.study.config import BudgetConfig
from autoft.study.final_choice import best_mean, compared_runs
from autoft.study.finalists import run_fresh, run_next_fresh
from autoft.study.trial import TrialContext, run_trial


def with_finalists(context: TrialContext, finalists: int = 1, seeds: int = 2) -> TrialContext:
    budget = BudgetConfig(trials=2, finalists=finalists, seeds=seeds)
    return replace(context, config=replace(context.config, budget=budget))


def search(context: TrialContext) -> None:
    for _ in range(2):
        held = ask_trial(context.study, "me", limit=None)
        assert held is not None
        run_trial(context, held)
    run_fresh(context, "me", "finalist")


@pytest.fixture
def finished(work_on: Callable[[StudyHandle], TrialContext], search_once: Any) -> TrialContext:
    """A search whose finalists have run on two seeds."""
    found: TrialContext = search_once(lambda study: with_finalists(work_on(study)), search)
    return found


def winner(context: TrialContext) -> int:
    runs = compared_runs(read_trials(context.study), fresh_runs(context.study, "finalist"), context.config.budget)
    best = best_mean(read_trials(context.study), {one: [run.value for run in ran] for one, ran in runs.items()})
    assert best is not None
    return best.number


def test_the_winner_is_trained_on_half_of_its_rows_on_the_same_seeds(finished: TrialContext) -> None:
    before = fresh_runs(finished.study, "finalist")
    run_fresh(finished, "me", "half")
    halves = fresh_runs(finished.study, "half")
    assert [(run.number, run.seed, run.rows) for run in halves] == [(winner(finished), seed, 12) for seed in (1, 2)]
    assert all(run.state == "complete" and run.seconds > 0 and run.metrics["f1"] == run.value for run in halves)
    assert fresh_runs(finished.study, "finalist") == before
    assert {run.rows for run in before} == {24}
    assert {run.execution["best_weights"] for run in halves}.isdisjoint(run.execution["best_weights"] for run in before)


def test_no_half_is_trained_twice(finished: TrialContext) -> None:
    run_fresh(finished, "me", "half")
    before = fresh_runs(finished.study, "half")
    assert not run_next_fresh(finished, "other", "half")
    assert claim_run(finished.study, winner(finished), 0, "other", work="half") is None
    assert fresh_runs(finished.study, "half") == before


def test_what_another_worker_trains_is_left_to_it(finished: TrialContext) -> None:
    assert claim_run(finished.study, winner(finished), 0, "other", work="half") is not None
    for _ in range(3):
        assert run_next_fresh(finished, "me", "half")
    assert [run.index for run in fresh_runs(finished.study, "half")] == [1]


def test_halves_wait_for_finalists_that_are_missing(finished: TrialContext) -> None:
    """One more seed is asked: until it has run the winner is not known."""
    assert not run_next_fresh(with_finalists(finished, seeds=3), "me", "half")
    assert fresh_runs(finished.study, "half") == ()


def test_without_finalists_there_are_no_halves(finished: TrialContext) -> None:
    assert not run_next_fresh(with_finalists(finished, finalists=0), "me", "half")


def test_time_that_is_over_leaves_them_out(finished: TrialContext) -> None:
    run_fresh(replace(finished, limit=TimeLimit(0.0)), "me", "half")
    assert fresh_runs(finished.study, "half") == ()


def test_each_seed_has_its_own_half_with_every_label(finished: TrialContext) -> None:
    bench = finished.workbench.bench(str(finished.space.default["model"]), _head(finished))
    (whole,) = bench.folds
    halves = [bench.halved(seed).folds[0] for seed in (1, 1, 2)]
    assert halves[0].train.rows == halves[1].train.rows != halves[2].train.rows
    for half in halves:
        assert len(half.train.rows) == 12
        assert set(half.train.rows) < set(whole.train.rows)
        assert half.dev == whole.dev
        examples = [bench.splits["train"].examples[row] for row in half.train.rows]
        assert set(bench.task.label_counts(examples)) == {"PER", "LOC"}


def test_halves_are_evaluated_as_often_where_dev_is_larger_than_a_half(finished: TrialContext) -> None:
    """The best of nine evaluations is no match for the best of three."""
    bench = finished.workbench.bench(str(finished.space.default["model"]), _head(finished))
    (whole,) = bench.folds
    few = replace(whole, train=replace(whole.train, rows=whole.train.rows[:10], members=whole.train.members[:10]))
    assert len(few.train.rows) // 2 < len(few.dev.rows) <= len(few.train.rows)
    assert replace(bench, folds=(few,)).halved(1).ninths == tuple(range(1, 10))


def _head(context: TrialContext) -> Any:
    from autoft.models.heads import Linear

    return Linear(kind=context.workbench.task.head)
