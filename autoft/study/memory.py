"""Whether a trial's training will fit: what was counted, and what a GPU took beyond it before."""

from __future__ import annotations

import logging

import torch

from autoft.errors import OutOfMemory
from autoft.study.room import memory_free

logger = logging.getLogger(__name__)
_MIB = 2**20
# What kernels hold for a moment, and what the allocator cannot hand out again.
_SPARE = 1.2


class MemoryForecast:
    """Refuses what will not fit before its first step, so that no step is lost to an error.

    A GPU counts what was taken, so the count is corrected there by the most that a trial took beyond it. A CPU's
    counter holds files and libraries too, which are no part of a step, and corrects nothing.

    Args:
        device: Where trials train.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._beyond = 0.0
        self._before = 0.0

    def check(self, wanted: float, micro_batch: int) -> None:
        """Refuse a micro-batch that will not fit; a single sequence is always tried.

        Args:
            wanted: MiB that training will take beyond the weights, which are there already.
            micro_batch: Sequences of one forward pass.

        Raises:
            OutOfMemory: If a smaller one should be taken.
        """
        room, wanted = self._free(), wanted * _SPARE + self._beyond
        if room is None or micro_batch == 1 or wanted <= room:
            return
        raise OutOfMemory(f"micro-batch {micro_batch}: {wanted:,.0f} MiB expected, {room:,.0f} MiB are free")

    def begin(self) -> None:
        """Note what a GPU holds before a trial trains."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device) / _MIB

    def learn(self, wanted: float) -> None:
        """Compare what a GPU held at most since `begin` with what was expected.

        Args:
            wanted: MiB that had been expected beyond the weights.
        """
        if self._device.type == "cuda":
            taken = torch.cuda.max_memory_allocated(self._device) / _MIB - self._before
            self._beyond = max(self._beyond, taken - wanted * _SPARE)

    def _free(self) -> float | None:
        if self._device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self._device)
            held = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
            return (free + held) / _MIB
        free_bytes = memory_free()
        return None if free_bytes is None else free_bytes / _MIB
