"""Readers: one file a format, found by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autoft.data.rows import Row
from autoft.errors import DataError
from autoft.registry import Registry, nearest

Reader = Callable[[Path], list[Row]]

READERS: Registry[Reader] = Registry("data format")
for _suffix in (".conll", ".bio", ".iob", ".iob2", ".txt"):
    READERS.add(_suffix, "autoft.data.readers.conll:read_conll")
for _suffix in (".jsonl", ".json"):
    READERS.add(_suffix, "autoft.data.readers.json_rows:read_json")
READERS.add(".csv", "autoft.data.readers.table:read_csv")
READERS.add(".tsv", "autoft.data.readers.table:read_tsv")
READERS.add(".parquet", "autoft.data.readers.parquet:read_parquet")


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read the rows of one file, in the format that its suffix names.

    Raises:
        DataError: With every problem of the file.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if not path.is_file():
        raise DataError(f"{path}: a file expected, got a folder")
    suffix = path.suffix.lower()
    if suffix not in READERS.names():
        known = ", ".join(READERS.names())
        hint = nearest(suffix, READERS.names())
        raise DataError(f"{path}: unknown data format {suffix!r}{hint} known: {known}")
    rows = READERS.get(suffix)(path)
    if not rows:
        raise DataError(f"{path}: at least one row expected, got none")
    return tuple(rows)
