"""What frozen prefixes hand on: computed once a study, for every trial that starts above them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch
import transformers
from torch import Tensor

from autoft.files import lock_file
from autoft.models.base import Pristine
from autoft.training.batches import Sequences
from autoft.training.prefix import prefix_shape, run_prefix
from autoft.training.prefix_store import PrefixStore, Shape, size_of
from autoft.training.runtime import Runtime, device_name

logger = logging.getLogger(__name__)
_VERSION = 2
_POLL_SECONDS = 0.2
# Beyond it models start from their tokens: decided by the data alone, so that no budget changes a bit.
_MOST = 16 * 2**30
# Where a model comes from and what its head says changes nothing below it.
_ASIDE = ("_name_or_path", "architectures", "id2label", "label2id", "transformers_version", "problem_type")


@dataclass(slots=True)
class PrefixCounts:
    """What a trial took from the cache.

    Attributes:
        hits: Prefixes that were there.
        computed: Prefixes that were computed for it.
        bytes: Of both together.
    """

    hits: int = 0
    computed: int = 0
    bytes: int = 0


class Prefixes:
    """The prefixes of one base model and split, at any boundary.

    Args:
        pristine: The base model.
        data: The split.
        store: Where they are kept; what it has no room for is computed again for every trial.
    """

    def __init__(self, pristine: Pristine, data: Sequences, store: PrefixStore) -> None:
        self._pristine, self._data, self._store = pristine, data, store
        self._shape: Shape = prefix_shape(pristine, data)
        self._content: str | None = None

    def sequences(self, boundary: int, runtime: Runtime, counts: PrefixCounts) -> Sequences:
        """Return the split with what the units below a boundary hand on.

        Args:
            boundary: One of the model's; 0 leaves the split as it is.
            runtime: The trial's.
            counts: Is told what was found.

        Raises:
            OutOfMemory: If there is no room to compute it.
        """
        if boundary == 0 or size_of(self._shape) > _MOST:
            return self._data
        hidden = self._find(boundary, runtime)
        if hidden is None:
            hidden = self._make(boundary, runtime)
            counts.computed += 1
        else:
            counts.hits += 1
        counts.bytes += hidden.nbytes
        pristine = self._pristine
        # Above the whole base model few heads read tokens any more.
        unread = pristine.anatomy.inputs if boundary == pristine.anatomy.top and not pristine.read_above else ()
        flat = {name: column for name, column in self._data.flat.items() if name not in unread}
        return replace(self._data, hidden=_near(hidden, self._data.device), flat=flat)

    def _find(self, boundary: int, runtime: Runtime) -> Tensor | None:
        return self._store.find(self._name(boundary, runtime), self._shape)

    def _make(self, boundary: int, runtime: Runtime) -> Tensor:
        name, fill = self._name(boundary, runtime), partial(self._compute, boundary, runtime)
        if self._store.fits(self._shape):
            with _alone(self._store, name, runtime):
                # Another worker may have computed it meanwhile.
                found = self._store.find(name, self._shape)
                found = self._store.add(name, self._shape, fill) if found is None else found
            if found is not None:
                return found
        return self._store.lend(self._shape, fill)

    def _compute(self, boundary: int, runtime: Runtime, out: Tensor) -> None:
        start, known = 0, None
        for lower in sorted((one for one in self._pristine.boundaries if one < boundary), reverse=True):
            known = self._find(lower, runtime)
            if known is not None:
                start = lower
                break
        logger.info("prefix below unit %d: %d tokens, from unit %d", boundary, self._shape[0], start)
        run_prefix(self._pristine, self._data, boundary, out, runtime=runtime, start=start, known=known)

    def _name(self, boundary: int, runtime: Runtime) -> str:
        """Return what a prefix is called: all that its bits depend on."""
        if self._content is None:
            self._content = _content(self._pristine, self._data)
        facts = [
            _VERSION,
            self._content,
            boundary,
            device_name(runtime.device),
            _processor() if runtime.device.type == "cpu" else "",
            runtime.threads,
            torch.__version__,
            transformers.__version__,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _content(pristine: Pristine, data: Sequences) -> str:
    """Return the sha256 of the base model and the split."""
    facts = {key: value for key, value in pristine.model.config.to_dict().items() if key not in _ASIDE}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    prefix = f"{pristine.model.base_model_prefix}."
    for name, value in pristine.model.state_dict().items():
        if name.startswith(prefix):
            digest.update(name.removeprefix(prefix).encode() + value.cpu().numpy().tobytes())
    for word in pristine.anatomy.inputs:
        if word in data.flat:
            digest.update(word.encode() + data.flat[word].cpu().numpy().tobytes())
    digest.update(data.lengths.tobytes())
    return digest.hexdigest()


def _near(hidden: Tensor, device: torch.device) -> Tensor:
    """Put a prefix on a GPU where it takes at most a quarter of what is free there."""
    if device.type != "cuda" or hidden.nbytes * 4 > torch.cuda.mem_get_info(device)[0]:
        return hidden
    return hidden.to(device)


@cache
def _processor() -> str:
    """Return what decides which kernels run on a CPU: its model and abilities, and the variables that limit them."""
    found = [torch.backends.cpu.get_cpu_capability()]
    found += [
        os.environ.get(name, "") for name in ("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")
    ]
    with suppress(OSError, UnicodeDecodeError):
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
        found += sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


@contextmanager
def _alone(store: PrefixStore, name: str, runtime: Runtime) -> Iterator[None]:
    """Let one worker of this machine compute a prefix while the others wait for it; all at once where none can lock."""
    with ExitStack() as stack:
        while True:
            try:
                if stack.enter_context(lock_file(store.folder / f".{name}.lock")):
                    break
            except OSError as error:
                logger.warning("%s: no lock can be had, %s", store.folder, error)
                break
            runtime.tick()
            time.sleep(_POLL_SECONDS)
        yield
