from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.spans import align_spans, from_spans
from autoft.data.words import split_words
from autoft.errors import DataError

TEXT = "Anna lives in New York."


def align(spans: Any, text: str = TEXT) -> list[tuple[int, int, str]]:
    return align_spans(text, spans, split_words(text), place="c.jsonl:1")


def problems_of(spans: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        align(spans)
    return [problem.removeprefix("c.jsonl:1: ") for problem in caught.value.problems]


def test_spans_of_characters_become_spans_of_words() -> None:
    spans = [{"start": 14, "end": 22, "label": "LOC"}, {"start": 0, "end": 4, "label": "PER"}]
    assert align(spans) == [(0, 1, "PER"), (3, 5, "LOC")]


def test_spans_may_be_triples() -> None:
    assert align([[0, 4, "PER"], (14, 22, "LOC")]) == [(0, 1, "PER"), (3, 5, "LOC")]


def test_a_span_that_misses_words_is_told_with_the_nearest() -> None:
    assert problems_of([[1, 4, "PER"], [13, 21, "LOC"]]) == [
        "spans must begin and end with words, got 1:4 'nna', the nearest words are 0:4",
        "spans must begin and end with words, got 13:21 ' New Yor', the nearest words are 14:22",
    ]


@pytest.mark.parametrize("ends", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u202b", "\u2067", "\u200b", "\ufeff", "\u200c"])
def test_invisible_marks_at_the_ends_of_a_span_do_not_matter(mark: str, ends: tuple[int, int]) -> None:
    text = f"{mark}שלום{mark} עולם"
    assert align([[1 - ends[0], 5 + ends[1], "X"]], text) == [(0, 1, "X")]


def test_a_span_of_nothing_visible_is_told() -> None:
    with pytest.raises(DataError, match="spans must begin and end with words"):
        align([[0, 1, "X"]], "\u200fשלום")


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("我住在北京。", "北京"),
        ("東京タワーへ行く", "東京タワー"),
        ("ผมอยู่กรุงเทพฯ", "กรุงเทพฯ"),
        ("يعيش محمد في القاهرة، مصر.", "القاهرة"),
        ("אני גר בחיפה, ליד צה״ל.", "צה״ל"),
        ("une e\u0301cole a\u0300 Paris", "e\u0301cole"),
        ("go 👨‍👩‍👧 go", "👨‍👩‍👧"),
        ("𠮷野家で𠮷田が", "𠮷田"),
    ],
)
def test_entities_of_all_scripts_align(text: str, entity: str) -> None:
    start = text.index(entity)
    words = split_words(text)
    [(first, last, label)] = align([[start, start + len(entity), "X"]], text)
    assert (words[first][0], words[last - 1][1], label) == (start, start + len(entity), "X")


@pytest.mark.parametrize("other", [[2, 8, "X"], [0, 4, "PER"], [0, 2, "X"]])
def test_spans_that_overlap_are_told(other: list[Any]) -> None:
    assert any(problem.startswith("spans must not overlap") for problem in problems_of([[0, 4, "PER"], other]))


def test_a_span_inside_the_last_but_one_is_told() -> None:
    problems = problems_of([[0, 13, "A"], [5, 10, "B"], [11, 13, "C"]])
    assert len([problem for problem in problems if "overlap" in problem]) == 2


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        ({"start": 0, "stop": 4, "label": "X"}, "'end' is missing, got start, stop, label"),
        (
            {"start": 0, "end": 4, "labels": "X"},
            "'label' is missing, got start, end, labels, did you mean 'labels'?",
        ),
        (
            {"start": "0", "end": 4, "label": "X"},
            "whole numbers expected as start and end, got '0'",
        ),
        (
            {"start": True, "end": 4, "label": "X"},
            "whole numbers expected as start and end, got True",
        ),
        ({"start": 0, "end": 4, "label": ""}, "a text expected as label, got ''"),
        ([0, 24, "X"], "0 <= start < end <= 23 must hold, got start=0, end=24"),
        ([4, 4, "X"], "0 <= start < end <= 23 must hold, got start=4, end=4"),
        ([-1, 4, "X"], "0 <= start < end <= 23 must hold, got start=-1, end=4"),
        ([0, 4], "start, end and label expected, got [0, 4]"),
    ],
)
def test_a_malformed_span_is_told(span: Any, problem: str) -> None:
    assert problems_of([[14, 22, "LOC"], span]) == [f"span 2: {problem}"]


def test_spans_must_be_a_list() -> None:
    assert problems_of({"start": 0}) == ["a list of spans expected, got dict"]


@pytest.mark.parametrize("spans", [[(0, 3, "X")], [(1, 1, "X")], [(-1, 1, "X")], [(0, 2, "X"), (1, 2, "Y")]])
def test_impossible_token_spans_are_refused(spans: list[tuple[int, int, str]]) -> None:
    with pytest.raises(ValueError, match="span"):
        from_spans(2, spans)


@given(st.text(max_size=40), st.data())
def test_spans_made_of_words_come_back(text: str, data: st.DataObject) -> None:
    words = split_words(text)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(words)), max_size=6)))
    wanted = [(start, end, "X") for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    spans = [[words[start][0], words[end - 1][1], label] for start, end, label in wanted]
    assert align(spans, text) == wanted
