"""Several workers on one database: each configuration is begun once, and continued once from each of its rungs."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from autoft.storage.database import open_database
from autoft.storage.leases import Claim
from autoft.storage.lineage import promotions
from autoft.storage.reading import read_trial, read_trials
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.storage.studies import StudyHandle, create_study, open_study
from autoft.storage.tables import claims
from autoft.storage.trials import Outcome, ask_trial, configure, pause, prune_paused, record_evaluation, tell
from autoft.strategy.moves import End, Wait
from autoft.strategy.schedule import PromotionHalving, Verdict
from autoft.strategy.standing import Standing, standing_of
from autoft.strategy.steps import RUNGS
from autoft.strategy.stopping import TimeLimit
from autoft.study.work import Search, next_work, run_search

TRIALS = 40
SCHEDULE = PromotionHalving(floor=-1.0)


def standings(records: Sequence[TrialRecord]) -> list[Standing]:
    return [standing_of(record.number, record.evaluations, RUNGS) for record in records]


class Fakes:
    """Trials that train nothing: a configuration's value is drawn from its number.

    Attributes:
        ran: What was claimed, in its order.
    """

    def __init__(self, study: StudyHandle, worker: str) -> None:
        self.search = Search(study, SCHEDULE, standings, TRIALS, worker)
        self.ran: list[tuple[int, int]] = []

    def __call__(self, held: Claim, ends: TimeLimit = TimeLimit()) -> None:  # noqa: ARG002, B008
        study = self.search.study
        self.ran.append((held.number, held.rung))
        if held.rung == 0:
            x = {"x": held.number}
            configure(study, held, config=x, parameters={}, distributions={}, kind="sampled")
        value = random.Random(held.number).random()
        for rung in (rung for rung in RUNGS if rung > held.rung):
            record_evaluation(study, held, EvaluationRecord(rung, 1.0, value, 1.0, 1.0, 0.1), {"f1": value})
            records = read_trials(study)
            paused = [record.number for record in records if record.state == "paused"]
            mine, peers = standings([read_trial(study, held.number)])[0], standings(records)
            ruling = SCHEDULE.verdict(mine, peers, rung, paused=paused)
            if ruling.verdict is Verdict.PAUSE:
                pause(study, held, Outcome("paused", ruling.reason).so_far())
                return
            time.sleep(0.003)  # training: SQLite's lock is not fair to who never leaves it
        tell(study, held, Outcome("complete"))

    def work(self) -> bool:
        return run_search(self.search, self, threading.Event(), TimeLimit)


def holds_together(study: StudyHandle) -> None:
    """40 configurations are 40 trials, none twice, no (configuration, rung) claimed twice."""
    assert prune_paused(study, "the search ended") > 0
    assert prune_paused(study, "the search ended") == 0
    records = read_trials(study)
    assert [record.number for record in records] == list(range(TRIALS))
    assert {record.state for record in records} == {"complete", "pruned"}
    with study.database.engine.connect() as connection:
        held = connection.execute(select(claims.c.number, claims.c.rung).where(claims.c.study_id == study.study_id))
        counted = Counter((row.number, row.rung) for row in held)
    assert set(counted.values()) == {1}
    promoted = promotions(study)
    assert len(set(promoted)) == len(promoted) == sum(rung > 0 for _, rung in counted)
    left = [one for one in standings(records) if records[one.number].state == "pruned"]
    assert SCHEDULE.promotable(left, standings(records)) == []
    assert SCHEDULE.deserving(left, standings(records)) == []


@pytest.mark.parametrize("time_", [1, 2])
def test_two_workers_of_one_process_share_a_search(tmp_path: Path, time_: int) -> None:
    study = create_study(open_database(None, tmp_path), f"shared-{time_}", metric="f1", config="{}")
    # Each as a process would: with a connection of its own.
    fakes = [Fakes(open_study(open_database(None, tmp_path), study.name), f"worker-{n}") for n in range(2)]
    ended: list[bool] = []
    threads = [threading.Thread(target=lambda fake=fake: ended.append(fake.work())) for fake in fakes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert ended == [True, True]
    assert all(fake.ran for fake in fakes)
    holds_together(study)


PROCESS = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_worker_moves as moves
from autoft.storage.database import open_database
from autoft.storage.studies import open_study
from autoft.storage.workers import worker_name
fake = moves.Fakes(open_study(open_database(None, Path(sys.argv[1])), "shared"), worker_name())
print("ready", flush=True)
sys.stdin.readline()
if sys.argv[2] == "killed":
    whole, moves.tell = moves.tell, None
    import os, signal
    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)
    moves.tell = killed
fake.work()
"""


def run_processes(folder: Path, *modes: str) -> list[int]:
    command = [sys.executable, "-c", PROCESS, str(folder)]
    workers = [
        subprocess.Popen([*command, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for mode in modes
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate(timeout=120)
    return [worker.returncode for worker in workers]


@pytest.mark.slow
@pytest.mark.parametrize("time_", range(20))
def test_two_processes_share_a_search(tmp_path: Path, time_: int) -> None:
    del time_
    study = create_study(open_database(None, tmp_path), "shared", metric="f1", config="{}")
    assert run_processes(tmp_path, "whole", "whole") == [0, 0]
    holds_together(study)


@pytest.mark.slow
def test_a_killed_workers_promotion_is_taken_over_at_its_rung(tmp_path: Path) -> None:
    """It is killed as it tells the first trial, but for the default, that came to its end."""
    study = create_study(open_database(None, tmp_path), "shared", metric="f1", config="{}")
    # The default was told before.
    fake = Fakes(study, "before")
    held = ask_trial(study, "before", limit=TRIALS)
    assert held is not None
    fake(held)
    assert run_processes(tmp_path, "killed") == [-9]
    lost = [record.number for record in read_trials(study) if record.state == "running"]
    assert len(lost) == 1
    again = next_work(fake.search)
    assert isinstance(again, Claim)
    assert (again.number, again.rung > 0, again.attempt) == (lost[0], True, 2)
    fake(again)
    assert fake.work()
    records = read_trials(study)
    assert [record.number for record in records] == list(range(TRIALS))
    assert records[lost[0]].state == "complete"


@pytest.fixture
def study(tmp_path: Path) -> StudyHandle:
    return create_study(open_database(None, tmp_path), "one", metric="f1", config="{}")


def test_a_free_worker_waits_for_those_that_train(study: StudyHandle) -> None:
    search = Search(study, SCHEDULE, standings, 1, "me")
    held = ask_trial(study, "another", limit=1)
    assert held is not None
    assert next_work(search) == Wait()
    Fakes(study, "another")(held)
    assert next_work(search) == End()


def test_a_worker_that_waits_ends_when_it_is_to_end(study: StudyHandle) -> None:
    assert ask_trial(study, "another", limit=1) is not None
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    assert not run_search(Search(study, SCHEDULE, standings, 1, "me"), lambda _held, _ends: None, stop, TimeLimit)
    assert time.monotonic() - began < 5


def test_time_that_is_over_is_no_end_of_the_search(study: StudyHandle) -> None:
    """What is paused stays so: with more time the search goes on."""
    fake = Fakes(study, "me")
    for _ in range(3):
        held = ask_trial(study, "me", limit=TRIALS)
        assert held is not None
        fake(held)
    assert not run_search(fake.search, fake, threading.Event(), lambda: TimeLimit(time.time() - 1))
    assert [record.state for record in read_trials(study)] == ["complete", "paused", "paused"]
    assert fake.work()


def test_time_that_is_over_with_the_last_trial_is_the_end(study: StudyHandle) -> None:
    fake = Fakes(study, "me")
    assert fake.work()
    assert run_search(fake.search, fake, threading.Event(), lambda: TimeLimit(time.time() - 1))


def test_more_configurations_continue_what_is_paused(study: StudyHandle) -> None:
    """Three were asked and the time was over; of thirty, one of these three may be among the best."""
    fake = Fakes(study, "me")
    for _ in range(5):
        held = ask_trial(study, "me", limit=5)
        assert held is not None
        fake(held)
    early = {record.number for record in read_trials(study) if record.state == "paused"}
    assert fake.work()
    assert early & {promoted.number for promoted in promotions(study)}
