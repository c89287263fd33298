"""A contender's log: what happened, a line each, in seconds since before its process was begun."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoft.errors import StudyError
from autoft.storage.records import Scalar

Config = Mapping[str, Scalar]
FLOOR = 0.0
"""What a model scores that has found no entity: nobody would take it for a result."""


class Log:
    """Writes the log; several processes may write the same one.

    Args:
        path: The file; made with the first event.
        started: `time.time()` before the contender's process was begun.
    """

    def __init__(self, path: Path, started: float) -> None:
        self._path, self._started = path, started
        self._told: set[int] = set()

    def add(self, event: str, **facts: Any) -> None:
        """Add one line."""
        line = {"seconds": round(time.time() - self._started, 3), "event": event, **facts}
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def evaluated(self, trial: int, epoch: float, value: float, config: Config) -> None:
        """Add an evaluation; the configuration stands in the first of each trial."""
        more = {} if trial in self._told else {"config": dict(config)}
        self._told.add(trial)
        self.add("evaluation", trial=trial, epoch=epoch, value=value, **more)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A configuration as it did on dev.

    Attributes:
        seconds: When that was known.
        trial: Its number.
        epoch: Epochs trained, a fraction.
        value: The metric.
        config: The complete configuration.
    """

    seconds: float
    trial: int
    epoch: float
    value: float
    config: Config


@dataclass(frozen=True, slots=True)
class Run:
    """What a contender did in one search.

    Attributes:
        setting: What it searched: rows, space, threads, versions.
        evaluations: In the order in which they were known.
        complete: Trial -> when it had been trained to its end.
        seconds: When the search was over.
        load: Processes that ran or waited on the machine when it began, a mean over a minute.
    """

    setting: Mapping[str, Any]
    evaluations: tuple[Evaluation, ...]
    complete: Mapping[int, float]
    seconds: float
    load: float

    @property
    def trials(self) -> int:
        """How many configurations were begun."""
        return len({one.trial for one in self.evaluations})

    @property
    def epochs(self) -> float:
        """Epochs trained, of all configurations."""
        return sum({one.trial: one.epoch for one in self.evaluations}.values())

    @property
    def incumbents(self) -> tuple[Evaluation, ...]:
        """The evaluations that were better than all before them; one that found nothing is none."""
        return _rising(self.evaluations)

    @property
    def complete_incumbents(self) -> tuple[Evaluation, ...]:
        """The same among what was trained to its end: the best evaluation of each, known when its trial ended."""
        found = []
        for trial, seconds in sorted(self.complete.items(), key=lambda item: item[1]):
            own = [one for one in self.evaluations if one.trial == trial]
            best = max(own, key=lambda one: one.value)
            found.append(Evaluation(seconds, trial, best.epoch, best.value, best.config))
        return _rising(found)


def _rising(evaluations: Sequence[Evaluation]) -> tuple[Evaluation, ...]:
    found: list[Evaluation] = []
    for one in evaluations:
        if math.isfinite(one.value) and one.value > (found[-1].value if found else FLOOR):
            found.append(one)
    return tuple(found)


def is_over(path: Path) -> bool:
    """Return whether the search that writes this log has come to its end."""
    return path.is_file() and any(line["event"] == "ended" for line in _lines(path))


def read_run(path: Path) -> Run:
    """Read the log of a search that is over.

    Raises:
        StudyError: If it is not.
    """
    lines = _lines(path) if path.is_file() else []
    settings = [line for line in lines if line["event"] == "setting"]
    ends = [line["seconds"] for line in lines if line["event"] == "ended"]
    if not settings or not ends:
        raise StudyError(f"{path}: the log of a search that is over expected, its setting or its end is missing")
    return Run(
        setting={key: value for key, value in settings[0].items() if key not in ("seconds", "event")},
        evaluations=_evaluations(lines),
        complete={line["trial"]: line["seconds"] for line in lines if line["event"] == "complete"},
        seconds=ends[0],
        load=next((line["load"] for line in lines if line["event"] == "begun"), math.nan),
    )


def _evaluations(lines: Sequence[Mapping[str, Any]]) -> tuple[Evaluation, ...]:
    told = [line for line in lines if line["event"] == "evaluation"]
    configs = {line["trial"]: line["config"] for line in told if "config" in line}
    return tuple(
        Evaluation(line["seconds"], line["trial"], line["epoch"], line["value"], configs[line["trial"]])
        for line in told
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            # A killed process leaves half a line.
            continue
    return found
