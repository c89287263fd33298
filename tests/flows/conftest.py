"""The command line on a tiny model and a tiny corpus, in processes of their own, as a user runs it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autoft.testing.tiny import save_tiny

# One core, so that a study has one thread and its trials take the same steps on every machine.
COMMAND = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
from autoft.cli import main
sys.exit(main())
"""
SPACE = """
version: 1
task: ner
train:
  batch_size: [2, 4]
  epochs: {low: 6, high: 8}
  dropout: {low: 0.0, high: 0.1}
freeze: {low: 0.0, high: 0.5}
method:
  full: {learning_rate: {low: 2e-3, high: 2e-2, log: true}}
  lora: {learning_rate: {low: 3e-3, high: 3e-2, log: true}, rank: {low: 2, high: 4}}
default:
  method: {full: {learning_rate: 1e-3}}
  train: {epochs: 8, batch_size: 4, dropout: 0.0}
"""
# Trials that take seconds, so that a signal arrives in the middle of one; the long warm-up leaves no rung at which they
# could pause.
SLOW_SPACE = """
version: 1
task: ner
train: {batch_size: 4, epochs: 40, warmup: 0.4, dropout: {low: 0.0, high: 0.2}}
method:
  full: {learning_rate: {low: 1e-3, high: 1e-2, log: true}}
default:
  method: {full: {learning_rate: 2e-3}}
  train: {epochs: 40, batch_size: 4, warmup: 0.4, dropout: 0.0}
"""
PEOPLE, PLACES, VERBS = ("anna", "john", "smith"), ("paris", "berlin", "york"), ("lives", "works", "visited")


def sentence(index: int) -> str:
    person, place, verb = PEOPLE[index % 3], PLACES[index // 3 % 3], VERBS[index // 2 % 3]
    forms = (
        f"{person} B-PER\n{verb} O\nin O\n{place} B-LOC\n",
        f"the O\n{person} B-PER\nsmith I-PER\n{verb} O\n{place} B-LOC\nyesterday O\n",
        f"in O\nnew B-LOC\nyork I-LOC\n{person} B-PER\n{verb} O\ngoogle O\n",
        f"yesterday O\n{person} B-PER\n{verb} O\nthe O\nacme O\nof O\n{place} B-LOC\n",
    )
    return forms[index % 4]


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Desk:
    """A folder with a model, a corpus and spaces, and commands that are typed there.

    Attributes:
        folder: The current folder of the commands; studies lie in `studies`.
        environment: What the commands find besides.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command."""
        quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words],
            cwd=self.folder,
            env={**os.environ, **quiet, **self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Tests that run in a shell's background would hand on that they ignore Ctrl-C.
            preexec_fn=_hear_ctrl_c if os.name == "posix" else None,
        )

    def run(self, *words: str, code: int = 0, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its exit code must be `code`."""
        process = self.start(*words, **environment)
        out, err = process.communicate(stdin, timeout=300)
        assert process.returncode == code, f"autoft {' '.join(words)}: {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def search(self, study: str, *words: str, space: str = "space.yaml", code: int = 0, **environment: str) -> Any:
        """Search on the tiny corpus, without finalists unless asked for; returns result.json."""
        given = ("--data", "corpus", "--model", "model", "--space", space, "--study", study, "--finalists", "0")
        self.run("search", "ner", *given, *words, code=code, **environment)
        return self.result(study)

    def result(self, study: str) -> Any:
        """Return the content of result.json."""
        return json.loads((self.folder / "studies" / study / "result.json").read_text(encoding="utf-8"))

    def trials(self, study: str) -> list[dict[str, str]]:
        """Return the rows of trials.csv."""
        path = self.folder / "studies" / study / "trials.csv"
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def events(self, study: str) -> list[dict[str, Any]]:
        """Return what happened so far."""
        path = self.folder / "studies" / study / "events.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []

    def decided(self, study: str) -> list[int]:
        """Return the numbers of the trials whose end was told, in its order."""
        return [event["number"] for event in self.events(study) if event["event"] == "trial"]


def until(happened: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("desk")
    save_tiny(folder / "model", "bert")
    (folder / "corpus").mkdir()
    for split, first, last in (("train", 0, 36), ("dev", 36, 48), ("test", 48, 60)):
        text = "\n".join(sentence(index) for index in range(first, last))
        (folder / "corpus" / f"{split}.conll").write_text(text, encoding="utf-8")
    (folder / "space.yaml").write_text(SPACE, encoding="utf-8")
    (folder / "slow.yaml").write_text(SLOW_SPACE, encoding="utf-8")
    return Desk(folder)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Wait for something to happen."""
    return until


@pytest.fixture
def workers() -> Callable[[subprocess.Popen[str]], list[int]]:
    """Return the process ids of a coordinator's workers."""

    def found(coordinator: subprocess.Popen[str]) -> list[int]:
        path = Path(f"/proc/{coordinator.pid}/task/{coordinator.pid}/children")
        if not path.exists():
            pytest.skip("needs /proc, found none")
        return [int(word) for word in path.read_text().split()]

    return found
