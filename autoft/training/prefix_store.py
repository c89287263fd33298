"""Prefixes on disk, memory-mapped, within a budget: every worker reads what one of them has computed."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoft.files import sha256_of, write_text

logger = logging.getLogger(__name__)
Shape = tuple[int, int]
_ITEM = 4
_LARGE = 2**28
_UNFINISHED = ".unfinished-"
# A killed worker leaves its file behind.
_ABANDONED_SECONDS = 24 * 3600


def size_of(shape: Shape) -> int:
    """Return the bytes of a prefix."""
    return shape[0] * shape[1] * _ITEM


class PrefixStore:
    """A folder of float32 arrays by name.

    Args:
        folder: Made when the first one is written.
        budget: Bytes that it may hold; the least recently used go first.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        self.folder, self._budget = folder, budget
        self._writes = False
        self._open: dict[str, Tensor] = {}

    def keep(self) -> None:
        """Write from now on: nothing is written before it is known that the search goes on."""
        self._writes = True

    def fits(self, shape: Shape) -> bool:
        """Tell whether an array of that shape may be kept."""
        return self._writes and size_of(shape) <= self._budget

    def find(self, name: str, shape: Shape) -> Tensor | None:
        """Return an array; None where it is not there, or is damaged."""
        path = self._path(name)
        if not self._budget or not path.is_file():
            # Nothing of what was evicted or removed is held, or the disk would not get its room back.
            self._open.pop(name, None)
            return None
        if name not in self._open:
            try:
                self._open[name] = _read(path, shape)
            except (OSError, ValueError) as error:
                logger.warning("%s: a cached prefix cannot be read (%s), computed again", path, error)
                return None
        # Who was used last goes last; where the file is another user's, its own time counts.
        with suppress(OSError):
            os.utime(path)
        return self._open[name]

    def add(self, name: str, shape: Shape, fill: Callable[[Tensor], object]) -> Tensor | None:
        """Write an array and return it as it is read; None where the disk has no room for it.

        Args:
            name: Of it.
            shape: Of it.
            fill: Computes it into the tensor that it is given, which lies in the file.
        """
        try:
            self._make_room(size_of(shape))
            made = self._empty_file(name, shape)
        except OSError as error:
            logger.warning("%s: a prefix cannot be kept, %s", self.folder, error)
            return None
        try:
            _fill(made, fill)
            self._publish(made, self._path(name))
        finally:
            made.unlink(missing_ok=True)
        return self.find(name, shape)

    def _publish(self, made: Path, path: Path) -> None:
        try:
            write_text(_digest_of(path), sha256_of(made))
            made.chmod(0o644)
            made.replace(path)
        except OSError as error:
            # The caches may be removed at any moment.
            logger.warning("%s: a prefix cannot be kept, %s", self.folder, error)

    def lend(self, shape: Shape, fill: Callable[[Tensor], object]) -> Tensor:
        """Return an array for a single trial: in memory, or in a file without a name where it is large."""
        out = self._nameless(shape) if self._writes and size_of(shape) > _LARGE else None
        out = torch.empty(shape) if out is None else out
        fill(out)
        return out

    def _nameless(self, shape: Shape) -> Tensor | None:
        """Return an array in a file that is gone when nobody has it open; None where the disk has no room."""
        try:
            made = self._empty_file("lent", shape)
        except OSError as error:
            logger.warning("%s: a prefix lies in memory, %s", self.folder, error)
            return None
        try:
            return torch.from_numpy(np.load(made, mmap_mode="r+", allow_pickle=False))
        finally:
            made.unlink(missing_ok=True)

    def _empty_file(self, name: str, shape: Shape) -> Path:
        """Make a file with room for an array, so that writing into it cannot find the disk full."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self.folder, prefix=f"{_UNFINISHED}{name}.")
        os.close(handle)
        made = Path(path)
        try:
            np.lib.format.open_memmap(made, mode="w+", dtype=np.float32, shape=shape).flush()
            if hasattr(os, "posix_fallocate"):
                with made.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, made.stat().st_size)
        except OSError:
            made.unlink(missing_ok=True)
            raise
        return made

    def _make_room(self, size: int) -> None:
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):
                stat = path.stat()
                if path.suffix == ".npy":
                    found.append((stat.st_mtime_ns, stat.st_size, path))
                elif path.name.startswith(_UNFINISHED) and time.time() - stat.st_mtime > _ABANDONED_SECONDS:
                    path.unlink()
        used = sum(each for _, each, _ in found)
        for _, each, path in sorted(found):
            if used + size <= self._budget:
                return
            # Whoever has it open goes on reading it.
            path.unlink(missing_ok=True)
            _digest_of(path).unlink(missing_ok=True)
            self._open.pop(path.stem, None)
            used -= each

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def _fill(made: Path, fill: Callable[[Tensor], object]) -> None:
    out = np.load(made, mmap_mode="r+", allow_pickle=False)
    fill(torch.from_numpy(out))
    out.flush()


def _read(path: Path, shape: Shape) -> Tensor:
    """Return the array of a file.

    Raises:
        ValueError: If it was damaged, or has another shape.
    """
    if sha256_of(path) != _digest_of(path).read_text(encoding="ascii"):
        raise ValueError("sha256 must equal the stored one")
    hidden = torch.from_numpy(np.load(path, mmap_mode="c", allow_pickle=False))
    if tuple(hidden.shape) != shape:
        raise ValueError(f"shape {shape} expected, got {tuple(hidden.shape)}")
    return hidden


def _digest_of(path: Path) -> Path:
    return path.with_suffix(".sha256")
