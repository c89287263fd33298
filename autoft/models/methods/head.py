"""Head tuning: the encoder stays as it is."""

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
class HeadOnly(Method):
    """Only the head trains."""

    name: ClassVar[str] = "head"
    learning_rate: float = parameter(1e-2, low=0.0, above_low=True, help="peak learning rate")

    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return 0."""
        del anatomy, layers
        return 0

    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Mark the head."""
        del layers, seed
        train_head(model, anatomy)
        return model
