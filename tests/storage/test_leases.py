from __future__ import annotations

import time

import pytest

from autoft.storage.leases import (
    Claim,
    claim,
    forfeit,
    lost_claims,
    release,
    renew,
    states,
)
from autoft.storage.studies import StudyHandle
from autoft.storage.workers import worker_name


def trial_of(study: StudyHandle) -> int:
    """A number that no other test uses; there need be no such trial."""
    return 1_000_000 + study.study_id


def take(study: StudyHandle, worker: str, **options: object) -> Claim | None:
    given = {"trial_id": trial_of(study), "number": 3, **options}
    return claim(study.database, study_id=study.study_id, worker=worker, **given)  # type: ignore[arg-type]


def held(study: StudyHandle, worker: str, **options: object) -> Claim:
    made = take(study, worker, **options)
    assert made is not None
    return made


def test_a_claim_names_its_work(study: StudyHandle) -> None:
    mine = held(study, "a")
    assert (mine.trial_id, mine.number, mine.rung, mine.attempt, mine.worker) == (
        trial_of(study),
        3,
        0,
        1,
        "a",
    )
    assert states(study.database, study.study_id) == {3: "claimed"}


def test_a_second_worker_gets_nothing(study: StudyHandle) -> None:
    held(study, "a")
    assert take(study, "b") is None


def test_an_expired_claim_is_taken_over(study: StudyHandle) -> None:
    first = held(study, "a", seconds=-1.0)
    second = held(study, "b")
    assert (second.attempt, second.worker) == (2, "b")
    assert not renew(study.database, first)
    assert not release(study.database, first, "done")
    assert renew(study.database, second)


def test_an_expired_claim_that_nobody_took_still_stands(study: StudyHandle) -> None:
    mine = held(study, "a", seconds=-1.0)
    assert renew(study.database, mine, seconds=60)
    assert take(study, "b") is None


def test_a_renewed_claim_does_not_expire(study: StudyHandle) -> None:
    mine = held(study, "a", seconds=0.3)
    assert renew(study.database, mine, seconds=60)
    time.sleep(0.4)
    assert take(study, "b") is None


def test_time_passes_in_the_database(study: StudyHandle) -> None:
    held(study, "a", seconds=0.2)
    assert take(study, "b") is None
    time.sleep(0.3)
    assert take(study, "b") is not None


def test_what_is_done_is_not_claimed_again(study: StudyHandle) -> None:
    assert release(study.database, held(study, "a"), "done")
    assert take(study, "b") is None
    assert states(study.database, study.study_id) == {3: "done"}


def test_releasing_twice_is_releasing_once(study: StudyHandle) -> None:
    mine = held(study, "a")
    assert release(study.database, mine, "paused")
    assert release(study.database, mine, "paused")
    assert not release(study.database, mine, "done")


def test_a_paused_configuration_is_continued_from_its_rung_by_one_worker(
    study: StudyHandle,
) -> None:
    release(study.database, held(study, "a"), "paused")
    assert states(study.database, study.study_id) == {3: "paused"}
    assert take(study, "b") is None
    assert held(study, "b", rung=1).rung == 1
    assert take(study, "c", rung=1) is None
    assert states(study.database, study.study_id) == {3: "claimed"}


def test_a_running_configuration_is_not_continued(study: StudyHandle) -> None:
    held(study, "a")
    assert take(study, "b", rung=1) is None


def test_finalists_seeds_are_claimed_one_by_one(study: StudyHandle) -> None:
    release(study.database, held(study, "a"), "done")
    held(study, "a", work="finalist", rung=1)
    held(study, "b", work="finalist", rung=2)
    assert take(study, "c", work="finalist", rung=1) is None
    assert states(study.database, study.study_id) == {3: "done"}


def test_a_dead_workers_claims_are_forfeited(study: StudyHandle) -> None:
    mine = held(study, "a")
    other = held(study, "b", trial_id=2_000_000 + study.study_id, number=4)
    assert forfeit(study.database, study_id=study.study_id, worker="a") == 1
    assert [one.number for one in lost_claims(study.database, study.study_id)] == [3]
    assert not renew(study.database, mine)
    assert renew(study.database, other)


def test_work_that_was_taken_over_is_not_lost(study: StudyHandle) -> None:
    held(study, "a", seconds=-1.0)
    assert len(lost_claims(study.database, study.study_id)) == 1
    held(study, "b")
    assert lost_claims(study.database, study.study_id) == ()


def test_a_live_process_is_not_lost_before_its_time(study: StudyHandle) -> None:
    held(study, worker_name())
    assert lost_claims(study.database, study.study_id) == ()


def test_a_process_that_is_gone_is_lost_at_once(study: StudyHandle) -> None:
    machine = worker_name().rpartition("/")[0].rpartition("/")[0]
    held(study, f"{machine}/{2**22 + 1}/123")
    assert len(lost_claims(study.database, study.study_id)) == 1


@pytest.mark.parametrize("rung", [0, 1])
def test_attempts_are_counted_for_each_rung(rung: int, study: StudyHandle) -> None:
    if rung:
        release(study.database, held(study, "a"), "paused")
    attempts = [held(study, "a", rung=rung, seconds=-1.0).attempt for _ in range(3)]
    assert attempts == [1, 2, 3]
