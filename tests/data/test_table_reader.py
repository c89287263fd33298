from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoft.data.readers import read_rows
from autoft.data.rows import Row
from autoft.errors import DataError


def read(tmp_path: Path, text: str, name: str = "corpus.csv") -> tuple[Row, ...]:
    (tmp_path / name).write_bytes(text.encode("utf-8"))
    return read_rows(tmp_path / name)


def problems_of(tmp_path: Path, text: str, name: str = "corpus.csv") -> list[str]:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, name)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_every_cell_is_text(tmp_path: Path) -> None:
    rows = read(tmp_path, "text,label\nNA,null\n1e5,\nNaN,None\n")
    cells = [(row.values["text"], row.values["label"]) for row in rows]
    assert cells == [("NA", "null"), ("1e5", ""), ("NaN", "None")]


def test_a_row_of_empty_cells_is_a_row(tmp_path: Path) -> None:
    assert [row.values for row in read(tmp_path, "a,b\n,\n")] == [{"a": "", "b": ""}]


def test_rows_know_the_line_where_they_begin(tmp_path: Path) -> None:
    rows = read(tmp_path, 'text,label\n"two\nlines",x\n\nb,y\n')
    assert [(row.values["text"], row.line) for row in rows] == [("two\nlines", 2), ("b", 5)]


def test_semicolons_part_columns_where_the_header_has_no_comma(tmp_path: Path) -> None:
    assert read(tmp_path, "text;label\na, b;x\n")[0].values == {"text": "a, b", "label": "x"}


def test_a_column_without_a_name_is_dropped(tmp_path: Path) -> None:
    assert read(tmp_path, ",text\n0,a\n")[0].values == {"text": "a"}


def test_a_document_longer_than_the_csv_module_allows_is_read(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    assert len(read(tmp_path, "text,label\n" + "a" * 200_000 + ",x\n")[0].values["text"]) == 200_000
    assert csv.field_size_limit() == before


def test_each_ragged_record_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, 'a,b\n1,2\n"x\ny"\n1,2,3\n') == [
        "corpus.csv:3: 2 columns expected, got 1",
        "corpus.csv:5: 2 columns expected, got 3",
    ]


def test_a_quote_without_an_end_is_told(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, 'a,b\n1,"2\n3,4\n')
    assert problem.startswith("corpus.csv:2: quotes must be closed")


def test_columns_of_one_name_are_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "a,b,a\n1,2,3\n") == ["corpus.csv:1: column names must differ, got 'a' twice"]


def test_a_header_without_names_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, ",\n1,2\n") == ["corpus.csv:1: column names expected, got none"]


def test_a_header_alone_is_no_data(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "a,b\n") == ["corpus.csv: at least one row expected, got none"]


@pytest.mark.parametrize("cell", ["""["a", "it's"]""", """['a', "it's"]"""])
def test_lists_are_read_as_json_or_as_python_prints_them(tmp_path: Path, cell: str) -> None:
    quoted = cell.replace('"', '""')
    (row,) = read(tmp_path, f'tokens,tags\n"{quoted}","[""O"", ""B-X""]"\n')
    assert row.values == {"tokens": ["a", "it's"], "tags": ["O", "B-X"]}


@pytest.mark.parametrize("cell", ["['a' 'b']", "[a, b]", "[1, 2", "[__import__('os')]"])
def test_what_is_no_list_is_told(tmp_path: Path, cell: str) -> None:
    assert problems_of(tmp_path, f'tokens,tags\n"{cell}",x\n') == [
        f"corpus.csv:2: a JSON list expected in column 'tokens', got {cell}"
    ]


def test_unequal_tokens_and_tags_are_told(tmp_path: Path) -> None:
    text = 'tokens,tags\n"[""a"", ""b""]","[""O""]"\n'
    assert problems_of(tmp_path, text) == ["corpus.csv:2: 2 tokens but 1 tags"]


LONG = {
    "every row names its sentence": "sentence_id,token,tag\n1,a,O\n1,b,B-X\n2,c,O\n",
    "the first row does": "Sentence #,Word,POS,Tag\nS: 1,a,NN,O\n,b,NN,B-X\nS: 2,c,NN,O\n",
    "blank lines": "token,tag\na,O\nb,B-X\n\nc,O\n",
    "sentence without id": "sentence,word,tag\n1,a,O\n1,b,B-X\n2,c,O\n",
    "labels": "sentence_id,words,labels\n0,a,O\n0,b,B-X\n1,c,O\n",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_one_token_a_row_is_joined_to_sentences(tmp_path: Path, text: str) -> None:
    first, second = read(tmp_path, text)
    assert first.values == {"tokens": ["a", "b"], "tags": ["O", "B-X"]}
    assert first.lines == (2, 3)
    assert second.values == {"tokens": ["c"], "tags": ["O"]}


def test_a_sentence_to_classify_stays_a_row(tmp_path: Path) -> None:
    rows = read(tmp_path, "sentence,word,label\na b,a,x\n")
    assert rows[0].values == {"sentence": "a b", "word": "a", "label": "x"}


def test_a_sentence_that_comes_again_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "sentence_id,token,tag\n1,a,O\n2,b,O\n1,c,O\n") == [
        "corpus.csv:4: a sentence must stand together, got '1' again"
    ]


def test_an_empty_token_or_tag_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "sentence_id,token,tag\n1,,O\n1,a,\n") == [
        "corpus.csv:2: a token and a tag expected, got an empty cell",
        "corpus.csv:3: a token and a tag expected, got an empty cell",
    ]


def test_tokens_without_borders_of_sentences_are_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "token,tag\na,O\nb,O\n") == [
        "corpus.csv: a column 'sentence_id', or blank lines, expected between sentences"
    ]


def test_tsv_without_a_header_is_columns(tmp_path: Path) -> None:
    rows = read(tmp_path, 'Zoë\tB-PER\n"\tO\n\nran\tO\n', "train.tsv")
    assert [row.values["tokens"] for row in rows] == [["Zoë", '"'], ["ran"]]


def test_single_quotes_in_tsv_are_text(tmp_path: Path) -> None:
    text = 'sentence_id\ttoken\ttag\n1\t"\tO\n1\tHi\tO\n1\t"\tO\n'
    (row,) = read(tmp_path, text, "train.tsv")
    assert row.values["tokens"] == ['"', "Hi", '"']


def test_doubled_quotes_in_tsv_are_a_writers(tmp_path: Path) -> None:
    text = 'text\tlabel\n"he said ""hi"""\tx\n'
    assert read(tmp_path, text, "train.tsv")[0].values["text"] == 'he said "hi"'


def test_quotes_in_tsv_may_hold_lines(tmp_path: Path) -> None:
    text = 'text\tlabel\n"two\nlines"\tx\nb\ty\n'
    rows = read(tmp_path, text, "train.tsv")
    assert [(row.values["text"], row.line) for row in rows] == [("two\nlines", 2), ("b", 4)]


def test_a_ragged_line_in_tsv_is_told_beside_quotes(tmp_path: Path) -> None:
    assert problems_of(tmp_path, 'text\tlabel\n"\tx\nb\n', "train.tsv") == ["train.tsv:3: 2 columns expected, got 1"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path: Path, written: list[tuple[str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([("text", "label"), *written])
    rows = read(tmp_path, buffer.getvalue())
    assert [(row.values["text"], row.values["label"]) for row in rows] == written
