"""What every text format owes its user."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autoft.data.readers import READERS, read_rows
from autoft.data.rows import Row
from autoft.errors import DataError

GOOD = {
    ".conll": "Zoë\tB-PER\nran\tO\n",
    ".bio": "Zoë\tB-PER\nran\tO\n",
    ".iob": "Zoë\tB-PER\nran\tO\n",
    ".iob2": "1\tZoë\tB-PER\n2\tran\tO\n",
    ".txt": "Zoë B-PER\nran O\n",
    ".jsonl": '{"tokens": ["Zoë", "ran"], "tags": ["B-PER", "O"]}\n',
    ".json": '[{"tokens": ["Zoë", "ran"], "tags": ["B-PER", "O"]}]\n',
    ".csv": 'tokens,tags\n"[""Zoë"", ""ran""]","[""B-PER"", ""O""]"\n',
    ".tsv": "sentence_id\ttoken\ttag\n1\tZoë\tB-PER\n1\tran\tO\n",
}
VALUES = {"tokens": ["Zoë", "ran"], "tags": ["B-PER", "O"]}


@pytest.fixture(params=sorted(GOOD))
def suffix(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_every_text_format_is_tried_here() -> None:
    assert set(READERS.names()) == {*GOOD, ".parquet"}


def test_reads_tokens_and_tags(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.write_text(GOOD[suffix], encoding="utf-8")
    (row,) = read_rows(path)
    assert row.values == VALUES
    assert row.file == str(path)


def test_a_byte_order_mark_is_dropped(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.write_bytes(codecs.BOM_UTF8 + GOOD[suffix].encode("utf-8"))
    (row,) = read_rows(path)
    assert row.values == VALUES


def test_windows_line_ends_change_nothing(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.write_bytes(GOOD[suffix].replace("\n", "\r\n").encode("utf-8"))
    (row,) = read_rows(path)
    assert row.values == VALUES


def test_wrong_encoding_is_told_with_line_and_offset(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    raw = GOOD[suffix].encode("latin-1")
    path.write_bytes(raw)
    line = raw[: raw.index(b"\xeb")].count(b"\n") + 1
    with pytest.raises(DataError) as caught:
        read_rows(path)
    place, offset = f"{path}:{line}", raw.index(0xEB)
    assert caught.value.problems == (
        f"{place}: UTF-8 expected, got byte 0xeb at offset {offset}, save the file as UTF-8",
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_refused(suffix: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.write_bytes("A O\nB O\n".encode(encoding))
    with pytest.raises(DataError, match=r":1: .*UTF-16.*save the file as UTF-8"):
        read_rows(path)


@pytest.mark.parametrize("content", [b"", b"\n \n\n", codecs.BOM_UTF8])
def test_an_empty_file_is_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="at least one row expected"):
        read_rows(path)


def test_a_missing_file_is_told(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(tmp_path / f"corpus{suffix}")


def test_a_folder_is_no_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"corpus{suffix}"
    path.mkdir()
    with pytest.raises(DataError, match="a file expected"):
        read_rows(path)


def test_an_unknown_suffix_is_told_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsnl"
    path.write_text("{}")
    with pytest.raises(DataError, match=r"unknown data format '\.jsnl', did you mean '\.jsonl'"):
        read_rows(path)


def test_suffixes_may_be_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "CORPUS.CONLL"
    path.write_text("a\tO\n")
    assert len(read_rows(path)) == 1


def test_a_file_shows_twenty_problems_and_counts_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text("{}\n" + "x\n" * 37)
    with pytest.raises(DataError) as caught:
        read_rows(path)
    assert len(caught.value.problems) == 21
    assert caught.value.problems[0].startswith(f"{path}:2: JSON expected")
    assert caught.value.problems[-1] == f"{path}: ... and 17 more"


PIECES = [
    "\t",
    "\n",
    "\r\n",
    " ",
    ",",
    '"',
    "#",
    "[",
    "]",
    "{",
    "}",
    ":",
    "O",
    "B-X",
    "1",
    "tokens",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join))
@example("-DOCSTART- -X- O O\n")
@example("# a comment alone\n")
@example(",")
@example('""')
@example("\x1c\n\u00a0")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_whatever_a_file_holds_gives_rows_or_a_data_error(tmp_path: Path, text: str) -> None:
    for name in GOOD:
        path = tmp_path / f"corpus{name}"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        problems: tuple[str, ...] = ()
        rows: tuple[Row, ...] = ()
        try:
            rows = read_rows(path)
        except DataError as error:
            problems = error.problems
        assert bool(rows) != bool(problems)
        assert all(problem.startswith(str(path)) for problem in problems)
