from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoft.storage.database import open_database
from autoft.storage.reading import read_trials
from autoft.storage.studies import StudyHandle, create_study
from autoft.storage.trials import ask_trial, recover_lost

WORKER = """
import sys
import time
from pathlib import Path

from optuna.distributions import IntDistribution

from autoft.storage.database import open_database
from autoft.storage.records import EvaluationRecord
from autoft.storage.studies import open_study
from autoft.storage.trials import Outcome, ask_trial, configure, record_evaluation, tell
from autoft.storage.workers import worker_name

url, folder, limit, mode = sys.argv[1:]
study, worker = open_study(open_database(url or None, Path(folder)), "first"), worker_name()
print("ready", flush=True)
sys.stdin.readline()
while held := ask_trial(study, worker, limit=int(limit)):
    x = {"x": held.number}
    domain = {"x": IntDistribution(0, 99)}
    configure(study, held, config=x, parameters=x, distributions=domain, kind="sampled")
    record_evaluation(study, held, EvaluationRecord(9, 1.0, held.number / 100, 1.0, 1.0, 0.1), {"f1": 0.5})
    time.sleep(0.03)  # training: SQLite's lock is not fair to who never leaves it
    if mode == "hold":
        print("holding", flush=True)
        time.sleep(60)
    tell(study, held, Outcome("complete", execution={"worker": worker}))
"""


@pytest.fixture
def place(url: str | None, folder: Path) -> Iterator[tuple[StudyHandle, list[str]]]:
    """An empty study, and the command of a worker but for its limit and mode."""
    database = open_database(url, folder)
    study = create_study(database, "first", metric="f1", config="{}")
    yield study, [sys.executable, "-W", "error", "-c", WORKER, url or "", str(folder)]
    database.close()


def start(command: list[str], limit: int, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*command, str(limit), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def say(worker: subprocess.Popen[str], expected: str) -> None:
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == expected


def go(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def end(worker: subprocess.Popen[str]) -> int:
    worker.communicate(timeout=60)
    return worker.returncode


def test_two_workers_try_each_configuration_once(place: tuple[StudyHandle, list[str]]) -> None:
    study, command = place
    workers = [start(command, 40, "run") for _ in range(2)]
    for worker in workers:
        say(worker, "ready")
    for worker in workers:
        go(worker)
    assert [end(worker) for worker in workers] == [0, 0]
    records = read_trials(study)
    assert [record.number for record in records] == list(range(40))
    assert [record.config["x"] for record in records] == list(range(40))
    assert {record.state for record in records} == {"complete"}
    shares = Counter(record.execution["worker"] for record in records)
    assert len(shares) == 2
    assert ask_trial(study, "late", limit=40) is None


def test_a_killed_workers_configuration_runs_again(place: tuple[StudyHandle, list[str]]) -> None:
    study, command = place
    worker = start(command, 1, "hold")
    say(worker, "ready")
    go(worker)
    say(worker, "holding")
    assert recover_lost(study, "other") is None
    worker.kill()
    end(worker)
    again = recover_lost(study, "other")
    assert again is not None
    assert (again.number, again.attempt) == (0, 2)
    (record,) = read_trials(study)
    assert (record.state, record.config, record.evaluations) == ("running", {"x": 0}, ())
    assert ask_trial(study, "other", limit=1) is None
