"""What `autoft predict` reads: one record a line, whatever else a text holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoft.cli.predict import _records
from autoft.errors import DataError


def read(folder: Path, name: str, content: bytes) -> list[object]:
    path = folder / name
    path.write_bytes(content)
    return list(_records(str(path)))


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
        ("a.txt", b"one\ncaf\xe9\n", r"a\.txt:2: UTF-8 expected, got the byte 0xe9 at 3"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        read(tmp_path, name, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: a readable file expected"):
        list(_records(str(tmp_path / "none.txt")))
