"""One trial's configuration: the parameters of a search space as frozen values, each with one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from autoft.models.heads import HEADS, Head
from autoft.models.methods import METHODS, Method
from autoft.models.objectives import OBJECTIVES, Objective, Standard
from autoft.registry import Registry
from autoft.storage.records import Scalar
from autoft.training.config import OPTIMIZERS, FitConfig

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConfig:
    """What one trial does.

    Attributes:
        model: Reference of the base model.
        head: What turns hidden states into scores, and its loss.
        objective: What training makes small, that loss or another.
        method: How the base model is adapted.
        layers: Share of its layers that is kept, from the bottom.
        freeze: Share of the layers that stay as they are, from the bottom.
        dropout: In everything that is not frozen.
        patience: Evaluations without a better one before the trial ends.
        fit: What the trainer reads.
    """

    model: str
    head: Head
    objective: Objective
    method: Method
    layers: float
    freeze: float
    dropout: float
    patience: int
    fit: FitConfig


def build_trial_config(values: Mapping[str, Scalar], *, kind: str, seed: int) -> TrialConfig:
    """Build the configuration of a trial from its complete parameters.

    Args:
        values: Parameter path -> value, as a search space samples them.
        kind: The task's kind of head.
        seed: The trial's seed.

    Raises:
        SpaceError: If a value breaks a law.
        UnknownNameError: If a branch is not registered.
    """
    train = _below(values, "train")
    dropout, patience = train.pop("dropout"), train.pop("patience")
    method: Method = _branch(METHODS, "method", values)
    return TrialConfig(
        model=str(values["model"]),
        head=_branch(HEADS, "head", values, kind=kind),
        # Studies of earlier versions have neither.
        objective=_branch(OBJECTIVES, "loss", values) if "loss" in values else Standard(),
        method=method,
        layers=float(values.get("layers", 1.0)),
        freeze=float(values["freeze"]),
        dropout=float(dropout),
        patience=int(patience),
        fit=FitConfig(
            learning_rate=method.learning_rate,
            layer_decay=method.layer_decay,
            optimizer=_branch(OPTIMIZERS, "optimizer", values),
            seed=seed,
            **train,
        ),
    )


def _below(values: Mapping[str, Scalar], path: str) -> dict[str, Any]:
    prefix = path + "."
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _branch(registry: Registry[type[T]], path: str, values: Mapping[str, Scalar], **more: str) -> T:
    name = str(values[path])
    return registry.get(name)(**_below(values, f"{path}.{name}"), **more)
