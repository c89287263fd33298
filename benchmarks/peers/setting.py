"""What a contender is told, and what it says that it searched: the race is void where two of them differ."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from autoft.errors import StudyError
from autoft.files import write_json
from autoft.study.config import StudyConfig
from benchmarks.peers.log import Log

_PACKAGES = ("autoft", "torch", "transformers", "peft", "accelerate", "optuna", "ray")
# What must be the same for all; the rest is told.
_SAME = ("rows", "space", "metric", "threads")


@dataclass(frozen=True, slots=True)
class Setup:
    """What a contender is told.

    Attributes:
        study: Task, rows, space, seed, trials and threads; peers read it as it is.
        space: Name or file of the space, as autoft's users give it; None is the task's own.
    """

    study: StudyConfig
    space: str | None

    def write(self, path: Path) -> None:
        """Write it for the contender's process."""
        write_json(path, {"study": self.study.to_json(), "space": self.space})

    @classmethod
    def read(cls, path: Path) -> Setup:
        """Return what `write` wrote."""
        value = json.loads(path.read_text(encoding="utf-8"))
        return cls(StudyConfig.from_json(value["study"]), value["space"])

    def check_told(self, path: Path, *, given: bool) -> None:
        """Refuse to go on from a search that was told something else; what it searched stands in its log.

        Args:
            path: What the search was told.
            given: Whether it reads what is tried first.

        Raises:
            StudyError: With every difference.
        """
        told = Setup.read(path).study
        pairs: dict[str, tuple[Any, Any]] = {
            "seed": (self.study.seed, told.seed),
            "trials": (self.study.budget.trials, told.budget.trials),
        }
        if given:
            pairs["what is tried first"] = self.study.portfolio.first, told.portfolio.first
        problems = [
            f"{path.parent}: {what} {wanted} expected, it was {found}, take another --folder"
            for what, (wanted, found) in pairs.items()
            if wanted != found
        ]
        if problems:
            raise StudyError(*problems)


@dataclass(frozen=True, slots=True)
class Told:
    """What a contender's process is told by its arguments.

    Attributes:
        setup: File of the `Setup`.
        log: File of the log.
        started: `time.time()` before the process was begun.
    """

    setup: Path
    log: Path
    started: float

    def read(self) -> tuple[Setup, Log]:
        """Return the setup and the log."""
        return Setup.read(self.setup), Log(self.log, self.started)

    @classmethod
    def parse(cls) -> Told:
        """Return what this process is told."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--setup", type=Path, required=True)
        parser.add_argument("--log", type=Path, required=True)
        parser.add_argument("--started", type=float, required=True)
        return cls(**vars(parser.parse_args()))


def setting_of(study: StudyConfig) -> dict[str, Any]:
    """Return what a search is about, for its log: of everything that must be the same, and where it ran."""
    space = json.dumps(study.space, sort_keys=True).encode()
    return {
        "rows": study.fingerprint,
        "space": hashlib.sha256(space).hexdigest(),
        "metric": study.metric,
        "threads": study.compute.threads,
        "seed": study.seed,
        "trials": study.budget.trials,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": platform.processor() or platform.machine(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def check_same(settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse to compare searches of different things.

    Args:
        settings: Contender -> what its log says.

    Raises:
        StudyError: With every difference.
    """
    (first, wanted), *others = settings.items()
    problems = [
        f"{name}: {key} of {first} expected, {wanted[key]!r}, got {found[key]!r}, the race must be run anew"
        for name, found in others
        for key in _SAME
        if found[key] != wanted[key]
    ]
    if problems:
        raise StudyError(*problems)
