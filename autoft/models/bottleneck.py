"""Parallel bottleneck: more units for a feed-forward whose own weights stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from autoft.files import write_bytes, write_json
from autoft.models.anatomy import Anatomy, FeedForward
from autoft.models.initial import kaiming_uniform


class WidenedUp(nn.Module):
    """A linear layer with `size` more outputs; with a fused gate, `size` more in each half."""

    def __init__(self, base: nn.Linear, size: int, fused: bool) -> None:
        super().__init__()
        self.base = base
        self.halves = 2 if fused else 1
        rows = self.halves * size
        device = base.weight.device
        self.weight = nn.Parameter(torch.empty(rows, base.in_features, device=device))
        self.bias = nn.Parameter(torch.zeros(rows, device=device)) if base.bias is not None else None

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the base's outputs and the new ones, [B, T, I + size] in each half."""
        old = self.base(hidden).chunk(self.halves, dim=-1)
        new = functional.linear(hidden, self.weight, self.bias).chunk(self.halves, dim=-1)
        return torch.cat([part for pair in zip(old, new, strict=True) for part in pair], dim=-1)

    def merged(self) -> nn.Linear:
        """Return one linear layer with the same outputs."""
        return _wider_up(self.base, self.weight, self.bias, self.halves)


class WidenedDown(nn.Module):
    """A linear layer with `size` more inputs, whose weights count `scale` times."""

    def __init__(self, base: nn.Linear, size: int, scale: float) -> None:
        super().__init__()
        self.base = base
        self.scale = scale
        self.weight = nn.Parameter(torch.zeros(base.out_features, size, device=base.weight.device))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the base's output plus the bottleneck's, [B, T, D]."""
        old, new = hidden.split([self.base.in_features, self.weight.shape[1]], dim=-1)
        return cast(Tensor, self.base(old) + self.scale * functional.linear(new, self.weight))

    def merged(self) -> nn.Linear:
        """Return one linear layer with the same outputs."""
        return _wider_down(self.base, self.scale * self.weight)


def add_bottleneck(model: nn.Module, block: FeedForward, size: int, scale: float, seed: int) -> None:
    """Replace the feed-forward's linear layers by widened ones, in place."""
    up = WidenedUp(cast(nn.Linear, model.get_submodule(block.up.path)), size, block.fused)
    up.weight.data = kaiming_uniform(tuple(up.weight.shape), seed, block.up.path).to(up.weight.device)
    _put(model, block.up.path, up)
    _put(
        model,
        block.down.path,
        WidenedDown(cast(nn.Linear, model.get_submodule(block.down.path)), size, scale),
    )


def widen(model: nn.Module, anatomy: Anatomy, size: int) -> PreTrainedModel:
    """Merge the bottlenecks; a feed-forward without one gets units of zeros. Changes `model`."""
    for layer in anatomy.layers:
        block = layer.feed_forward
        up, down = model.get_submodule(block.up.path), model.get_submodule(block.down.path)
        if isinstance(up, WidenedUp) and isinstance(down, WidenedDown):
            wider = up.merged(), down.merged()
        else:
            wider = _padded(cast(nn.Linear, up), cast(nn.Linear, down), size, block)
        _put(model, block.up.path, wider[0])
        _put(model, block.down.path, wider[1])
    plain = cast(PreTrainedModel, model)
    setattr(plain.config, cast(str, anatomy.widened), anatomy.layers[0].feed_forward.down.inputs + size)
    return plain


def save_bottlenecks(model: nn.Module, folder: Path, facts: dict[str, Any]) -> None:
    """Write what trains as `adapter.safetensors`, and `facts` as `adapter.json`."""
    trained = {
        name: value.detach().cpu().contiguous() for name, value in model.named_parameters() if value.requires_grad
    }
    write_bytes(folder / "adapter.safetensors", safetensors.torch.save(trained))
    write_json(folder / "adapter.json", facts)


def _padded(up: nn.Linear, down: nn.Linear, size: int, block: FeedForward) -> tuple[nn.Linear, nn.Linear]:
    halves = 2 if block.fused else 1
    rows = up.weight.new_zeros(halves * size, up.in_features)
    bias = None if up.bias is None else rows.new_zeros(len(rows))
    return _wider_up(up, rows, bias, halves), _wider_down(down, rows.new_zeros(down.out_features, size))


def _wider_up(base: nn.Linear, rows: Tensor, bias: Tensor | None, halves: int) -> nn.Linear:
    weight = _interleave(base.weight, rows, halves)
    return _linear(weight, None if bias is None else _interleave(base.bias, bias, halves))


def _wider_down(base: nn.Linear, columns: Tensor) -> nn.Linear:
    return _linear(torch.cat([base.weight, columns], dim=1), base.bias)


def _interleave(old: Tensor, new: Tensor, halves: int) -> Tensor:
    pairs = zip(old.chunk(halves), new.chunk(halves), strict=True)
    return torch.cat([part for pair in pairs for part in pair])


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    outputs, inputs = weight.shape
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs, bias=bias is not None, device=weight.device)
    linear.weight.data = weight.detach()
    if bias is not None:
        linear.bias.data = bias.detach().clone()
    return linear.requires_grad_(False)


def _put(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)
