"""The audit in storage: claimed once, stored once, invisible to the search."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from autoft.storage.audits import AuditRun, audit_runs, claim_audit, finish_audit, read_audited, with_audits
from autoft.storage.beside import at_work, is_searching
from autoft.storage.leases import Claim, LeaseLost, forfeit
from autoft.storage.reading import read_trial, read_trials
from autoft.storage.records import EvaluationRecord
from autoft.storage.studies import StudyHandle, open_study
from autoft.storage.trials import Outcome, ask_trial, configure, pause, prune_paused, record_evaluation, tell


def at(step: int, value: float = 0.5, loss: float = 1.0) -> EvaluationRecord:
    return EvaluationRecord(step, float(step), value, loss, 1.0, float(step))


def begun(study: StudyHandle) -> Claim:
    held = ask_trial(study, "a", limit=None)
    assert held is not None
    configure(study, held, config={"x": held.number}, parameters={}, distributions={}, kind="sampled")
    record_evaluation(study, held, at(1, 0.3), {"f1": 0.3})
    return held


def paused(study: StudyHandle) -> int:
    held = begun(study)
    so_far = Outcome("paused", "rung 1: place 2 of 2", 5.0, {"last_step": 1}, {"steps": 3.0})
    pause(study, held, so_far.so_far())
    return held.number


def pruned(study: StudyHandle) -> int:
    number = paused(study)
    assert prune_paused(study, "the search ended") == 1
    return number


def take(study: StudyHandle, number: int, worker: str = "a") -> Claim:
    held = claim_audit(study, number, 1, worker)
    assert held is not None
    return held


def told(study: StudyHandle) -> tuple[object, ...]:
    """What the search has told, read anew: a trial that is told is read only once by one handle."""
    again = open_study(study.database, study.name)
    return read_trials(again), again.optuna.get_trials()


def run(number: int, value: float = 0.7) -> AuditRun:
    evaluations = (at(1, 0.3), at(3, value, math.nan), at(9, value - 0.1))
    return AuditRun(number, 1, "complete", None, evaluations, {"f1": value}, 4.0, {"last_step": 9}, {"steps": 27.0})


def test_pruning_says_where_it_left_a_trial(study: StudyHandle) -> None:
    number = paused(study)
    assert read_trial(study, number).left_at == 1
    prune_paused(study, "the search ended")
    assert read_trial(study, number).left_at == 1


@pytest.mark.parametrize(
    ("outcome", "left_at"),
    [
        (Outcome("pruned", "rung 1: place 9 of 9", by_schedule=True), 1),
        (Outcome("pruned", "the time given to the search was over"), None),
        (Outcome("infeasible", "out of memory"), None),
        (Outcome("failed", "a bug"), None),
        (Outcome("complete"), None),
    ],
)
def test_only_the_schedule_leaves_a_trial_unfinished(study: StudyHandle, outcome: Outcome, left_at: int | None) -> None:
    held = begun(study)
    tell(study, held, outcome)
    assert read_trial(study, held.number).left_at == left_at


def test_what_came_out_is_stored(study: StudyHandle) -> None:
    number = pruned(study)
    finish_audit(study, take(study, number), run(number))
    (found,) = audit_runs(study)
    assert math.isnan(found.evaluations[1].loss)
    assert replace(found, evaluations=()) == replace(run(number), evaluations=())
    assert found.evaluations[::2] == run(number).evaluations[::2]


def test_two_workers_never_audit_the_same_trial(study: StudyHandle) -> None:
    one, other = pruned(study), pruned(study)
    take(study, one, "a")
    assert claim_audit(study, one, 1, "b") is None
    assert claim_audit(study, other, 1, "b") is not None
    assert at_work(study, "audit") == 2
    assert not is_searching(study)


def test_what_is_done_is_not_claimed_again(study: StudyHandle) -> None:
    number = pruned(study)
    held = take(study, number)
    finish_audit(study, held, run(number))
    finish_audit(study, held, run(number))
    assert claim_audit(study, number, 1, "b") is None
    assert len(audit_runs(study)) == 1


def test_a_lost_workers_audit_is_taken_over_and_it_cannot_write_any_more(study: StudyHandle) -> None:
    number = pruned(study)
    lost = take(study, number, "a")
    forfeit(study.database, study_id=study.study_id, worker="a")
    finish_audit(study, take(study, number, "b"), run(number, 0.9))
    with pytest.raises(LeaseLost, match="another worker has taken it over"):
        finish_audit(study, lost, run(number, 0.1))
    assert read_audited(study)[number].value == 0.9


def test_the_search_sees_nothing_of_it(study: StudyHandle) -> None:
    number = pruned(study)
    before = told(study)
    finish_audit(study, take(study, number), run(number))
    assert told(study) == before
    assert read_audited(study) != read_trials(study)


def test_an_audited_trial_is_complete_and_knows_how_the_search_left_it(study: StudyHandle) -> None:
    number = pruned(study)
    told = read_trials(study)[number]
    finish_audit(study, take(study, number), run(number))
    found = read_audited(study)[number]
    assert (found.state, found.value, found.metrics, found.best_step) == ("complete", 0.7, {"f1": 0.7}, 3)
    assert (found.audited, found.left_at, found.seconds) == (True, 1, told.seconds + 4.0)
    assert found.execution == {"last_step": 9}
    assert found.reason == f"{told.reason}; finished by the audit"
    searched = found.as_searched
    assert (searched.state, searched.value, searched.evaluations) == (told.state, told.value, told.evaluations)


def test_one_that_diverged_stays_pruned(study: StudyHandle) -> None:
    number = pruned(study)
    told = read_trials(study)[number]
    done = AuditRun(number, 1, "pruned", "the loss is no number", seconds=2.0)
    finish_audit(study, take(study, number), done)
    found = read_audited(study)[number]
    assert (found.state, found.value, found.audited) == ("pruned", told.value, True)
    assert found.reason == f"{told.reason}; in the audit pruned, the loss is no number"


def test_what_the_search_itself_trained_on_is_its_own(study: StudyHandle) -> None:
    """The time was over, the audit finished a paused trial, and with more time the search promoted it."""
    number = paused(study)
    record = replace(read_trials(study)[number], state="complete", value=0.6, left_at=None)
    assert with_audits([record], [run(number)]) == (record,)
    assert with_audits([replace(record, state="running")], [run(number)])[0].state == "running"
