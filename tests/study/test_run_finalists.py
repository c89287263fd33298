"""Finalists in this process: from the end of the search to their last seed, whatever happens on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autoft.storage.beside import at_work
from autoft.storage.finalists import claim_run, fresh_runs
from autoft.storage.leases import forfeit
from autoft.storage.reading import read_trials
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import ask_trial
from autoft.strategy.stopping import TimeLimit
from autoft.study.config import BudgetConfig
from autoft.study.finalists import TrialTime, run_next_fresh
from autoft.study.lease import Interrupted
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import weights_file

Fail = Callable[[str], None]


def search(context: TrialContext, trials: int) -> None:
    for _ in range(trials):
        held = ask_trial(context.study, "me", limit=None)
        assert held is not None
        run_trial(context, held)


def with_finalists(context: TrialContext, finalists: int, seeds: int) -> TrialContext:
    budget = BudgetConfig(trials=3, finalists=finalists, seeds=seeds)
    return replace(context, config=replace(context.config, budget=budget))


@pytest.fixture
def searched(work_on: Callable[[StudyHandle], TrialContext], search_once: Any) -> TrialContext:
    """A search of two trials that asks for one finalist on two seeds."""
    found: TrialContext = search_once(
        lambda study: with_finalists(work_on(study), 1, 2), lambda asking: search(asking, 2)
    )
    return found


def finish(context: TrialContext, worker: str = "me") -> None:
    while run_next_fresh(context, worker, "finalist"):
        pass


def test_the_default_and_the_best_run_on_fresh_seeds(searched: TrialContext) -> None:
    records = read_trials(searched.study)
    finish(searched)
    runs = fresh_runs(searched.study, "finalist")
    assert {(run.number, run.seed) for run in runs} == {(0, 1), (0, 2), (1, 1), (1, 2)}
    assert all(run.state == "complete" and run.seconds > 0 and run.metrics["f1"] == run.value for run in runs)
    assert read_trials(searched.study) == records


def test_a_fresh_seed_gives_other_weights_and_the_same_seed_the_same(searched: TrialContext) -> None:
    finish(searched)
    digests = {run.execution["best_weights"] for run in fresh_runs(searched.study, "finalist") if run.number == 0}
    digests.add(read_trials(searched.study)[0].execution["best_weights"])
    assert len(digests) == 3


def test_more_seeds_run_only_what_is_missing(searched: TrialContext) -> None:
    finish(searched)
    before = fresh_runs(searched.study, "finalist")
    finish(with_finalists(searched, 1, 3))
    after = fresh_runs(searched.study, "finalist")
    assert after[: len(before)] == before
    assert [run.index for run in after[len(before) :]] == [2, 2]


def test_no_finalists_are_over_at_once(searched: TrialContext) -> None:
    assert not run_next_fresh(with_finalists(searched, 0, 2), "me", "finalist")
    assert fresh_runs(searched.study, "finalist") == ()


def test_finalists_wait_for_trials_that_others_run(searched: TrialContext) -> None:
    assert ask_trial(searched.study, "other", limit=None) is not None
    assert run_next_fresh(searched, "me", "finalist")
    assert fresh_runs(searched.study, "finalist") == ()


def test_what_another_worker_runs_is_left_to_it_and_waited_for(searched: TrialContext) -> None:
    assert claim_run(searched.study, 0, 0, "other", work="finalist") is not None
    for _ in range(4):
        assert run_next_fresh(searched, "me", "finalist")
    assert len(fresh_runs(searched.study, "finalist")) == 3


def test_a_run_that_diverges_counts_with_the_floor(searched: TrialContext, fail: Fail) -> None:
    fail("trial.loss=nan@1")
    finish(searched)
    (run,) = [run for run in fresh_runs(searched.study, "finalist") if run.state != "complete"]
    assert (run.number, run.index, run.state, run.value) == (0, 0, "pruned", 0.0)
    assert "must be a finite number" in str(run.reason)


def test_a_run_that_diverges_late_counts_with_what_it_had_reached(searched: TrialContext, fail: Fail) -> None:
    fail("trial.loss=nan@17")
    run_next_fresh(searched, "me", "finalist")
    (run,) = fresh_runs(searched.study, "finalist")
    assert run.state == "pruned"
    assert run.value > 0
    assert run.metrics["f1"] == run.value


def test_memory_that_is_short_once_halves_the_micro_batch(searched: TrialContext, fail: Fail) -> None:
    fail("trial.step=oom@1")
    run_next_fresh(searched, "me", "finalist")
    (run,) = fresh_runs(searched.study, "finalist")
    assert (run.state, run.execution["micro_batch"]) == ("complete", 2)


def test_memory_that_is_always_short_counts_with_the_floor(searched: TrialContext, fail: Fail) -> None:
    fail(",".join(f"trial.step=oom@{arrival}" for arrival in range(1, 4)))
    run_next_fresh(searched, "me", "finalist")
    (run,) = fresh_runs(searched.study, "finalist")
    assert (run.state, run.value) == ("infeasible", 0.0)


def test_an_interrupted_run_is_done_by_the_next_worker(searched: TrialContext) -> None:
    searched.stop.set()
    with pytest.raises(Interrupted):
        run_next_fresh(searched, "me", "finalist")
    assert fresh_runs(searched.study, "finalist") == ()


def test_time_that_is_over_leaves_a_run_to_be_done(searched: TrialContext) -> None:
    late = replace(searched, limit=TimeLimit(time.time() - 1))
    run_next_fresh(late, "me", "finalist")
    assert fresh_runs(searched.study, "finalist") == ()
    assert at_work(searched.study, "finalist") == 0
    finish(searched)
    assert len(fresh_runs(searched.study, "finalist")) == 4


def test_weights_that_were_dropped_are_trained_again(searched: TrialContext) -> None:
    """A search that asks for more finalists than before may need the weights of a trial that had not kept them."""
    record = read_trials(searched.study)[1]
    kept = weights_file(searched.config, record).read_bytes()
    searched.weights.drop(record.number, record.best_step or 0)
    run_next_fresh(searched, "me", "finalist")
    run_next_fresh(searched, "me", "finalist")
    assert weights_file(searched.config, record).read_bytes() == kept


def test_trials_end_early_enough_for_the_finalists(searched: TrialContext) -> None:
    budget = replace(searched.config.budget, timeout=1000.0)
    limited = replace(searched, config=replace(searched.config, budget=budget), limit=TimeLimit(time.time() + 1000))
    deadline = TrialTime(limited).limit().deadline
    assert deadline is not None
    assert time.time() < deadline < time.time() + 1000


def test_trials_do_not_begin_again_when_finalists_were_quicker(searched: TrialContext) -> None:
    budget = replace(searched.config.budget, timeout=1000.0)
    limited = replace(searched, config=replace(searched.config, budget=budget), limit=TimeLimit(time.time() + 1000))
    clock = TrialTime(limited)
    assert claim_run(searched.study, 0, 0, "other", work="finalist") is not None
    assert clock.limit().is_over(time.time())
    forfeit(searched.study.database, study_id=searched.study.study_id, worker="other")
    assert clock.limit().is_over(time.time())


def test_a_search_without_a_limit_holds_nothing_back(searched: TrialContext) -> None:
    assert TrialTime(searched).limit() == TimeLimit()
