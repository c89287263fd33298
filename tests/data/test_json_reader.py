from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoft.data.readers import read_rows
from autoft.data.rows import Row
from autoft.errors import DataError


def read(tmp_path: Path, text: str, name: str = "corpus.jsonl") -> tuple[Row, ...]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_rows(tmp_path / name)


def problems_of(tmp_path: Path, text: str, name: str = "corpus.jsonl") -> list[str]:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, name)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_fields_stay_as_they_are(tmp_path: Path) -> None:
    record = {"text": "NA", "label": "", "score": 1.5, "spans": [{"start": 0, "end": 2}], "x": None}
    (row,) = read(tmp_path, json.dumps(record))
    assert row.values == record


def test_rows_know_their_lines(tmp_path: Path) -> None:
    assert [row.line for row in read(tmp_path, '{"a": 1}\n\n{"a": 2}\n')] == [1, 3]


def test_objects_of_a_list_know_their_lines(tmp_path: Path) -> None:
    text = '\n[{"a": 1},\n\n {"a":\n 2}, {"a": 3}\n,{"a": 4}]\n'
    rows = read(tmp_path, text, "corpus.json")
    assert [(row.values["a"], row.line) for row in rows] == [(1, 2), (2, 4), (3, 5), (4, 6)]


def test_a_json_file_may_hold_lines(tmp_path: Path) -> None:
    assert len(read(tmp_path, '{"a": 1}\n{"a": 2}\n', "corpus.json")) == 2


def test_odd_line_ends_inside_text_survive(tmp_path: Path) -> None:
    (row,) = read(tmp_path, '{"text": "a\u2028b\x85c"}')
    assert row.values["text"] == "a\u2028b\x85c"


def test_each_invalid_line_is_told(tmp_path: Path) -> None:
    text = '{"a": 1}\n{"a": }\n[1]\n{"a": 1, "a": 2}\n{"a": NaN}\n{"a": "\\ud800"}\n"x"'
    assert problems_of(tmp_path, text) == [
        "corpus.jsonl:2: JSON expected, Expecting value (column 7)",
        "corpus.jsonl:3: a JSON object expected, got [1]",
        "corpus.jsonl:4: JSON expected, key 'a' stands twice",
        "corpus.jsonl:5: JSON expected, NaN is no JSON number",
        "corpus.jsonl:6: text expected, got half of a surrogate pair",
        'corpus.jsonl:7: a JSON object expected, got "x"',
    ]


@pytest.mark.parametrize("field", ["tags", "ner_tags"])
def test_unequal_tokens_and_tags_are_told(tmp_path: Path, field: str) -> None:
    text = json.dumps({"tokens": list("abcde"), field: ["O"] * 4})
    assert problems_of(tmp_path, "{}\n" + text) == [f"corpus.jsonl:2: 5 tokens but 4 {field}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[{"a": 1},\n{"a" 2}]',
            "corpus.json:2: JSON expected, Expecting ':' delimiter (column 6)",
        ),
        ('[{"a": 1}\n{"a": 2}]', "corpus.json:2: ',' or ']' expected after an object of the list"),
        ('[{"a": 1},\n', "corpus.json:1: JSON expected, Expecting value (column 11)"),
        ('[{"a": 1}]\n{}', "corpus.json:2: nothing expected after the list"),
        ('[{"a": 1},\n 3]', "corpus.json:2: a JSON object expected, got 3"),
        ("[]", "corpus.json: at least one row expected, got none"),
        (
            '{\n"data": []\n}',
            "corpus.json: one object a line, or a list of objects, expected, got one object",
        ),
    ],
)
def test_each_fault_of_a_list_is_told(tmp_path: Path, text: str, problem: str) -> None:
    assert problems_of(tmp_path, text, "corpus.json") == [problem]


def test_too_deep_nesting_is_told(tmp_path: Path) -> None:
    assert "nested too deeply" in problems_of(tmp_path, '{"a": ' + "[" * 100_000)[0]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
records = st.lists(
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), values, max_size=3),
    min_size=1,
    max_size=4,
)


@given(records)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path: Path, written: list[dict[str, Any]]) -> None:
    written = [{**record, "tokens": None} for record in written]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in written)
    assert [row.values for row in read(tmp_path, lines)] == written
    listed = json.dumps(written, ensure_ascii=False, indent=1)
    assert [row.values for row in read(tmp_path, listed, "corpus.json")] == written
