"""Checkpoints of paused configurations: named arrays and JSON, whole or absent, with sha256."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from autoft.errors import ConfigError
from autoft.files import check_manifest, replace_folder, write_json, write_manifest

_log = logging.getLogger(__name__)

_ARRAYS = "arrays.safetensors"
_META = "meta.json"
_MAKING = ".making-"
_ABANDONED_SECONDS = 3600.0

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state from which a configuration is continued.

    Attributes:
        arrays: By name.
        meta: Whatever else is needed, as JSON.
    """

    arrays: Mapping[str, Array]
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Stored:
    """A checkpoint on disk.

    Attributes:
        number: The configuration's.
        rung: Where it paused.
        size: Bytes.
    """

    number: int
    rung: int
    size: int


class CheckpointStore:
    """The folder of a study's checkpoints; at most one a (configuration, rung).

    Args:
        folder: `studies/<study>/checkpoints`; made when the first is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, number: int, rung: int, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, replacing one of the same (configuration, rung)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        made = Path(tempfile.mkdtemp(dir=self._folder, prefix=_MAKING))
        try:
            arrays = {name: np.asarray(array, order="C") for name, array in checkpoint.arrays.items()}
            save_file(arrays, made / _ARRAYS)
            write_json(made / _META, dict(checkpoint.meta))
            write_manifest(made, {"number": number, "rung": rung})
            _sync(made / _ARRAYS)
            replace_folder(made, self._place(number, rung))
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise

    def arrays_file(self, number: int, rung: int) -> Path | None:
        """Return the safetensors file of a checkpoint; None as in `load`."""
        place = self._place(number, rung)
        return place / _ARRAYS if self._is_sound(number, rung) else None

    def load(self, number: int, rung: int) -> Checkpoint | None:
        """Return a checkpoint; None where there is none or a damaged one: train its rung again."""
        place = self._place(number, rung)
        if not self._is_sound(number, rung):
            return None
        try:
            meta = json.loads((place / _META).read_text(encoding="utf-8"))
            return Checkpoint(load_file(place / _ARRAYS), meta)
        except OSError as error:
            # Another worker drops it, for want of room.
            _log.warning("%s: a checkpoint cannot be read, %s", place, error)
            return None

    def stored(self) -> tuple[Stored, ...]:
        """Return what there is, by configuration and rung."""
        if not self._folder.is_dir():
            return ()
        found = []
        for place in self._folder.iterdir():
            number, _, rung = place.name.partition("-")
            if number.isdigit() and rung.isdigit():
                found.append(Stored(int(number), int(rung), _size_of(place)))
        return tuple(sorted(found))

    def drop(self, number: int, rung: int) -> None:
        """Remove a checkpoint; none is no error."""
        shutil.rmtree(self._place(number, rung), ignore_errors=True)

    def size(self) -> int:
        """Return the bytes of all."""
        return sum(one.size for one in self.stored())

    def _sweep(self) -> None:
        """Remove what killed processes left half made."""
        for left in self._folder.glob(f"{_MAKING}*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)

    def _is_sound(self, number: int, rung: int) -> bool:
        place = self._place(number, rung)
        if not place.is_dir():
            return False
        try:
            check_manifest(place)
        except (ConfigError, OSError) as error:
            _log.warning("%s: a damaged checkpoint is not used, %s", place, error)
            return False
        return True

    def _place(self, number: int, rung: int) -> Path:
        return self._folder / f"{number}-{rung}"


def _size_of(place: Path) -> int:
    """Return the bytes of a checkpoint's files, those that another process is removing left out."""
    total = 0
    with suppress(FileNotFoundError):
        for file in place.iterdir():
            total += file.stat().st_size
    return total


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
