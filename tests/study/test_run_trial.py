"""One trial in this process: from the question to the word, whatever happens on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest
import torch

from autoft.space import SearchSpace
from autoft.storage.leases import states
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.trials import Outcome, ask_trial
from autoft.strategy.samplers import propose
from autoft.strategy.schedule import Ruling, Schedule, StoppingHalving, Verdict
from autoft.strategy.standing import Standing
from autoft.strategy.stopping import TimeLimit
from autoft.study.lease import Interrupted
from autoft.study.portfolio import EARLIER, PORTFOLIO, PortfolioConfig
from autoft.study.replay import recorded, replay_trial
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import weights_file

Fail = Callable[[str], None]


class StopsAtTheThird(Schedule):
    """Stops every configuration but the default at its third evaluation."""

    def verdict(self, mine: Standing, peers: object, step: int, *, paused: object = ()) -> Ruling:
        del peers, paused
        stops = mine.number > 0 and step >= 3
        return Ruling(Verdict.STOP, "rung 3: no good") if stops else Ruling(Verdict.GO_ON, "")

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:
        raise NotImplementedError


def run_one(context: TrialContext) -> tuple[Outcome, TrialRecord]:
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    outcome = run_trial(context, held)
    return outcome, read_trials(context.study)[held.number]


def with_patience(space: SearchSpace, patience: int, rate: float) -> SearchSpace:
    default = {**space.default, "train.patience": patience, "method.full.learning_rate": rate}
    return SearchSpace(space.task, space.schema, space.domains, default)


def test_number_zero_is_the_default_and_complete(context: TrialContext) -> None:
    outcome, record = run_one(context)
    assert (outcome.state, record.state, record.number) == ("complete", "complete", 0)
    assert record.config == context.space.default
    assert [evaluation.step for evaluation in record.evaluations] == list(range(1, 10))
    assert record.value == max(evaluation.value for evaluation in record.evaluations)
    assert record.metrics["f1"] == record.value
    assert record.facts["trainable_parameters"] == record.facts["parameters"]


def test_later_numbers_are_sampled_from_the_space(context: TrialContext) -> None:
    run_one(context)
    _, record = run_one(context)
    assert record.number == 1
    assert context.space.contains(record.config)


def test_a_portfolio_comes_right_after_the_default_and_is_never_stopped(context: TrialContext) -> None:
    given = {**context.space.default, "train.dropout": 0.05}
    portfolio = PortfolioConfig(first=(given,), origins=(PORTFOLIO,))
    schedule = StoppingHalving(minimum=1, floor=-1.0, given=1)
    mine = replace(context, config=replace(context.config, portfolio=portfolio), schedule=schedule)
    default, first, second = (run_one(mine)[1] for _ in range(3))
    assert [one.kind for one in (default, first, second)] == ["default", "portfolio", "sampled"]
    assert (first.config, first.state) == (given, "complete")
    # The first of a search without a portfolio.
    assert second.config == propose("gp", context.space, (), seed=0, number=1).config


def test_a_search_with_a_warm_start_does_not_draw_what_the_earlier_study_drew(context: TrialContext) -> None:
    """Both have the same seed as a rule, and what the earlier one drew is known."""
    given = {**context.space.default, "train.dropout": 0.05}
    portfolio = PortfolioConfig(warm_start=("earlier",), first=(given,), origins=(EARLIER,))
    schedule = StoppingHalving(minimum=1, floor=-1.0, given=1)
    mine = replace(context, config=replace(context.config, portfolio=portfolio), schedule=schedule)
    _, first, drawn = (run_one(mine)[1] for _ in range(3))
    assert (first.kind, first.config) == ("warm-start", given)
    assert drawn.kind == "sampled"
    assert drawn.config != propose("gp", context.space, (), seed=0, number=1).config
    assert portfolio.draws_seed(0) == PortfolioConfig(warm_start=("earlier",)).draws_seed(0)
    assert portfolio.draws_seed(0) != PortfolioConfig(warm_start=("another",)).draws_seed(0)


def test_the_execution_record_says_what_a_replay_needs(context: TrialContext) -> None:
    _, record = run_one(context)
    known = {"device", "precision", "threads", "micro_batch", "evaluation_tokens", "last_step"}
    assert known | {"best_weights", "last_weights"} <= set(record.execution)
    assert (record.execution["threads"], record.execution["micro_batch"], record.execution["last_step"]) == (1, 4, 9)


def test_a_trial_leaks_nothing_into_the_next(context: TrialContext) -> None:
    """The same configuration gives the same bits after another one was trained."""
    same = SearchSpace(context.space.task, context.space.schema, {}, context.space.default)
    _, first = run_one(context)
    run_one(context)
    _, third = run_one(replace(context, space=same))
    assert third.config == first.config
    assert recorded(third) == recorded(first)


def test_the_best_weights_are_kept(context: TrialContext) -> None:
    _, record = run_one(context)
    assert weights_file(context.config, record).is_file()


def test_a_trial_stops_where_the_schedule_says_so(context: TrialContext) -> None:
    longer = {**context.space.default, "train.epochs": 12}
    space = SearchSpace(context.space.task, context.space.schema, {}, longer)
    stopping = replace(context, space=space, schedule=StopsAtTheThird())
    assert run_one(stopping)[1].state == "complete"
    _, record = run_one(stopping)
    assert (record.state, record.reason) == ("pruned", "rung 3: no good")
    assert [evaluation.step for evaluation in record.evaluations] == [1, 2, 3]


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_ends_a_trial_that_gets_no_better(context: TrialContext, space: SearchSpace, patience: int) -> None:
    """A learning rate of nearly nothing leaves every evaluation where the first was."""
    _, record = run_one(replace(context, space=with_patience(space, patience, 1e-12)))
    assert record.state == "complete"
    assert [evaluation.step for evaluation in record.evaluations] == list(range(1, patience + 2))


def test_out_of_memory_halves_the_micro_batch(context: TrialContext, fail: Fail) -> None:
    fail("trial.step=oom@2")
    _, record = run_one(context)
    assert record.state == "complete"
    assert record.execution["micro_batch"] == 2
    assert len(record.evaluations) == 9


def test_an_evaluation_out_of_memory_gets_smaller_batches(context: TrialContext, fail: Fail) -> None:
    fail("trial.evaluate=oom@1")
    _, record = run_one(context)
    assert record.state == "complete"
    assert record.execution["evaluation_tokens"] == 2048


def test_a_halved_micro_batch_trains_the_same_batches(context: TrialContext, fail: Fail) -> None:
    whole = run_one(replace(context, space=without_dropout(context.space)))[1]
    fail("trial.step=oom@1")
    halved = run_one(replace(context, space=without_dropout(context.space)))[1]
    assert halved.execution["micro_batch"] == 2
    # Sums in another order round differently: float32 keeps seven digits, training spreads the last ones.
    assert [e.loss for e in halved.evaluations] == pytest.approx([e.loss for e in whole.evaluations], rel=1e-3)


def without_dropout(space: SearchSpace) -> SearchSpace:
    return SearchSpace(space.task, space.schema, {}, {**space.default, "train.dropout": 0.0})


def test_out_of_memory_one_at_a_time_is_infeasible(context: TrialContext, fail: Fail) -> None:
    fail(",".join(f"trial.step=oom@{arrival}" for arrival in range(1, 20)))
    _, record = run_one(context)
    assert record.state == "infeasible"
    assert record.reason == "trial.step: the device has no memory left"
    optuna_trial = context.study.optuna.trials[0]
    assert optuna_trial.state.name == "PRUNED"


def test_a_loss_that_is_no_number_prunes(context: TrialContext, fail: Fail) -> None:
    fail("trial.loss=nan@3")
    _, record = run_one(context)
    assert record.state == "pruned"
    assert "the train loss must be a finite number" in str(record.reason)
    assert record.evaluations == ()


def test_a_learning_rate_beyond_all_bounds_diverges(context: TrialContext, space: SearchSpace) -> None:
    _, record = run_one(replace(context, space=with_patience(space, 9, 1e6)))
    assert record.state == "pruned"
    assert "the train loss must be a finite number" in str(record.reason)


def test_time_that_is_over_prunes(context: TrialContext) -> None:
    _, record = run_one(replace(context, limit=TimeLimit(time.time())))
    assert (record.state, record.reason) == ("pruned", "the time given to the search was over")


def test_a_worker_that_is_to_end_leaves_the_trial_running(context: TrialContext) -> None:
    context.stop.set()
    with pytest.raises(Interrupted):
        run_one(context)
    assert [record.state for record in read_trials(context.study)] == ["running"]
    assert states(context.study.database, context.study.study_id) == {0: "claimed"}


def test_a_halved_trial_replays_to_the_same_bits(context: TrialContext, fail: Fail) -> None:
    fail("trial.step=oom@2")
    _, record = run_one(context)
    fail("")
    config = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    threads = torch.get_num_threads()
    try:
        assert replay_trial(config, record).summary == recorded(record)
    finally:
        torch.set_num_threads(threads)
