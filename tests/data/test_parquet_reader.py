from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autoft.data.readers import read_rows
from autoft.errors import DataError

NAMES = ["O", "B-PER", "I-PER"]
CLASS = {"_type": "ClassLabel", "names": NAMES}


def write(path: Path, records: list[dict[str, Any]], features: dict[str, Any] | None = None) -> Path:
    table = pa.Table.from_pylist(records)
    if features is not None:
        metadata = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": metadata})
    pq.write_table(table, path)
    return path


def test_values_are_plain_python(tmp_path: Path) -> None:
    records = [{"tokens": ["a", "b"], "tags": ["O", "B-X"], "n": 1, "text": "NA", "none": ""}]
    (row,) = read_rows(write(tmp_path / "x.parquet", records))
    assert row.values == records[0]


def test_rows_are_numbered(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path / "x.parquet", [{"a": 1}, {"a": 2}]))
    assert [row.place for row in rows] == [f"{tmp_path}/x.parquet:1", f"{tmp_path}/x.parquet:2"]


@pytest.mark.parametrize(
    "feature",
    [{"_type": "List", "feature": CLASS}, {"_type": "Sequence", "feature": CLASS}, [CLASS]],
)
def test_numbers_of_classes_become_names(tmp_path: Path, feature: Any) -> None:
    records = [{"tokens": ["Zoë", "ran"], "ner_tags": [1, 0], "label": 2, "free": 1}]
    features = {"ner_tags": feature, "label": CLASS, "free": {"_type": "Value", "dtype": "int64"}}
    (row,) = read_rows(write(tmp_path / "x.parquet", records, features))
    assert row.values == {
        "tokens": ["Zoë", "ran"], "ner_tags": ["B-PER", "O"], "label": "I-PER", "free": 1
    }  # fmt: skip


def test_names_inside_records_are_found(tmp_path: Path) -> None:
    records = [{"entities": [{"start": 0, "end": 3, "label": 1}]}]
    features = {"entities": {"_type": "List", "feature": {"start": {}, "end": {}, "label": CLASS}}}
    (row,) = read_rows(write(tmp_path / "x.parquet", records, features))
    assert row.values["entities"] == [{"start": 0, "end": 3, "label": "B-PER"}]


def test_a_secret_label_is_none(tmp_path: Path) -> None:
    (row,) = read_rows(write(tmp_path / "x.parquet", [{"label": -1}], {"label": CLASS}))
    assert row.values["label"] is None


def test_a_class_without_a_name_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", [{"label": 0}, {"label": 3}], {"label": CLASS})
    with pytest.raises(DataError) as caught:
        read_rows(path)
    assert caught.value.problems == (f"{path}:2: a class from 0 to 2 expected, got 3",)


def test_unequal_tokens_and_tags_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", [{"tokens": ["a", "b"], "tags": ["O"]}])
    with pytest.raises(DataError, match=r"x\.parquet:1: 2 tokens but 1 tags"):
        read_rows(path)


@pytest.mark.parametrize("content", [b"", b"no parquet at all"])
def test_what_is_no_parquet_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.parquet: Parquet expected"):
        read_rows(path)


def test_no_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="at least one row expected"):
        read_rows(path)


def test_the_row_numbers_of_pandas_are_dropped(tmp_path: Path) -> None:
    (row,) = read_rows(write(tmp_path / "x.parquet", [{"a": 1, "__index_level_0__": 7}]))
    assert row.values == {"a": 1}
