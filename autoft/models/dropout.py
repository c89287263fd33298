"""Dropout: one probability for all that is not frozen, none in the prefix."""

from __future__ import annotations

from torch import nn

from autoft.models.anatomy import Anatomy


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
