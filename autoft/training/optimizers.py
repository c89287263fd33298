"""Optimizers: parameter groups by decay and depth, and the learning rate of each step."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import Parameter

from autoft.training.config import FitConfig, Sgd

NamedParameter = tuple[str, Parameter, int]


def make_optimizer(trainable: Sequence[NamedParameter], config: FitConfig) -> torch.optim.Optimizer:
    """Build the optimizer over what trains.

    Vectors (biases, norms) get no weight decay; with `layer_decay` a group's learning rate falls by that factor for
    each unit below the head (Howard and Ruder 2018).

    Args:
        trainable: Name, parameter and depth of what trains; depth 0 is the embeddings, the largest is the head.
        config: The trial's fit configuration.
    """
    top = max(depth for _, _, depth in trainable)
    members: dict[tuple[float, float], list[Parameter]] = defaultdict(list)
    for _, parameter, depth in trainable:
        scale = config.layer_decay ** (top - depth)
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        members[scale, decay].append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": parameters, "weight_decay": decay, "scale": scale} for (scale, decay), parameters in members.items()
    ]
    if isinstance(config.optimizer, Sgd):
        for group in groups:
            group["scale"] *= config.optimizer.learning_rate_ratio
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.optimizer.momentum, fused=True)
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def warmup_steps(total: int, share: float) -> int:
    """Return the steps with a rising learning rate, `share` of all."""
    return math.ceil(share * total)


def rate_factor(step: int, total: int, config: FitConfig) -> float:
    """Return the share of the peak learning rate for optimizer step `step`, counted from 0."""
    warm = warmup_steps(total, config.warmup)
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, total - warm)
    if config.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    if config.schedule == "linear":
        return 1.0 - done
    return 1.0


def set_rates(optimizer: torch.optim.Optimizer, step: int, total: int, config: FitConfig) -> None:
    """Set each group's learning rate for optimizer step `step`."""
    factor = rate_factor(step, total, config)
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * group["scale"] * factor
