"""The marker-pair head: a relation is read where its two entities begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from autoft.models.heads.base import Head

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerPair(Head):
    """A linear layer on the hidden states at the two opening markers, side by side (Baldini Soares et al. 2019)."""

    name: ClassVar[str] = "marker-pair"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("sequence-classification",)
    columns: ClassVar[tuple[str, ...]] = ("markers",)

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the layer, with dropout before it."""
        del config
        from torch import nn

        from autoft.models.marked_tokens import OfMarkers

        return OfMarkers(nn.Sequential(nn.Dropout(0.0), nn.Linear(2 * width, classes)))
