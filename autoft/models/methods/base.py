"""The contract of a tuning method: a frozen dataclass whose fields are its hyperparameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from autoft.errors import ConfigError
from autoft.space.fields import check_fields, parameter

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from autoft.models.anatomy import Anatomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(ABC):
    """One way to tune a model.

    A method is added by one file with one subclass. Its fields are declared with
    `autoft.space.fields.parameter`, which gives the search space its schema and checks each value
    at birth. Whatever the method, the head trains.

    Attributes:
        name: The word in search spaces and the registry.
        starts_at_base: Whether the wrapped model's first outputs are the base model's.
        learning_rate: Peak learning rate; each method has its own range.
    """

    name: ClassVar[str]
    starts_at_base: ClassVar[bool] = True
    learning_rate: float = parameter(3e-4, low=0.0, above_low=True, help="peak learning rate")

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def layer_decay(self) -> float:
        """Factor on the learning rate, a layer down; 1 unless the method has it as a field."""
        return 1.0

    def refuse(self, anatomy: Anatomy) -> str | None:
        """Return why this method cannot tune such a model, or None if it can."""
        del anatomy
        return None

    @abstractmethod
    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return how many parameters train besides the head's."""

    @abstractmethod
    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Prepare `model` for training.

        Nothing of `model` trains when it comes in. Mark what trains by `requires_grad`, the head
        included; new parameters start from `seed` alone. Values of existing parameters are shared
        with other trials: they may be marked, not changed.

        Args:
            model: This trial's own modules; changed in place.
            anatomy: Where its parts are.
            layers: The layers that are not frozen, rising, never empty.
            seed: The trial's seed.

        Returns:
            `model`, or a module around it with the same `forward`.
        """

    def growth(self, anatomy: Anatomy) -> int:
        """Return how many parameters more the merged model has than the base model."""
        del anatomy
        return 0

    def merge(self, module: nn.Module, anatomy: Anatomy) -> PreTrainedModel:
        """Turn what `wrap` returned into a plain model with the same outputs.

        Args:
            module: A copy made for merging, whose tensors may be changed.
            anatomy: Of the model that `wrap` was given.
        """
        del anatomy
        return module

    def save_adapter(self, module: nn.Module, folder: Path) -> None:
        """Write what was trained without the base model, for the `peft` library to load.

        Raises:
            ConfigError: If the method has no adapter.
        """
        del module, folder
        raise ConfigError(f"method {self.name!r} has no adapter, export the merged model")


def head_parts(model: nn.Module, anatomy: Anatomy) -> list[str]:
    """Return the paths of the modules that hold the head's parameters themselves."""
    return [
        path
        for path, module in model.named_modules()
        if any(f"{path}.".startswith(f"{head}.") for head in anatomy.head)
        and any(True for _ in module.parameters(recurse=False))
    ]


def train_head(model: nn.Module, anatomy: Anatomy) -> None:
    """Mark the head's parameters as training."""
    for path in anatomy.head:
        model.get_submodule(path).requires_grad_(True)
