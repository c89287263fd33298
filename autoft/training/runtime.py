"""The device a trial runs on: precision, threads, and its failures translated where they enter."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from autoft import faults
from autoft.errors import ConfigError, OutOfMemory

# The CPU's allocator, the CUDA driver and cuBLAS raise a plain RuntimeError.
_MEMORY_WORDS = {
    "not enough memory": "machine",
    "can't allocate memory": "machine",
    "CUDA error: out of memory": "device",
    "CUBLAS_STATUS_ALLOC_FAILED": "device",
}


def _nothing() -> None:
    """Do nothing between steps."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How a trial is executed; together with its configuration all that a replay needs.

    Attributes:
        device: Where tensors live.
        micro_batch: Most sequences in one forward pass of training; more are accumulated.
        evaluation_tokens: Most padded tokens of one evaluation batch.
        threads: Threads of one operation on the CPU; results depend on them bit by bit.
        tick: Called before each step; raises to end the trial (time limit, signal, lost lease).
    """

    device: torch.device
    micro_batch: int
    evaluation_tokens: int = 4096
    threads: int = 1
    tick: Callable[[], None] = field(default=_nothing, compare=False)

    @property
    def precision(self) -> str:
        """What training computes in: `bfloat16` under autocast where the hardware has it, else `float32`."""
        return "bfloat16" if self.device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context of a forward pass of training."""
        if self.precision == "bfloat16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return contextlib.nullcontext()

    def record(self) -> dict[str, Any]:
        """Return the execution record of a trial, JSON."""
        return {
            "device": self.device.type,
            "device_name": device_name(self.device),
            "precision": self.precision,
            "threads": self.threads,
            "micro_batch": self.micro_batch,
            "evaluation_tokens": self.evaluation_tokens,
        }


def find_device(name: str, *, worker: int = 0) -> torch.device:
    """Return the device called `auto`, `cpu` or `cuda`; workers share the CUDA devices in turn.

    Raises:
        ConfigError: If `cuda` is asked and there is none.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ConfigError("--device: 'cuda' needs a CUDA device, found none, 'auto' takes what there is")
    return torch.device("cuda", worker % torch.cuda.device_count())


def device_name(device: torch.device) -> str:
    """Return what the hardware calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def set_threads(threads: int) -> None:
    """Fix the threads of one operation, and the deterministic kernels."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


@contextlib.contextmanager
def memory_errors(place: str) -> Iterator[None]:
    """Translate the frameworks' ways to say out of memory.

    Raises:
        OutOfMemory: Whenever the body ran out of device or main memory.
    """
    try:
        if faults.reached(place) == "oom":
            raise OutOfMemory(f"{place}: the device has no memory left")
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(f"{place}: the device has no memory left") from error
    except RuntimeError as error:
        for words, what in _MEMORY_WORDS.items():
            if words in str(error):
                raise OutOfMemory(f"{place}: the {what} has no memory left") from error
        raise
