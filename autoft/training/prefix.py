"""The frozen prefix: what the layers below a boundary hand on, computed one way whoever asks first."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from autoft.models.base import Pristine
from autoft.models.cutting import Cut
from autoft.training.batches import Sequences
from autoft.training.order import sorted_batches
from autoft.training.runtime import Runtime, memory_errors

# Bits depend on the shape of a batch: the same for every trial, whatever its own evaluation takes.
_TOKENS = 4096


def prefix_shape(pristine: Pristine, data: Sequences) -> tuple[int, int]:
    """Return the shape of what a prefix hands on of a split, [tokens, D]."""
    return int(data.lengths.sum()), pristine.anatomy.width


def run_prefix(
    pristine: Pristine,
    data: Sequences,
    boundary: int,
    out: Tensor,
    *,
    runtime: Runtime,
    start: int = 0,
    known: Tensor | None = None,
) -> None:
    """Compute what the units below a boundary hand on of every token, without dropout.

    Batches and precision are those of an evaluation, so that the bits are those of a whole pass over the split, and
    from a lower boundary those from the tokens.

    Args:
        pristine: The base model; what is frozen is the same in every trial.
        data: A split.
        boundary: One of the model's.
        out: On the CPU, filled, [tokens, D].
        runtime: The device.
        start: A lower boundary whose result is known; 0 starts from the tokens.
        known: That result, [tokens, D].

    Raises:
        OutOfMemory: If a batch does not fit.
    """
    cut = Cut(pristine.model, pristine.anatomy)
    data = replace(data, hidden=known)
    with torch.no_grad(), memory_errors("trial.prefix"):
        for members in sorted_batches(data.lengths, tokens=_TOKENS):
            runtime.tick()
            batch = data.batch(members)
            inputs = {name: batch[name] for name in pristine.anatomy.inputs if name in batch}
            found = cut.below(boundary, inputs, start, batch.get("hidden"))
            index, real = data.places(members)
            out[index[real]] = found.cpu()[real]
