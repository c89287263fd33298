"""Tiny fits: data that a tiny model can learn, and how a trial would be trained on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from autoft.data.features import Features
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.base import Pristine
from autoft.models.heads import IGNORED, Linear
from autoft.models.methods.base import Method
from autoft.testing.tiny import LABELS, VOCABULARY
from autoft.training.batches import Sequences, make_resident
from autoft.training.config import FitConfig
from autoft.training.inference import run_model
from autoft.training.order import steps_per_epoch
from autoft.training.runtime import Runtime
from autoft.training.trainer import Evaluation, Scores, Snapshot, fit

CPU = torch.device("cpu")
_FIRST_LETTER = 5


def tiny_features(count: int, *, seed: int = 0, shortest: int = 3, longest: int = 12) -> Features:
    """Return sequences whose classes follow from their tokens; the first token of each has no target."""
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, longest, size=count, endpoint=True)
    ids = [random.integers(_FIRST_LETTER, len(VOCABULARY), size=length) for length in lengths]
    targets = [np.where(np.arange(len(tokens)) == 0, IGNORED, tokens % len(LABELS)) for tokens in ids]
    return Features(
        {
            "input_ids": tuple(ids),
            "attention_mask": tuple(np.ones_like(tokens) for tokens in ids),
            "labels": tuple(targets),
        },
        {"input_ids": 0, "attention_mask": 0, "labels": IGNORED},
        np.arange(count, dtype=np.int64),
    )


def tiny_data(count: int, *, seed: int = 0, device: torch.device = CPU) -> Sequences:
    """Return `tiny_features` as the trainer reads them."""
    return make_resident(tiny_features(count, seed=seed), device)


def tiny_trial(pristine: Pristine, method: Method, *, dropout: float = 0.0, seed: int = 0) -> TrialModel:
    """Return the module of a trial without frozen layers."""
    return assemble(pristine, Recipe(Linear(), method, dropout=dropout), seed)


def tiny_runtime(*, micro_batch: int = 64, device: torch.device = CPU) -> Runtime:
    """Return a runtime whose micro-batch holds every tiny batch."""
    return Runtime(device=device, micro_batch=micro_batch, evaluation_tokens=64)


def dev_scores(data: Sequences, runtime: Runtime) -> Callable[[TrialModel], Scores]:
    """Return what evaluates a model: the negative loss on `data` is the value."""

    def evaluate(model: TrialModel) -> Scores:
        loss = run_model(model, data, runtime).loss
        return Scores(-loss, loss, {"loss": loss})

    return evaluate


def thirds(train: Sequences, config: FitConfig) -> dict[int, int]:
    """Return three points of a schedule: ninths 3, 6 and 9, and the optimizer steps where they lie."""
    total = steps_per_epoch(len(train), config.batch_size) * config.epochs
    return {ninth: max(1, total * ninth // 9) for ninth in (3, 6, 9)}


def tiny_fit(
    model: TrialModel,
    train: Sequences,
    config: FitConfig,
    *,
    points: Mapping[int, int] | None = None,
    resume: Snapshot | None = None,
    runtime: Runtime | None = None,
) -> Iterator[Evaluation[Scores]]:
    """Fit, evaluated on the train split itself at `points`, thirds of the schedule by default."""
    runtime = runtime or tiny_runtime(device=train.device)
    return fit(
        model,
        train,
        dev_scores(train, runtime),
        config,
        resume,
        points=points or thirds(train, config),
        runtime=runtime,
    )
