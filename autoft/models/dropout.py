"""Dropout: one probability for all that is not frozen, none in the prefix, and masks that cost little on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from autoft.models.anatomy import Anatomy

_STEPS = 2**16


class Masks:
    """Random masks, a function of the seed that `begin` was given and of the calls since.

    PyTorch draws a CPU's masks one number after the other from a Mersenne Twister, which takes a tenth of a training
    step. These come from SFC64 (Doty-Humphrey 2010, PractRand), 16 bits for each element, so that a probability is
    rounded to 1/65536.
    """

    def __init__(self) -> None:
        self._random = np.random.Generator(np.random.SFC64(0))

    def begin(self, *seed: int) -> None:
        """Begin anew.

        Args:
            seed: Numbers of at least 0, such as a trial's seed and its step.
        """
        self._random = np.random.Generator(np.random.SFC64(seed))

    def draw(self, shape: torch.Size, kept: int) -> npt.NDArray[np.bool_]:
        """Return which elements are kept.

        Args:
            shape: Of the mask.
            kept: Of 65536, how many are.
        """
        count = shape.numel()
        bits = self._random.integers(0, 2**64, size=-(-count // 4), dtype=np.uint64).view(np.uint16)[:count]
        return np.less(bits, kept).reshape(shape)


class MaskedDropout(nn.Dropout):
    """Dropout with the masks of a trial, where its values lie on a CPU in float32; PyTorch's own elsewhere.

    Args:
        probability: That an element is dropped.
        masks: The trial's.
    """

    def __init__(self, probability: float, masks: Masks) -> None:
        super().__init__(probability)
        self._masks = masks

    def forward(self, input: Tensor) -> Tensor:
        """Return the values that are kept, scaled so that their mean stays."""
        if not self.training or self.p == 0.0:
            return input
        if input.device.type != "cpu" or input.dtype is not torch.float32:
            return super().forward(input)
        return dropped(input, self.p, self._masks)


def dropped(values: Tensor, probability: float, masks: Masks) -> Tensor:
    """Return what is kept of float32 values on a CPU, scaled so that their mean stays."""
    kept = round((1.0 - probability) * _STEPS)
    if kept == 0:
        return values * 0.0
    found: Tensor = _Kept.apply(values, masks.draw(values.shape, kept), _STEPS / kept)  # type: ignore[no-untyped-call]
    return found


class _Kept(torch.autograd.Function):
    """Multiplies by a mask and a number; keeps a byte for each element, not four."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, mask: npt.NDArray[np.bool_], scale: float) -> Tensor:
        ctx.save_for_backward(torch.from_numpy(mask))
        ctx.scale = scale
        return _masked(values, mask, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (mask,) = ctx.saved_tensors
        return _masked(gradients[0], mask.numpy(), ctx.scale), None, None


def _masked(values: Tensor, mask: npt.NDArray[np.bool_], scale: float) -> Tensor:
    found = np.multiply(values.detach().numpy(), mask)
    found *= np.float32(scale)
    return torch.from_numpy(found)


def use_masks(model: nn.Module, masks: Masks) -> None:
    """Put dropout with such masks in the place of every dropout module."""
    _replace(model, nn.Dropout, lambda old: MaskedDropout(old.p, masks))


def use_plain_dropout(model: nn.Module) -> None:
    """Undo what `use_masks` did."""
    _replace(model, MaskedDropout, lambda old: nn.Dropout(old.p))


def _replace(model: nn.Module, kind: type[nn.Dropout], make: Callable[[nn.Dropout], nn.Dropout]) -> None:
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is kind:
                setattr(parent, name, make(child).train(child.training))


def set_dropout(model: nn.Module, probability: float) -> None:
    """Set every dropout of `model`, also those that attention keeps as a number."""
    for module in model.modules():
        _set(module, probability)


def silence_prefix(model: nn.Module, anatomy: Anatomy, prefix_units: int) -> None:
    """Switch dropout off below unit `prefix_units`, so that the prefix can be computed once."""
    for path, inner in model.named_modules():
        if path and anatomy.unit_of(path) < prefix_units:
            _set(inner, 0.0)


def _set(module: nn.Module, probability: float) -> None:
    if isinstance(module, nn.Dropout):
        module.p = probability
    for name, value in vars(module).items():
        if "dropout" in name and isinstance(value, float):
            setattr(module, name, probability)
