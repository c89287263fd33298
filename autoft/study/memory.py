"""Whether a trial's training will fit: what was counted, corrected by what earlier trials really took."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import torch

from autoft.errors import OutOfMemory
from autoft.study.room import memory_free

logger = logging.getLogger(__name__)
_MIB = 2**20
# What kernels hold for a moment, and what the allocator cannot hand out again.
_SPARE = 1.2
_PROCESS = Path("/proc/self")


class MemoryForecast:
    """Refuses what will not fit before its first step, so that no step is lost to an error.

    Args:
        device: Where trials train.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._factor = 1.0
        self._before: float | None = None

    def check(self, counted: float, micro_batch: int) -> None:
        """Refuse a micro-batch that will not fit; a single sequence is always tried.

        Args:
            counted: MiB that training needs, see `training_memory`.
            micro_batch: Sequences of one forward pass.

        Raises:
            OutOfMemory: If a smaller one should be taken.
        """
        room, wanted = self._free(), counted * self._factor * _SPARE
        if room is None or micro_batch == 1 or wanted <= room:
            return
        raise OutOfMemory(f"micro-batch {micro_batch}: {wanted:,.0f} MiB expected, {room:,.0f} MiB are free")

    def begin(self) -> None:
        """Note what is taken before a trial trains."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device) / _MIB
            return
        self._before = None
        with suppress(OSError):
            # Linux: lets the peak of the resident size begin anew.
            (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
            self._before = _resident("VmRSS")

    def learn(self, counted: float) -> float | None:
        """Return the MiB that were really taken since `begin`, and correct later forecasts; None where none can tell.

        Memory that an earlier trial left to this process is not seen again on a CPU, so only what exceeds the count
        says something.

        Args:
            counted: MiB that had been counted.
        """
        peak = self._peak()
        if peak is None or self._before is None:
            return None
        taken = max(0.0, peak - self._before)
        if counted > 0 and taken > counted * self._factor * _SPARE:
            self._factor = taken / counted / _SPARE
            logger.info("training took %.0f MiB where %.0f were counted", taken, counted)
        return taken

    def _peak(self) -> float | None:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) / _MIB
        return _resident("VmHWM")

    def _free(self) -> float | None:
        if self._device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self._device)
            held = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
            return (free + held) / _MIB
        free_bytes = memory_free()
        return None if free_bytes is None else free_bytes / _MIB


def _resident(word: str) -> float | None:
    """Return a line of this process's status in MiB; None where the system does not say it."""
    with suppress(OSError, ValueError):
        for line in (_PROCESS / "status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{word}:"):
                return int(line.split()[1]) / 1024
    return None
