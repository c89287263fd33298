from __future__ import annotations

import subprocess
import sys

import pytest

from autoft.storage.workers import is_dead, seconds_running, worker_name

NAME = "from autoft.storage.workers import worker_name; print(worker_name(), flush=True); input()"


def test_this_process_lives() -> None:
    assert not is_dead(worker_name())


def test_a_process_is_known_to_be_dead_once_it_is_killed() -> None:
    child = subprocess.Popen([sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    name = child.stdout.readline().strip()
    assert not is_dead(name)
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert is_dead(name)


def test_another_process_of_the_same_number_is_another_worker() -> None:
    head, _, started = worker_name().rpartition("/")
    assert is_dead(f"{head}/{int(started) - 1}")


def test_nothing_is_known_of_other_machines() -> None:
    assert not is_dead("elsewhere/0123abcd/pid:[1]/12345/678")
    assert not is_dead("a name of another kind")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says when a process started")
def test_it_is_known_how_long_a_process_runs() -> None:
    code = "import time; time.sleep(0.5); from autoft.storage.workers import seconds_running as s; print(s())"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert 0.4 < float(said) < 60
    assert seconds_running() > 0
