"""A search that stands still begins nothing new, and goes on when it is no longer asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoft.storage.database import open_database
from autoft.storage.leases import Claim
from autoft.storage.reading import read_trials
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.storage.studies import StudyHandle, create_study, record_stop, recorded_stop
from autoft.storage.trials import Outcome, configure, record_evaluation, tell
from autoft.strategy.moves import End
from autoft.strategy.schedule import FullTraining
from autoft.strategy.standing import Standing, standing_of
from autoft.strategy.steps import RUNGS
from autoft.strategy.stopping import TimeLimit
from autoft.study.self_stop import SelfStop, reopen
from autoft.study.work import Search, next_work, run_search

TRIALS = 50


def standings(records: Sequence[TrialRecord]) -> list[Standing]:
    return [standing_of(record.number, record.evaluations, RUNGS) for record in records]


@pytest.fixture
def study(tmp_path: Path) -> StudyHandle:
    return create_study(open_database(None, tmp_path), "still", metric="f1", config="{}")


def flat(study: StudyHandle, trials: int = TRIALS) -> Search:
    """A search in which every configuration is as good as the default."""
    stopping = SelfStop(study, units=100, floor=0.0)
    return Search(study, FullTraining(), standings, trials, "me", stopping)


def work(search: Search) -> int:
    """Run a search to its end; return how many configurations it has then."""

    def run(held: Claim, ends: TimeLimit) -> None:
        del ends
        configure(search.study, held, config={"x": held.number}, parameters={}, distributions={}, kind="sampled")
        record_evaluation(search.study, held, EvaluationRecord(9, 1.0, 0.5, 1.0, 1.0, 0.1), {"f1": 0.5})
        tell(search.study, held, Outcome("complete"))

    assert run_search(search, run, threading.Event(), TimeLimit)
    return len(read_trials(search.study))


def test_it_ends_before_all_were_begun(study: StudyHandle) -> None:
    assert work(flat(study)) == 21
    stop = recorded_stop(study)
    assert stop is not None
    assert (stop.begun, stop.gain) == (21, 0.0)


def test_fewer_configurations_end_it_without_a_word(study: StudyHandle) -> None:
    assert work(flat(study, trials=21)) == 21
    assert recorded_stop(study) is None


def test_without_the_option_it_goes_on(study: StudyHandle) -> None:
    work(flat(study))
    reopen(study, 21, None)
    assert recorded_stop(study) is None
    assert work(Search(study, FullTraining(), standings, 30, "me")) == 30


def test_with_the_option_it_stays_stopped(study: StudyHandle) -> None:
    work(flat(study))
    reopen(study, 21, "auto")
    assert isinstance(next_work(flat(study, trials=80)), End)


def test_a_stop_of_fewer_configurations_is_judged_anew(study: StudyHandle) -> None:
    work(flat(study))
    stop = recorded_stop(study)
    reopen(study, 30, "auto")
    assert recorded_stop(study) is None
    record_stop(study, stop)
    assert recorded_stop(study) == stop
