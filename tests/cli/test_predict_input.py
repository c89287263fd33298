"""What `autoft predict` reads: one record a line, whatever else a text holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoft.cli.predict import _batches, _records
from autoft.errors import DataError
from autoft.tasks.ner import Ner


def read(folder: Path, name: str, content: bytes) -> list[object]:
    path = folder / name
    path.write_bytes(content)
    return [record for _, record in _records(str(path))]


def test_only_line_feeds_part_lines(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "one\u2028still one\x0cstill\ntwo\n".encode()) == [
        "one\u2028still one\x0cstill",
        "two",
    ]


def test_empty_lines_of_a_text_are_records(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", b"one\r\n\r\ntwo") == ["one", "", "two"]


def test_blank_lines_of_json_lines_are_none(tmp_path: Path) -> None:
    assert read(tmp_path, "a.jsonl", b'{"text": "one"}\n\n"two"\n') == [{"text": "one"}, "two"]


def test_a_separator_within_json_is_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a.jsonl", '{"text": "a\u2028b"}\n'.encode()) == [{"text": "a\u2028b"}]


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", b"\xef\xbb\xbfone\n") == ["one"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.jsonl", b'"one"\n{"text": \n', r"a\.jsonl:2: JSON expected"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl:1: a text or an object expected, got list"),
        ("a.jsonl", b'{"text": "\\ud83d"}\n', r"a\.jsonl:1: text expected, got half of a surrogate pair"),
        ("a.txt", b"one\ncaf\xe9\n", r"a\.txt:2: UTF-8 expected, got the byte 0xe9 at 3"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        read(tmp_path, name, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: a readable file expected"):
        list(_records(str(tmp_path / "none.txt")))


def test_a_json_object_is_one_in_a_text_too(tmp_path: Path) -> None:
    lines = b'{"question": "who?", "context": "anna"}\n{no json\n[1]\n'
    assert read(tmp_path, "a.txt", lines) == [{"question": "who?", "context": "anna"}, "{no json", "[1]"]


def test_what_a_task_cannot_read_is_told_with_its_place_after_what_it_can() -> None:
    batches = _batches(iter([("x:1", "one"), ("x:2", {"words": 1}), ("x:3", "three")]), Ner())
    assert next(batches) == ["one"]
    with pytest.raises(DataError, match=r"^x:2: 'text' or 'tokens' expected"):
        next(batches)
