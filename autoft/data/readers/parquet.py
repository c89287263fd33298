"""Parquet; class numbers become their names where the file's schema knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autoft.data.problems import Problems
from autoft.data.readers.checks import unequal_lengths
from autoft.data.rows import Row
from autoft.errors import DataError

_INDEX_COLUMN = "__index_level_"


def read_parquet(path: Path) -> list[Row]:
    """Read a Parquet file into rows; a row's line is its number.

    Raises:
        DataError: If the file is no Parquet, or with every record that does not fit.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: Parquet expected, {str(error).splitlines()[0]}") from error
    keep = [name for name in table.column_names if not name.startswith(_INDEX_COLUMN)]
    metadata = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(metadata).get("info", {}).get("features") or {}
    return rows_of(table.select(keep).to_pylist(), features, str(path))


def rows_of(records: Iterable[Mapping[str, Any]], features: Mapping[str, Any], file: str) -> list[Row]:
    """Make rows of records, with the names of classes in place of their numbers.

    Args:
        records: The records as Python values.
        features: Column -> feature, as the `datasets` library writes them: `{"_type": "ClassLabel",
            "names": […]}`.
        file: The file as messages name it.

    Raises:
        DataError: With every record that does not fit.
    """
    problems = Problems()
    rows = []
    for number, record in enumerate(records, 1):
        try:
            values = {name: _named(value, features.get(name)) for name, value in record.items()}
        except IndexError as error:
            problems.add(file, f"{file}:{number}: {error}")
            continue
        for problem in unequal_lengths(values):
            problems.add(file, f"{file}:{number}: {problem}")
        rows.append(Row(values, file, number))
    problems.raise_if_any()
    return rows


def _named(value: Any, feature: Any) -> Any:
    if isinstance(value, list):
        inner = feature[0] if isinstance(feature, list) and feature else feature
        inner = inner.get("feature", inner) if isinstance(inner, Mapping) else None
        return [_named(item, inner) for item in value]
    if isinstance(value, Mapping):
        # A sequence of records is stored as a record of sequences.
        inner = feature.get("feature", feature) if isinstance(feature, Mapping) else {}
        return {name: _named(item, inner.get(name)) for name, item in value.items()}
    if isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel" and isinstance(value, int):
        return _class_name(value, feature.get("names") or [])
    return value


def _class_name(number: int, names: list[str]) -> str | int | None:
    if not names:
        return number
    # -1 stands for a label that is kept secret.
    if number == -1:
        return None
    if not 0 <= number < len(names):
        raise IndexError(f"a class from 0 to {len(names) - 1} expected, got {number}")
    return names[number]
