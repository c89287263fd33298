"""Data sets through the `datasets` library: from the hub, or saved by it in a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoft.data.readers.parquet import rows_of
from autoft.data.rows import Row
from autoft.errors import DataError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
_SAVED = ("dataset_dict.json", "dataset_info.json")


def looks_like_hub_id(reference: str) -> bool:
    """Say whether a reference reads `name` or `owner/name`."""
    return _HUB_ID.fullmatch(reference) is not None


def is_saved_folder(path: Path) -> bool:
    """Say whether `datasets` saved this folder."""
    return any((path / name).is_file() for name in _SAVED)


def read_hub(reference: str) -> dict[str, tuple[Row, ...]]:
    """Load a data set from the hub; its splits under their own names, `train` if it has none.

    Raises:
        DataError: If `datasets` is not installed, or the data set cannot be loaded.
    """
    datasets = _library(f"{reference}: no such file or folder, and the hub needs the package datasets")
    try:
        loaded = datasets.load_dataset(reference)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
        raise DataError(f"{reference}: no such file or folder, and not loaded from the hub, {reason}") from error
    return _splits(loaded, reference)


def read_saved(path: Path) -> dict[str, tuple[Row, ...]]:
    """Load a folder that `datasets` saved; its splits under their names, `train` if it has none.

    Raises:
        DataError: If `datasets` is not installed, or the folder cannot be loaded.
    """
    datasets = _library(f"{path}: a folder saved by the package datasets needs it")
    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:
        raise DataError(f"{path}: a folder saved by the package datasets expected, {error}") from error
    return _splits(loaded, str(path))


def _library(problem: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise DataError(f"{problem}, install autoft[hub]") from error
    return datasets


def _splits(loaded: Any, name: str) -> dict[str, tuple[Row, ...]]:
    parts = loaded if isinstance(loaded, Mapping) else {"train": loaded}
    return {
        str(split): tuple(rows_of(part, part.features.to_dict(), f"{name}/{split}")) for split, part in parts.items()
    }
