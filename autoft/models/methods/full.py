"""Full tuning: everything that is not frozen trains."""

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
class Full(Method):
    """All parameters above the frozen layers train; the embeddings if no layer is frozen."""

    name: ClassVar[str] = "full"
    layer_decay: float = parameter(
        1.0, low=0.0, high=1.0, above_low=True, help="factor on the learning rate, a layer down"
    )

    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return the parameters of the units that train."""
        return anatomy.count(_units(anatomy, layers))

    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Mark the units that train."""
        del seed
        units = _units(anatomy, layers)
        for name, value in model.named_parameters():
            value.requires_grad_(anatomy.units.get(name) in units)
        train_head(model, anatomy)
        return model


def _units(anatomy: Anatomy, layers: Sequence[int]) -> set[int]:
    units = {layer + 1 for layer in layers}
    return units | {0} if len(layers) == len(anatomy.layers) else units
