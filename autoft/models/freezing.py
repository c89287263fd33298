"""Freezing: how many layers from the bottom do not train."""

from __future__ import annotations

from autoft.models.anatomy import Anatomy


def frozen_layers(freeze: float, anatomy: Anatomy) -> int:
    """Return how many layers a share of `freeze` freezes; at least one always trains.

    With one frozen layer the embeddings are frozen too. Where layers share their parameters nothing
    is.

    Args:
        freeze: Share of the layers, 0 … 1.
        anatomy: Of the model.
    """
    if anatomy.shared:
        return 0
    layers = len(anatomy.layers)
    return min(layers - 1, round(freeze * layers))


def trained_layers(freeze: float, anatomy: Anatomy) -> tuple[int, ...]:
    """Return the indices of the layers that are not frozen, rising."""
    return tuple(range(frozen_layers(freeze, anatomy), len(anatomy.layers)))
