"""Finalists' runs: claimed once, stored once, invisible to samplers."""

from __future__ import annotations

import pytest

from autoft.storage.beside import at_work, is_searching
from autoft.storage.finalists import (
    FinalistRun,
    claim_run,
    finish_run,
    fresh_runs,
)
from autoft.storage.leases import Claim, LeaseLost, forfeit
from autoft.storage.reading import read_trials
from autoft.storage.records import EvaluationRecord
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import Outcome, ask_trial, configure, record_evaluation, tell
from autoft.storage.workers import worker_name


def complete(study: StudyHandle, value: float = 0.5) -> int:
    held = ask_trial(study, "a", limit=None)
    assert held is not None
    configure(study, held, config={"x": 1}, parameters={}, distributions={}, kind="sampled")
    record_evaluation(study, held, EvaluationRecord(9, 1.0, value, 1.0, 1.0, 1.0), {"f1": value})
    tell(study, held, Outcome("complete"))
    return held.number


def take(study: StudyHandle, number: int, index: int, worker: str = "a") -> Claim:
    held = claim_run(study, number, index, worker, work="finalist")
    assert held is not None
    return held


def run(number: int, index: int, value: float = 0.4) -> FinalistRun:
    return FinalistRun(number, index, 7 + index, value, metrics={"f1": value, "f1.PER": 0.1}, seconds=2.0)


def test_a_run_is_stored_with_all_that_is_known(study: StudyHandle) -> None:
    number = complete(study)
    done = FinalistRun(number, 1, 8, 0.0, "pruned", "the loss is no number", {}, 3.5, {"threads": 1})
    finish_run(study, take(study, number, 1), done)
    assert fresh_runs(study, "finalist") == (done,)


def test_runs_come_seed_by_seed(study: StudyHandle) -> None:
    numbers = [complete(study), complete(study)]
    for number, index in ((numbers[1], 1), (numbers[0], 1), (numbers[1], 0)):
        finish_run(study, take(study, number, index), run(number, index))
    assert [(one.index, one.number) for one in fresh_runs(study, "finalist")] == [
        (0, numbers[1]),
        (1, numbers[0]),
        (1, numbers[1]),
    ]


def test_two_workers_never_have_the_same_seed_of_a_configuration(study: StudyHandle) -> None:
    number = complete(study)
    take(study, number, 0, "a")
    assert claim_run(study, number, 0, "b", work="finalist") is None
    assert claim_run(study, number, 1, "b", work="finalist") is not None


def test_what_is_done_is_not_claimed_again(study: StudyHandle) -> None:
    number = complete(study)
    finish_run(study, take(study, number, 0), run(number, 0))
    assert claim_run(study, number, 0, "b", work="finalist") is None


def test_a_lost_workers_run_is_taken_over_and_it_cannot_write_any_more(study: StudyHandle) -> None:
    number = complete(study)
    lost = take(study, number, 0, "a")
    forfeit(study.database, study_id=study.study_id, worker="a")
    finish_run(study, take(study, number, 0, "b"), run(number, 0, 0.9))
    with pytest.raises(LeaseLost, match="another worker has taken it over"):
        finish_run(study, lost, run(number, 0, 0.1))
    assert [one.value for one in fresh_runs(study, "finalist")] == [0.9]


def test_the_same_result_twice_is_one(study: StudyHandle) -> None:
    number = complete(study)
    held = take(study, number, 0)
    finish_run(study, held, run(number, 0))
    finish_run(study, held, run(number, 0))
    assert len(fresh_runs(study, "finalist")) == 1


def test_samplers_see_nothing_of_finalists(study: StudyHandle) -> None:
    number = complete(study)
    before = read_trials(study), study.optuna.get_trials()
    finish_run(study, take(study, number, 0), run(number, 0, 0.99))
    assert (read_trials(study), study.optuna.get_trials()) == before


def test_a_search_goes_on_while_a_trial_is_held(study: StudyHandle) -> None:
    assert not is_searching(study)
    held = ask_trial(study, "a", limit=None)
    assert held is not None
    assert is_searching(study)
    forfeit(study.database, study_id=study.study_id, worker="a")
    assert not is_searching(study)


def test_a_dead_workers_run_is_at_work_no_more(study: StudyHandle) -> None:
    """A search that was killed among its finalists and resumed at once took its trials' time to be over."""
    number = complete(study)
    machine = worker_name().rpartition("/")[0].rpartition("/")[0]
    take(study, number, 0, f"{machine}/{2**22 + 1}/5")
    assert at_work(study, "finalist") == 0


def test_finalists_are_no_part_of_the_search(study: StudyHandle) -> None:
    number = complete(study)
    assert at_work(study, "finalist") == 0
    take(study, number, 0)
    assert at_work(study, "finalist") == 1
    assert not is_searching(study)
