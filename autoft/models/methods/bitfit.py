"""BitFit: the biases train (Ben Zaken et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from autoft.models.methods.base import Method, train_head
from autoft.space.fields import parameter

if TYPE_CHECKING:
    from torch import nn

    from autoft.models.anatomy import Anatomy


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFit(Method):
    """The biases of the layers that are not frozen train."""

    name: ClassVar[str] = "bitfit"
    learning_rate: float = parameter(1e-3, low=0.0, above_low=True, help="peak learning rate")

    def refuse(self, anatomy: Anatomy) -> str | None:
        """Refuse a model without biases (ModernBERT)."""
        if not all(layer.biases for layer in anatomy.layers):
            return f"{anatomy.architecture}: bitfit needs biases in each layer, found none"
        return None

    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return the sizes of the biases."""
        return sum(sum(anatomy.layers[index].biases.values()) for index in layers)

    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Mark the biases."""
        del seed
        for index in layers:
            for name in anatomy.layers[index].biases:
                model.get_parameter(name).requires_grad_(True)
        train_head(model, anatomy)
        return model
