"""The MLP head: two layers instead of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from autoft.models.heads.base import Head
from autoft.space.fields import parameter

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp(Head):
    """Two linear layers with GELU between them, on each token, or on the first one of a sequence."""

    name: ClassVar[str] = "mlp"
    plain: ClassVar[bool] = False
    size: int = parameter(256, low=1, help="width between the head's two layers")

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the two layers, with dropout before them."""
        del config
        from torch import nn

        from autoft.models.headed import OfFirst, OfTokens

        body = nn.Sequential(nn.Dropout(0.0), nn.Linear(width, self.size), nn.GELU(), nn.Linear(self.size, classes))
        return OfTokens(body) if self.kind in ("token-classification", "question-answering") else OfFirst(body)
