"""Replay: a trial trained again from its configuration and its execution record, to the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autoft.errors import StudyError
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.study.bench import Workbench
from autoft.study.config import StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS
from autoft.training.runtime import Runtime, find_device, set_threads


@dataclass(frozen=True, slots=True)
class Replay:
    """What a trial gave when it was trained again.

    Attributes:
        summary: Evaluations and sha256 of the weights, as `recorded` returns them of a record.
        weights: Its best weights, of the first fold.
        best_step: Where they were best.
    """

    summary: dict[str, Any]
    weights: Mapping[str, Tensor]
    best_step: int


def recorded(record: TrialRecord) -> dict[str, Any]:
    """Return what a replay must give again: every evaluation, and the weights' sha256 at the last and the best.

    Of a trial that goes on at this moment, what it had reached when it paused.
    """
    last = record.execution.get("last_step", 0)
    return _summary([one for one in record.evaluations if one.step <= last], record.execution)


def replay_trial(config: StudyConfig, record: TrialRecord) -> Replay:
    """Train a trial again, to the step at which it ended.

    Raises:
        StudyError: If the trial has no execution record, or the rows have changed.
    """
    execution = record.execution
    if not record.evaluations or "last_step" not in execution:
        raise StudyError(
            f"trial {record.number}: an evaluated trial expected, got one that is {record.state} with "
            f"{len(record.evaluations)} evaluations"
        )
    set_threads(execution["threads"])
    data = load_rows(TASKS.get(config.task)(), config.data, seed=config.seed)
    if data.fingerprint != config.fingerprint:
        raise StudyError(f"{config.data.source}: the rows of the study expected, they have changed since it began")
    device = find_device(execution["device"])
    trial = build_trial_config(record.config, kind=data.task.head, seed=config.seed)
    bench = Workbench(config, data, device).bench_of(trial)
    again = Execution(bench, trial, _runtime(execution, device))
    done: list[EvaluationRecord] = []
    for evaluation in again:
        done.append(evaluation)
        if evaluation.step >= execution["last_step"]:
            break
    reached = again.record()
    if execution.get("last_weights") is None:
        reached["last_weights"] = None
    summary = _summary(done, reached)
    if again.best is None:
        raise StudyError(f"trial {record.number}: no evaluation was reached")
    return Replay(summary, again.best.weights[0], again.best.step)


def _runtime(execution: Mapping[str, Any], device: torch.device) -> Runtime:
    return Runtime(
        device=device,
        micro_batch=execution["micro_batch"],
        evaluation_tokens=execution["evaluation_tokens"],
        threads=execution["threads"],
    )


def _summary(evaluations: Any, execution: Mapping[str, Any]) -> dict[str, Any]:
    names = ("step", "epoch", "value", "loss", "train_loss")
    return {
        "evaluations": [{name: getattr(evaluation, name) for name in names} for evaluation in evaluations],
        "best_weights": execution.get("best_weights"),
        "last_weights": execution.get("last_weights"),
    }
