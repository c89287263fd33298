"""What the trainer is told: one frozen configuration, checked at birth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autoft.registry import Registry
from autoft.space.fields import check_fields, parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    """How gradients become steps."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW(Optimizer):
    """AdamW (Loshchilov and Hutter 2019), fused."""

    name: ClassVar[str] = "adamw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd(Optimizer):
    """Stochastic gradient descent with momentum.

    Its learning rate is the method's times a ratio, so that each method keeps its range and SGD its own scale.
    """

    name: ClassVar[str] = "sgd"
    learning_rate_ratio: float = parameter(300.0, low=0.0, above_low=True, help="SGD's learning rate over the method's")
    momentum: float = parameter(0.9, low=0.0, high=1.0, help="share of the last step kept")


OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer")
OPTIMIZERS.add("adamw", AdamW)
OPTIMIZERS.add("sgd", Sgd)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """What `fit` reads, all of it part of the trial's configuration."""

    learning_rate: float = parameter(3e-4, low=0.0, above_low=True, help="peak learning rate")
    layer_decay: float = parameter(
        1.0, low=0.0, high=1.0, above_low=True, help="factor on the learning rate, a layer down"
    )
    optimizer: Optimizer = AdamW()
    epochs: int = parameter(9, low=1, help="passes over the train split")
    batch_size: int = parameter(16, low=1, help="sequences in one optimizer step")
    weight_decay: float = parameter(0.01, low=0.0, help="decoupled weight decay")
    warmup: float = parameter(0.1, low=0.0, high=1.0, help="share of the steps with rising learning rate")
    schedule: str = parameter(
        "linear", choices=("linear", "cosine", "constant"), help="learning rate after the warm-up"
    )
    label_smoothing: float = parameter(0.0, low=0.0, high=1.0, help="share given to the other classes")
    clip: float = parameter(1.0, low=0.0, help="most norm of a gradient; 0 clips nothing")
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
