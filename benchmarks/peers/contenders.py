"""The contenders, and how each runs: in a process of its own, once; what is there is not run again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoft.errors import StudyError
from autoft.study.config import StudyConfig
from benchmarks.peers.log import Log, Run, is_over, read_run
from benchmarks.peers.setting import Setup

AUTOFT = "autoft"
_ROOT = Path(__file__).resolve().parents[2]
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
_TAIL = 2000
_SETUP = "setup.json"


@dataclass(frozen=True, slots=True)
class Contender:
    """Who searches.

    Attributes:
        name: Also its folder's.
        words: What it is, for reports.
        module: Run with `-m`.
        python: By which interpreter.
        trials: How many configurations it may begin.
    """

    name: str
    words: str
    module: str
    python: str
    trials: int


def contenders(trials: int, autoft_trials: int, peer_python: str | None) -> tuple[Contender, ...]:
    """Return who races.

    Args:
        trials: Of each peer.
        autoft_trials: Of autoft.
        peer_python: An interpreter with Ray Tune; None leaves that peer out.
    """
    own = sys.executable
    found = [
        Contender(AUTOFT, "autoft", "benchmarks.peers.autoft_side", own, autoft_trials),
        Contender("hf-tpe", "Trainer, TPE + median pruner", "benchmarks.peers.hf_side", own, trials),
        Contender("hf-random", "Trainer, random + median pruner", "benchmarks.peers.hf_side", own, trials),
    ]
    if peer_python is not None:
        found.append(Contender("ray-asha", "Ray Tune, random + ASHA", "benchmarks.peers.ray_side", peer_python, trials))
    return tuple(found)


def run_contender(contender: Contender, study: StudyConfig, space: str | None, folder: Path) -> Run:
    """Return what the contender did in this folder; it searches if it has not yet.

    Args:
        contender: Who.
        study: What is searched; its name, trials and folder become the contender's.
        space: Name or file of the space; None is the task's own.
        folder: Its own. A search that was broken off is begun anew: a clock cannot go on.

    Raises:
        StudyError: If its process fails, or what is there was told something else.
    """
    log = folder / "events.jsonl"
    own = replace(
        study,
        name=contender.name,
        budget=replace(study.budget, trials=contender.trials),
        storage=replace(study.storage, folder=str((folder / "studies").resolve())),
    )
    setup = Setup(own, space)
    if is_over(log):
        setup.check_told(folder / _SETUP, given=contender.name == AUTOFT)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        setup.write(folder / _SETUP)
        _search(contender, own.compute.threads, folder, log)
    return read_run(log)


def _search(contender: Contender, threads: int, folder: Path, log: Path) -> None:
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    command: Sequence[str] = (contender.python, "-m", contender.module)
    paths = ("--setup", str((folder / _SETUP).resolve()), "--log", str(log.resolve()))
    load, started = os.getloadavg()[0], time.time()
    Log(log, started).add("begun", load=round(load, 2))
    output = folder / "output.log"
    with output.open("wb") as file:
        done = subprocess.run(
            [*command, *paths, "--started", repr(started)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode or not is_over(log):
        said = output.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
        raise StudyError(f"{contender.name}: its search has failed, exit status {done.returncode}, {output}:\n{said}")
