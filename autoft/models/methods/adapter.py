"""Adapter: a parallel bottleneck on the feed-forward (He et al. 2022), which merges exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from autoft.models.methods.base import Method, train_head
from autoft.space.fields import parameter

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from autoft.models.anatomy import Anatomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter(Method):
    """Each feed-forward that is not frozen gets `scale * down(act(up(x)))` beside it.

    The activation is the model's own. It is the same as `size` more intermediate units, so merging
    widens the feed-forward. A gated feed-forward gets a gated bottleneck.
    """

    name: ClassVar[str] = "adapter"
    learning_rate: float = parameter(1e-3, low=0.0, above_low=True, help="peak learning rate")
    size: int = parameter(32, low=1, help="width of the bottleneck")
    scale: float = parameter(1.0, low=0.0, above_low=True, help="factor on the bottleneck's output")

    def refuse(self, anatomy: Anatomy) -> str | None:
        """Refuse a model whose feed-forward cannot be widened by its configuration."""
        if any(layer.feed_forward.gate for layer in anatomy.layers):
            return f"{anatomy.architecture}: adapter needs a gate fused with `up`"
        if anatomy.widened is None:
            return f"{anatomy.architecture}: adapter needs an intermediate_size in the configuration"
        return None

    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return (columns of up + width) * size, and a bias where the model has one."""
        total = 0
        for index in layers:
            block = anatomy.layers[index].feed_forward
            rows = self.size * (2 if block.fused else 1)
            total += rows * (block.up.inputs + block.up.bias) + self.size * block.down.outputs
        return total

    def growth(self, anatomy: Anatomy) -> int:
        """Return what widens every feed-forward, frozen ones included: the configuration has one size."""
        return self.count(anatomy, range(len(anatomy.layers)))

    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Put the bottlenecks in; they start from an output of zero."""
        from autoft.models.bottleneck import add_bottleneck

        for index in layers:
            add_bottleneck(model, anatomy.layers[index].feed_forward, self.size, self.scale, seed)
        train_head(model, anatomy)
        return model

    def merge(self, module: nn.Module, anatomy: Anatomy) -> PreTrainedModel:
        """Widen every feed-forward; a frozen one by zeros, since the configuration has one size."""
        from autoft.models.bottleneck import widen

        return widen(module, anatomy, self.size)

    def save_adapter(self, module: nn.Module, folder: Path) -> None:
        """Write bottlenecks and head as `adapter.safetensors`, what they are as `adapter.json`."""
        from autoft.models.bottleneck import save_bottlenecks

        save_bottlenecks(module, folder, {"size": self.size, "scale": self.scale})
