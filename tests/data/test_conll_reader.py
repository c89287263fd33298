from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.readers.conll import parse_conll
from autoft.data.rows import Row
from autoft.errors import DataError


def rows_of(text: str) -> list[Row]:
    return parse_conll(text.split("\n"), "corpus.conll")


def words_of(text: str) -> list[list[tuple[str, str]]]:
    return [list(zip(row.values["tokens"], row.values["tags"], strict=True)) for row in rows_of(text)]


def test_a_blank_line_ends_a_sentence() -> None:
    assert words_of("a\tO\nb\tB-X\n\n\nc\tO") == [[("a", "O"), ("b", "B-X")], [("c", "O")]]


def test_rows_know_the_line_of_each_token() -> None:
    first, second = rows_of("\na\tO\nb\tB-X\n\nc\tO")
    assert (first.line, first.lines) == (2, (2, 3))
    assert second.place_of(0) == "corpus.conll:5"


def test_of_four_columns_the_first_is_the_token_and_the_last_the_tag() -> None:
    text = "EU NNP B-NP B-ORG\nrejects VBZ B-VP O"
    assert words_of(text) == [[("EU", "B-ORG"), ("rejects", "O")]]


def test_documents_begin_with_a_line_that_is_no_token() -> None:
    text = "-DOCSTART- -X- O O\nEU NNP B-NP B-ORG\n-DOCSTART- -X- O O\nit PRP B-NP O"
    assert words_of(text) == [[("EU", "B-ORG")], [("it", "O")]]


def test_a_counted_token_stands_in_column_two_and_its_tag_where_tags_are() -> None:
    text = (
        "# sent_id = 1\n# text = Zoë ran\n1\tZoë\tB-PER\t-\tann\n2\tran\tO\t-\tann\n\n# sent_id = 2\n1\tSo\tO\t-\tann"
    )
    assert words_of(text) == [[("Zoë", "B-PER"), ("ran", "O")], [("So", "O")]]


def test_ranges_and_empty_nodes_of_counted_files_are_no_tokens() -> None:
    text = "1-2\tdel\t_\n1\tde\tO\n2\tel\tO\n2.1\tx\t_\n3\tMar\tB-LOC"
    assert words_of(text) == [[("de", "O"), ("el", "O"), ("Mar", "B-LOC")]]


def test_two_tag_columns_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert words_of("1\tBonn\tB-LOC\tO\n2\tist\tO\tO") == [[("Bonn", "O"), ("ist", "O")]]
    assert "columns 3, 4 look like tags, column 4 is read" in caplog.text


def test_numbers_in_two_columns_are_tokens() -> None:
    assert words_of("1\tO\n2\tO") == [[("1", "O"), ("2", "O")]]


def test_the_token_hash_is_no_comment() -> None:
    text = "#\tO\na\tB-X\n#tag\tO\n# a comment\nb\tO"
    assert words_of(text) == [[("#", "O"), ("a", "B-X"), ("#tag", "O"), ("b", "O")]]


def test_between_blanks_a_hash_with_a_tag_is_a_token_and_else_a_comment() -> None:
    assert words_of("a O\n# O\n# remark\n# id x y\nb B-X") == [[("a", "O"), ("#", "O"), ("b", "B-X")]]


def test_a_sentence_of_hashes_alone_is_read() -> None:
    assert words_of("#\tO\n#\tO") == [[("#", "O"), ("#", "O")]]


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\xa0", "\u3000", "New York"])
def test_odd_blanks_inside_a_token_survive(mark: str) -> None:
    assert words_of(f"{mark}\tO\na\tO") == [[(mark, "O"), ("a", "O")]]


def test_every_ragged_line_is_told() -> None:
    with pytest.raises(DataError) as caught:
        rows_of("a\tO\nb\nc\tO\tx\nd\tO\n\tO\ne\t")
    assert caught.value.problems == (
        "corpus.conll:2: 2 columns expected, got 1, the other lines part columns by tabs",
        "corpus.conll:3: 2 columns expected, got 3",
        "corpus.conll:5: a token expected in column 1, got none",
        "corpus.conll:6: a tag expected in column 2, got none",
    )


def test_of_a_line_lost_between_two_the_longer_is_the_law() -> None:
    with pytest.raises(DataError, match=r"corpus\.conll:2: 2 columns expected, got 1"):
        rows_of("a O\nb")


def test_one_column_is_too_few() -> None:
    with pytest.raises(DataError, match="2 columns or more expected, got 1"):
        rows_of("a\nb\nc")


tokens = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6)
sentence = st.lists(st.tuples(tokens, st.sampled_from(["O", "B-X", "I-X"])), min_size=1, max_size=6)


@given(st.lists(sentence, min_size=1, max_size=5))
def test_what_is_written_is_read_back(sentences: list[list[tuple[str, str]]]) -> None:
    text = "\n\n".join("\n".join(f"{token}\t{tag}" for token, tag in one) for one in sentences)
    assert words_of(text) == sentences
