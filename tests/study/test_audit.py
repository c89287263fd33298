"""The audit in this process: what pruning has left unfinished ends as if it had never stopped."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autoft.space import SearchSpace, parse_space
from autoft.storage.audits import AuditRun, audit_runs, claim_audit, read_audited
from autoft.storage.beside import at_work
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.database import open_database
from autoft.storage.finalists import fresh_runs
from autoft.storage.leases import forfeit
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.studies import StudyHandle, create_study, open_study
from autoft.storage.trials import ask_trial, configure
from autoft.strategy.schedule import FullTraining, PromotionHalving, Ruling, Schedule, StoppingHalving, Verdict
from autoft.strategy.standing import Standing
from autoft.strategy.stopping import TimeLimit
from autoft.strategy.suggest import proposal_of
from autoft.study.audit import run_audit, run_next_audit
from autoft.study.audit_choice import missing_audits
from autoft.study.config import BudgetConfig
from autoft.study.finalists import TrialTime, run_fresh
from autoft.study.lease import Interrupted
from autoft.study.paused import InMemory, OnDisk
from autoft.study.replay import recorded, replay_trial
from autoft.study.schema import space_schema
from autoft.study.search_end import end_search
from autoft.study.standings import standings_of
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import best_complete, weights_file
from autoft.study.work import Search, run_search

pytestmark = pytest.mark.usefixtures("one_thread")
Fail = Callable[[str], None]
PLENTY = 10**9
TRIALS = 6
# Thirty steps: the tenth is at rung 3; rung 1 comes too early to count.
SPACE = """
version: 1
task: ner
model: {model}
train: {{batch_size: 4, epochs: 5, warmup: 0.0, patience: 9, dropout: {{low: 0.0, high: 0.2}}}}
method:
  full: {{learning_rate: {{low: 1e-3, high: 1e-2, log: true}}}}
default:
  method: {{full: {{learning_rate: 5e-3}}}}
  train: {{epochs: 5, batch_size: 4, dropout: 0.1}}
"""


@pytest.fixture
def space(tiny_folder: Path) -> SearchSpace:
    return parse_space(SPACE.format(model=tiny_folder), space_schema(), source="tiny.yaml")


def search(context: TrialContext, trials: int = TRIALS) -> None:
    """Search to the end, as a worker does."""
    standings = partial(standings_of, context.workbench)
    asked = Search(context.study, context.schedule, standings, trials, "me")
    assert run_search(asked, lambda held, _: run_trial(context, held), threading.Event(), TimeLimit)


@pytest.fixture
def searched(work_on: Callable[[StudyHandle], TrialContext], search_once: Any) -> TrialContext:
    """A search at its end: three of six trials wait at a rung, their states on disk, and two of them are drawn."""
    found: TrialContext = search_once(lambda study: on_disk(auditing(work_on(study))), search)
    return found


def auditing(context: TrialContext, share: float | None = 0.35) -> TrialContext:
    budget = BudgetConfig(trials=TRIALS, finalists=1, seeds=1, audit=share)
    schedule = PromotionHalving(floor=context.workbench.floor)
    return replace(context, config=replace(context.config, budget=budget), schedule=schedule)


def states_at(context: TrialContext) -> CheckpointStore:
    return CheckpointStore(Path(context.config.storage.folder) / context.config.name / "checkpoints" / "paused")


def on_disk(context: TrialContext, budget: int = PLENTY) -> TrialContext:
    return replace(context, paused=OnDisk(states_at(context), budget))


def told(context: TrialContext) -> tuple[object, ...]:
    """What the search has told, as another process reads it: this one reads a trial that is told only once."""
    database = open_database(None, Path(context.config.storage.folder))
    study = open_study(database, context.config.name)
    found = read_trials(study), study.optuna.get_trials()
    database.close()
    return found


def audited(context: TrialContext) -> list[TrialRecord]:
    return [record for record in read_audited(context.study) if record.audited]


def stored(context: TrialContext) -> set[int]:
    return {one.number for one in states_at(context).stored()}


def never_stopped(context: TrialContext, like: TrialRecord) -> TrialRecord:
    """The same trial in a study that stops nothing."""
    study = create_study(context.study.database, f"whole-{like.number}", metric="f1", config="{}")
    whole = replace(context, study=study, schedule=FullTraining())
    held = ask_trial(study, "me", limit=None)
    assert held is not None
    proposal = proposal_of(context.space, like.config)
    found = proposal.parameters, proposal.distributions
    configure(study, held, config=proposal.config, parameters=found[0], distributions=found[1], kind="sampled")
    run_trial(whole, held)
    return read_trials(study)[0]


def moved_to_memory(context: TrialContext) -> TrialContext:
    """The only worker has its states in memory."""
    memory = InMemory(OnDisk(states_at(context), 0), PLENTY)
    for record in read_trials(context.study):
        state = context.paused.find(record.number, record.evaluations[-1]) if record.state == "paused" else None
        if state is not None:
            memory.keep(record.number, state, ())
    shutil.rmtree(states_at(context)._folder)
    return replace(context, paused=memory)


def dropped(context: TrialContext) -> TrialContext:
    shutil.rmtree(states_at(context)._folder)
    return context


@pytest.mark.parametrize("home", [lambda context: context, moved_to_memory, dropped], ids=["disk", "memory", "gone"])
def test_an_audited_trial_equals_an_uninterrupted_one(
    searched: TrialContext, home: Callable[[TrialContext], TrialContext], caplog: pytest.LogCaptureFixture
) -> None:
    context = home(searched)
    end_search(context)
    run_audit(context, "me")
    first, *_ = found = audited(context)
    assert len(found) == 2
    assert ("its checkpoint is gone" in caplog.text) == (home is dropped)
    assert [one.step for one in first.evaluations] == list(range(1, 10))
    whole = never_stopped(context, first)
    assert (first.state, recorded(first)) == ("complete", recorded(whole))
    assert (first.value, first.metrics) == (whole.value, whole.metrics)
    config = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    assert replay_trial(config, first).summary == recorded(first)


def test_the_search_sees_nothing_of_the_audit(searched: TrialContext) -> None:
    end_search(searched)
    before = told(searched)
    run_audit(searched, "me")
    assert told(searched) == before
    assert audited(searched)


def test_without_an_audit_nothing_is_finished_and_no_state_is_kept(searched: TrialContext) -> None:
    context = auditing(searched, None)
    end_search(context)
    run_audit(context, "me")
    assert (audit_runs(context.study), stored(context)) == ((), set())


class NeverWaits(threading.Event):
    """Fails whoever waits."""

    def wait(self, timeout: float | None = None) -> bool:
        raise AssertionError(f"waits for {timeout} seconds")


def test_without_an_audit_nobody_waits_for_the_others(searched: TrialContext) -> None:
    assert ask_trial(searched.study, "other", limit=None) is not None
    run_audit(replace(auditing(searched, None), stop=NeverWaits()), "me")


def test_states_wait_for_the_audit_and_no_longer(searched: TrialContext) -> None:
    assert len(stored(searched)) == 3
    end_search(searched)
    waiting = missing_audits(read_audited(searched.study), searched.config.budget, searched.config.seed)
    assert stored(searched) == {record.number for record in waiting}
    run_next_audit(searched, "me")
    assert stored(searched) == {waiting[1].number}
    run_audit(searched, "me")
    assert stored(searched) == set()
    assert not run_next_audit(searched, "me")


def test_an_interrupted_audit_goes_on_when_the_study_is_resumed(
    searched: TrialContext, caplog: pytest.LogCaptureFixture
) -> None:
    """One was finished; the other begins again at its rung."""
    end_search(searched)
    run_next_audit(searched, "me")
    (before,) = audit_runs(searched.study)
    stopped = replace(searched, stop=threading.Event())
    stopped.stop.set()
    with pytest.raises(Interrupted):
        run_next_audit(stopped, "gone")
    assert audit_runs(searched.study) == (before,)
    assert claim_audit(searched.study, before.number, before.rung, "me") is None
    assert len(stored(searched)) == 1
    forfeit(searched.study.database, study_id=searched.study.study_id, worker="gone")
    run_audit(searched, "me")
    assert len(audit_runs(searched.study)) == 2
    assert "its checkpoint is gone" not in caplog.text


def test_time_that_is_over_leaves_the_audit_to_be_done(searched: TrialContext) -> None:
    end_search(searched)
    late = replace(searched, limit=TimeLimit(time.time() - 1))
    run_next_audit(late, "me")
    assert (audit_runs(searched.study), at_work(searched.study, "audit")) == ((), 0)
    run_audit(late, "me")
    assert len(stored(searched)) == 2
    run_audit(searched, "me")
    assert len(audit_runs(searched.study)) == 2


def test_what_waits_when_time_is_over_is_audited_and_can_be_promoted_still(searched: TrialContext) -> None:
    """Without `end_search` the trials stay paused."""
    run_audit(searched, "me")
    assert len(audited(searched)) == 2
    assert [record.state for record in read_trials(searched.study)].count("paused") == 3
    assert len(stored(searched)) == 3


def test_the_audit_waits_for_trials_that_others_run(searched: TrialContext) -> None:
    assert ask_trial(searched.study, "other", limit=None) is not None
    assert run_next_audit(searched, "me")
    assert audit_runs(searched.study) == ()


def test_what_another_worker_audits_is_left_to_it_and_waited_for(searched: TrialContext) -> None:
    end_search(searched)
    first, second = missing_audits(read_audited(searched.study), searched.config.budget, searched.config.seed)
    assert first.left_at is not None
    assert claim_audit(searched.study, first.number, first.left_at, "other") is not None
    assert run_next_audit(searched, "me")
    assert run_next_audit(searched, "me")
    assert [run.number for run in audit_runs(searched.study)] == [second.number]


def ended(context: TrialContext) -> AuditRun:
    end_search(context)
    run_next_audit(context, "me")
    (run,) = audit_runs(context.study)
    return run


def test_one_that_diverges_is_told_and_stays_pruned(searched: TrialContext, fail: Fail) -> None:
    fail("trial.loss=nan@1")
    run = ended(searched)
    assert (run.state, "must be a finite number" in str(run.reason)) == ("pruned", True)
    (record,) = audited(searched)
    assert record.state == "pruned"


def test_memory_that_is_short_begins_it_anew_with_half_the_micro_batch(searched: TrialContext, fail: Fail) -> None:
    end_search(searched)
    before = told(searched)
    fail("trial.step=oom@3")
    run = ended(searched)
    fail("")
    assert (run.state, run.execution["micro_batch"], len(run.evaluations)) == ("complete", 2, 9)
    (record,) = audited(searched)
    config = replace(searched.config, fingerprint=searched.workbench.data.fingerprint)
    assert replay_trial(config, record).summary == recorded(record)
    assert told(searched) == before


def test_a_stopped_trial_has_no_state_and_is_trained_again(context: TrialContext) -> None:
    """The schedule that only stops tells its trials at once."""
    stopping = replace(auditing(context), schedule=StoppingHalving(floor=context.workbench.floor))
    search(stopping)
    end_search(stopping)
    assert any(record.state == "pruned" and record.left_at == 3 for record in read_trials(stopping.study))
    run_audit(stopping, "me")
    first, *_ = audited(stopping)
    assert recorded(first) == recorded(never_stopped(stopping, first))


class StopsAll(Schedule):
    """Prunes everything but the default."""

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:
        del mine, others, paused
        return Ruling(Verdict.STOP, f"rung {rung}: stops")


def test_a_better_one_is_kept_and_becomes_a_finalist(context: TrialContext) -> None:
    """Nothing that was found is thrown away: its weights are there to be delivered."""
    dull = {**context.space.default, "method.full.learning_rate": 1e-9}
    space = SearchSpace(context.space.task, context.space.schema, context.space.domains, dull)
    pruning = replace(auditing(context), space=space, schedule=StopsAll())
    search(pruning, 3)
    run_audit(pruning, "me")
    records = read_audited(pruning.study)
    best = best_complete(records)
    assert best is not None
    assert best.audited
    assert weights_file(pruning.config, best).is_file()
    run_fresh(pruning, "me", "finalist")
    assert [run.number for run in fresh_runs(pruning.study, "finalist")] == [0, best.number]


def test_no_later_rung_is_in_the_way(context: TrialContext, tiny_folder: Path) -> None:
    """Stopped at rung 1, it passes rung 3."""
    text = SPACE.format(model=tiny_folder).replace("epochs: 5", "epochs: 15")
    space = parse_space(text, space_schema(), source="long.yaml")
    pruning = replace(auditing(context), space=space, schedule=StopsAll())
    search(pruning, 2)
    run_audit(pruning, "me")
    (record,) = audited(pruning)
    assert (record.left_at, record.state, len(record.evaluations)) == (1, "complete", 9)


def test_trials_do_not_begin_again_while_the_audit_is_at_work(searched: TrialContext) -> None:
    budget = replace(searched.config.budget, timeout=1000.0)
    limited = replace(searched, config=replace(searched.config, budget=budget), limit=TimeLimit(time.time() + 1000))
    clock = TrialTime(limited)
    assert not clock.limit().is_over(time.time())
    assert claim_audit(searched.study, 1, 3, "other") is not None
    assert clock.limit().is_over(time.time())
