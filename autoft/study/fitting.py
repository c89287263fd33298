"""Training that may not fit: whether a smaller micro-batch may help, and the memory of an attempt let go."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

import torch

from autoft.errors import OutOfMemory


def fits(train: Callable[[], None], micro_batch: int) -> bool:
    """Train; return False where a smaller micro-batch may help.

    Args:
        train: Trains with this micro-batch.
        micro_batch: Sequences of one forward pass.

    Raises:
        OutOfMemory: If not even one sequence at a time fits.
    """
    try:
        train()
    except OutOfMemory:
        if micro_batch == 1:
            raise
        return False
    return True


def free_memory() -> None:
    """Let go of what an attempt that did not fit has left."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def without_better(values: Sequence[float]) -> int:
    """Return how many values have come since the first best one: what patience is counted in."""
    return len(values) - 1 - max(range(len(values)), key=lambda at: (values[at], -at))
