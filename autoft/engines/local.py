"""Workers as local processes, each at the end of a pipe: when the pipe closes, the worker ends."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from autoft.errors import AutoftError, ConfigError
from autoft.study.config import StudyConfig

logger = logging.getLogger(__name__)
_GRACE = 20.0
_MOST_DEATHS = 3
_LOG_TAIL = 3000


class WorkerDied(AutoftError):  # noqa: N818 - what happened, told to the user
    """Workers ended without being asked to, again and again; the end of their log is in the message."""


class LocalEngine:
    """Starts, watches and stops the workers of one study.

    Args:
        config: The study's configuration; sent to each worker that starts.
        logs: Folder for what workers write to standard error.
    """

    def __init__(self, config: StudyConfig, logs: Path) -> None:
        self.config = config
        self._logs = logs
        self._workers: dict[int, subprocess.Popen[str]] = {}
        self._deaths = 0
        self._finished = 0
        self._order = ""

    def plan(self) -> dict[str, Any]:
        """Start the first worker and return what it measured before the search; it then waits.

        Raises:
            ConfigError: If the worker cannot load the base model or encode the data.
            WorkerDied: If it ends without an answer.
        """
        worker = self._start(0)
        line = _output(worker).readline()
        if not line:
            worker.wait()
            raise WorkerDied(f"worker 0 ended with exit code {worker.returncode}\n{self._log_tail(0)}")
        answer: dict[str, Any] = json.loads(line)
        if "problems" in answer:
            raise ConfigError(*answer["problems"])
        return answer

    def go(self, deadline: float | None) -> None:
        """Let every worker run trials, until `deadline` in seconds since the epoch."""
        self._order = json.dumps({"go": True, "deadline": deadline})
        for number in range(self.config.budget.workers):
            worker = self._workers.get(number) or self._start(number)
            _send(worker, self._order)

    def running(self) -> int:
        """Return the workers at work; a worker that died is started again.

        Raises:
            ConfigError: If a worker ended since the user's input is wrong.
            WorkerDied: If workers die again and again although no trial finishes between.
        """
        for number, worker in list(self._workers.items()):
            code = worker.poll()
            if code is None:
                continue
            del self._workers[number]
            _raise_problems(worker)
            if code != 0:
                self._deaths += 1
                logger.warning("worker %d ended with exit code %d", number, code)
                if self._deaths >= _MOST_DEATHS:
                    raise WorkerDied(f"worker {number} ended with exit code {code}\n{self._log_tail(number)}")
                _send(self._start(number), self._order)
        return len(self._workers)

    def note_finished(self, stretches: int) -> None:
        """Tell how many stretches of training are finished; progress makes earlier deaths forgotten."""
        if stretches > self._finished:
            self._finished, self._deaths = stretches, 0

    def stop(self) -> None:
        """Close the pipes, wait for the workers to let go of their trials, end those that do not."""
        for worker in self._workers.values():
            with contextlib.suppress(OSError):
                _input(worker).close()
        deadline = time.monotonic() + _GRACE
        for worker in self._workers.values():
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            _output(worker).close()
        self._workers.clear()

    def _start(self, number: int) -> subprocess.Popen[str]:
        self._logs.mkdir(parents=True, exist_ok=True)
        threads = str(self.config.compute.threads)
        with (self._logs / f"worker-{number}.log").open("a", encoding="utf-8") as log:
            worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "autoft.study.worker", str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=os.environ
                | {
                    "OMP_NUM_THREADS": threads,
                    "MKL_NUM_THREADS": threads,
                    "TOKENIZERS_PARALLELISM": "false",
                    "PYTHONUNBUFFERED": "1",
                },
                # A terminal's Ctrl-C reaches the coordinator alone, which then closes the pipes.
                start_new_session=True,
            )
        self._workers[number] = worker
        _send(worker, json.dumps(self.config.to_json()))
        return worker

    def _log_tail(self, number: int) -> str:
        path = self._logs / f"worker-{number}.log"
        return path.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:] if path.is_file() else ""


@contextlib.contextmanager
def stopped_at_the_end(engine: LocalEngine) -> Iterator[LocalEngine]:
    """Stop the engine however the body ends."""
    try:
        yield engine
    finally:
        engine.stop()


def _input(worker: subprocess.Popen[str]) -> IO[str]:
    if worker.stdin is None:
        raise WorkerDied("worker: a pipe expected, found none")
    return worker.stdin


def _output(worker: subprocess.Popen[str]) -> IO[str]:
    if worker.stdout is None:
        raise WorkerDied("worker: a pipe expected, found none")
    return worker.stdout


def _raise_problems(worker: subprocess.Popen[str]) -> None:
    """Raise what an ended worker found wrong; lines that it was killed in the midst of say nothing."""
    for line in _output(worker):
        with contextlib.suppress(json.JSONDecodeError):
            answer = json.loads(line)
            if "problems" in answer:
                raise ConfigError(*answer["problems"])


def _send(worker: subprocess.Popen[str], line: str) -> None:
    # A worker that is dead already is found by `running`.
    with contextlib.suppress(BrokenPipeError):
        _input(worker).write(line + "\n")
        _input(worker).flush()
