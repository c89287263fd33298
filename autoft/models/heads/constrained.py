"""The constrained head: a linear layer whose scores are decoded under the laws of the tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from autoft.models.heads.base import Head

if TYPE_CHECKING:
    from torch import nn

CONSTRAINED: Mapping[str, float] = MappingProxyType({"constrained": 1.0})
"""What `decode` is told: of all tag sequences, only those that the scheme allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constrained(Head):
    """A linear layer on each token, whose best *valid* sequence of tags is taken (Viterbi).

    It trains as `linear` does. Plain argmax would give other predictions, so it is not plain.
    """

    name: ClassVar[str] = "constrained"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("token-classification",)
    decoding: ClassVar[Mapping[str, float]] = CONSTRAINED

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the layer, with dropout before it."""
        del config
        from torch import nn

        from autoft.models.headed import OfTokens

        return OfTokens(nn.Sequential(nn.Dropout(0.0), nn.Linear(width, classes)))
