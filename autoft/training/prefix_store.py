"""Prefixes on disk, memory-mapped, within a budget: every worker reads what one of them has computed."""

from __future__ import annotations

import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoft.files import sha256_of, write_text

logger = logging.getLogger(__name__)
Shape = tuple[int, int]
_ITEM = 4


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
        if name in self._open:
            return self._open[name]
        path = self._path(name)
        if not path.is_file():
            return None
        try:
            hidden = _read(path, shape)
            # Who was used last goes last.
            os.utime(path)
        except (OSError, ValueError) as error:
            logger.warning("%s: a cached prefix cannot be read (%s), computed again", path, error)
            return None
        self._open[name] = hidden
        return hidden

    def add(self, name: str, hidden: Tensor) -> Tensor:
        """Write an array and return it as it is read; where the disk has no room, as it came."""
        try:
            self._make_room(hidden.nbytes)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(self._path(name), hidden)
        except OSError as error:
            logger.warning("%s: a prefix cannot be kept, %s", self.folder, error)
            return hidden
        found = self.find(name, (hidden.shape[0], hidden.shape[1]))
        return hidden if found is None else found

    def _write(self, path: Path, hidden: Tensor) -> None:
        # Not `write_bytes`: an array is written without a second copy of it in memory.
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=f".{path.stem}.", delete=False) as file:
            made = Path(file.name)
            try:
                np.save(file, hidden.numpy(), allow_pickle=False)
                file.flush()
                write_text(_digest_of(path), sha256_of(made))
                made.chmod(0o644)
                made.replace(path)
            finally:
                made.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        found = []
        for path in self.folder.glob("*.npy") if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
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
