"""What may stand in a search space: read off the dataclasses that use it, without torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autoft.models.heads import HEADS
from autoft.models.methods import METHODS
from autoft.models.objectives import OBJECTIVES
from autoft.registry import Registry
from autoft.space import Choice, Group, Leaf, Schema, leaves_of
from autoft.training.config import OPTIMIZERS, FitConfig

_ELSEWHERE = ("learning_rate", "layer_decay")  # owned by each method's branch


def space_schema(full_rate: float | None = None) -> Schema:
    """Return the schema of every search space.

    Args:
        full_rate: The default learning rate of full tuning, where the base model says what it should be.
    """
    train = {name: leaf for name, leaf in leaves_of(FitConfig).items() if name not in _ELSEWHERE}
    train["dropout"] = Leaf(kind="float", default=0.1, low=0.0, high=1.0, help="in what trains")
    train["patience"] = Leaf(
        kind="int",
        default=9,
        low=1,
        high=9,
        help="evaluations without a better one before the trial ends",
    )
    return Group(
        {
            "model": Leaf(kind="str", default="auto", help="base model: folder, hub id or package:NAME/FOLDER"),
            "head": _choice(HEADS, "linear"),
            "loss": _choice(OBJECTIVES, "standard"),
            "method": _methods(full_rate),
            "optimizer": _choice(OPTIMIZERS, "adamw"),
            "layers": Leaf(
                kind="float", default=1.0, low=0.0, high=1.0, above_low=True, help="share of the layers that is kept"
            ),
            "freeze": Leaf(kind="float", default=0.0, low=0.0, high=1.0, help="share of the layers frozen"),
            "train": Group(train),
        }
    )


def _methods(full_rate: float | None) -> Choice:
    choice = _choice(METHODS, "full")
    if full_rate is None:
        return choice
    leaves = dict(choice.branches["full"].children)
    leaves["learning_rate"] = replace(leaves_of(METHODS.get("full"))["learning_rate"], default=full_rate)
    return Choice({**choice.branches, "full": Group(leaves)}, "full")


def _choice(registry: Registry[type[Any]], default: str) -> Choice:
    branches = {name: Group(leaves_of(registry.get(name))) for name in registry.names()}
    return Choice(branches, default)
