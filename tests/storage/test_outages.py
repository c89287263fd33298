from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.distributions import IntDistribution
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from autoft.storage.database import open_database
from autoft.storage.heartbeat import beating
from autoft.storage.leases import Claim, claim, lost_claims
from autoft.storage.lineage import links
from autoft.storage.reading import read_trial, read_trials
from autoft.storage.records import EvaluationRecord
from autoft.storage.retries import Retry
from autoft.storage.studies import StudyHandle, create_study
from autoft.storage.trials import Outcome, ask_trial, configure, record_evaluation, recover_lost, tell

EVALUATION = EvaluationRecord(9, 1.0, 0.5, 1.0, 1.0, 0.1)


@pytest.fixture
def losing_answers() -> Iterator[Callable[[], None]]:
    """Make the answer to the next commit get lost, after it was stored."""
    armed = [0]

    def lose(_session: Session) -> None:
        if armed[0]:
            armed[0] -= 1
            raise OperationalError("COMMIT", None, ConnectionError("the connection is lost"))

    event.listen(Session, "after_commit", lose)
    yield lambda: armed.__setitem__(0, 1)
    event.remove(Session, "after_commit", lose)


def ask(study: StudyHandle, seconds: float = 60.0) -> Claim:
    held = ask_trial(study, "a", limit=None, seconds=seconds)
    assert held is not None
    return held


def set_up(study: StudyHandle, held: Claim) -> None:
    x = {"x": 1}
    configure(
        study,
        held,
        config=x,
        parameters=x,
        distributions={"x": IntDistribution(0, 9)},
        kind="sampled",
    )


def test_no_step_is_done_twice_where_its_answer_is_lost(study: StudyHandle, losing_answers: Callable[[], None]) -> None:
    losing_answers()
    held = ask(study)
    losing_answers()
    set_up(study, held)
    losing_answers()
    record_evaluation(study, held, EVALUATION, {"f1": 0.5})
    losing_answers()
    tell(study, held, Outcome("complete"))
    (record,) = read_trials(study)
    assert (record.state, record.config, record.value) == ("complete", {"x": 1}, 0.5)


def test_a_lost_trial_is_recovered_once_where_the_answer_is_lost(
    study: StudyHandle, losing_answers: Callable[[], None]
) -> None:
    ask(study, seconds=-1.0)
    losing_answers()
    again = recover_lost(study, "b")
    assert again is not None
    assert again.attempt == 2
    assert len(links(study)) == 1


def test_a_lease_is_claimed_once_where_the_answer_is_lost(
    study: StudyHandle, losing_answers: Callable[[], None]
) -> None:
    losing_answers()
    trial_id = 3_000_000 + study.study_id
    mine = claim(study.database, study_id=study.study_id, trial_id=trial_id, number=0, worker="a")
    assert mine is not None
    assert mine.attempt == 1


def test_connections_that_the_server_ends_are_made_anew(postgres: str, folder: Path) -> None:
    quick = Retry(seconds=30.0, first_delay=0.01, longest_delay=0.1)
    database = open_database(postgres, folder, retry=quick)
    study = create_study(database, "first", metric="f1", config="{}")
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    ended = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND application_name = current_setting('application_name')"
    )
    left = threading.Event()

    def harass() -> None:
        with engine.connect() as connection:
            while not left.wait(0.1):
                connection.execute(ended)

    thread = threading.Thread(target=harass)
    thread.start()
    try:
        for _ in range(5):
            held = ask(study)
            set_up(study, held)
            record_evaluation(study, held, EVALUATION, {"f1": 0.5})
            tell(study, held, Outcome("complete"))
    finally:
        left.set()
        thread.join()
    assert [record.state for record in read_trials(study)] == ["complete"] * 5
    database.close()
    engine.dispose()


def test_a_beating_lease_outlives_its_time(study: StudyHandle) -> None:
    held = ask(study, seconds=0.5)
    with beating(study.database, held, seconds=0.5) as lost:
        time.sleep(1.2)
        assert not lost.is_set()
        assert lost_claims(study.database, study.study_id) == ()
    assert read_trial(study, held.number).state == "running"


def test_a_worker_learns_that_its_lease_was_lost(study: StudyHandle) -> None:
    held = ask(study, seconds=-1.0)
    assert recover_lost(study, "b") is not None
    with beating(study.database, held, seconds=0.1) as lost:
        assert lost.wait(10)
