"""Pooling heads: one vector of all tokens' hidden states, and one linear layer on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from autoft.models.heads.base import Head
from autoft.space.fields import parameter

if TYPE_CHECKING:
    from torch import nn

_SEQUENCES = ("sequence-classification", "multi-label-classification", "regression")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cls(Head):
    """A linear layer on the first token, without the layer that most models put between."""

    name: ClassVar[str] = "cls"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = _SEQUENCES

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the pooling and its linear layer."""
        del config
        from autoft.models.pooling import FirstToken

        return FirstToken(width, classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Head):
    """A linear layer on the mean over all tokens."""

    name: ClassVar[str] = "mean"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = _SEQUENCES

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the pooling and its linear layer."""
        del config
        from autoft.models.pooling import Mean as Pooling

        return Pooling(width, classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Max(Head):
    """A linear layer on the greatest value over all tokens, in each dimension."""

    name: ClassVar[str] = "max"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = _SEQUENCES

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the pooling and its linear layer."""
        del config
        from autoft.models.pooling import Maximum

        return Maximum(width, classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention(Head):
    """A linear layer on a mean over all tokens whose weights are learned."""

    name: ClassVar[str] = "attention"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = _SEQUENCES
    size: int = parameter(128, low=1, help="width of the space in which tokens are weighed")

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the pooling and its linear layer."""
        del config
        from autoft.models.pooling import Attention as Pooling

        return Pooling(width, classes, self.size)
