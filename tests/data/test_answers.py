"""Answers of a row are spans of its context, or it is said what is wrong and where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.answers import Answer, read_answers
from autoft.data.rows import Row
from autoft.errors import DataError

CONTEXT = "👩‍👩‍👧 Anna met Ben; Ben left."
ANNA = CONTEXT.index("Anna")
FIRST_BEN, SECOND_BEN = CONTEXT.index("Ben"), CONTEXT.rindex("Ben")


def answers_of(answers: Any, **values: Any) -> tuple[Answer, ...]:
    return read_answers(Row({"answers": answers, **values}, "train.jsonl", 4), CONTEXT)


def problem_of(answers: Any, **values: Any) -> str:
    with pytest.raises(DataError) as caught:
        answers_of(answers, **values)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    "answers",
    [
        [{"text": "Anna", "start": ANNA}, {"text": "Ben", "start": SECOND_BEN}],
        [{"text": "Anna", "answer_start": ANNA}, {"text": "Ben", "answer_start": SECOND_BEN}],
        {"text": ["Anna", "Ben"], "answer_start": [ANNA, SECOND_BEN]},
        [{"text": "Anna", "start": ANNA}, {"text": "Ben", "start": SECOND_BEN}, {"text": "Anna", "start": ANNA}],
    ],
)
def test_every_form_says_the_same(answers: Any) -> None:
    assert answers_of(answers) == (Answer("Anna", ANNA), Answer("Ben", SECOND_BEN))


@pytest.mark.parametrize("answers", [[], {"text": [], "answer_start": []}])
@pytest.mark.parametrize("values", [{}, {"is_impossible": True}, {"is_impossible": None}])
def test_no_answers_are_an_answer_too(answers: Any, values: Any) -> None:
    assert answers_of(answers, **values) == ()


@given(st.text(min_size=1).filter(str.strip), st.text(), st.text())
def test_a_span_of_any_text_is_read_without_the_space_around_it(text: str, before: str, after: str) -> None:
    row = Row({"answers": [{"text": text, "start": len(before)}]}, "train.jsonl", 1)
    (answer,) = read_answers(row, before + text + after)
    assert (before + text + after)[answer.start : answer.end] == answer.text == text.strip()


def test_a_wrong_offset_is_told_with_the_right_one() -> None:
    # As counted in UTF-16 or in bytes.
    assert problem_of([{"text": "Anna", "start": ANNA + 3}]) == (
        f"train.jsonl:4: 'answers': answer 'Anna' expected at character {ANNA + 3} of the context, "
        f"got 'a me', it occurs once, at {ANNA}"
    )


def test_a_text_that_occurs_twice_is_told_with_both_places() -> None:
    problem = problem_of([{"text": "Ben"}], id="q7")
    assert problem == (
        "train.jsonl:4: question 'q7': 'answers': answer 'Ben' expected at character None of the context, "
        f"it occurs at {FIRST_BEN}, {SECOND_BEN}"
    )


def test_a_text_that_does_not_occur_is_told() -> None:
    assert problem_of([{"text": "Eve", "start": 3}]).endswith("of the context, it does not occur in it")
    assert problem_of([{"text": "ANNA", "start": 3}]).endswith("it does not occur in it, only in other case")


@pytest.mark.parametrize("start", [-len(CONTEXT) + ANNA, True, "5", 5.0, None])
def test_an_offset_is_a_number_from_zero(start: object) -> None:
    assert f"expected at character {start} of the context" in problem_of([{"text": "Anna", "start": start}])


@pytest.mark.parametrize(
    "answers",
    ["Anna", 3, None, ["Anna"], [{}], {"text": "Anna", "answer_start": 5}, {"text": ["a"], "answer_start": []}],
)
def test_other_forms_are_told(answers: object) -> None:
    problem = problem_of(answers)
    assert problem.startswith("train.jsonl:4: 'answers': a list of {")
    assert problem.endswith(f"expected, got {str(answers)[:60]}")


@pytest.mark.parametrize("text", ["", " ", None, 3])
def test_an_answer_has_a_text(text: object) -> None:
    assert problem_of([{"text": text, "start": 0}]) == f"train.jsonl:4: 'answers': a text expected, got {str(text)!r}"


def test_missing_answers_are_told() -> None:
    with pytest.raises(DataError, match=r"^train\.jsonl:4: 'answers' expected, an empty list where .*, got none$"):
        read_answers(Row({}, "train.jsonl", 4), CONTEXT)


@pytest.mark.parametrize(("impossible", "answers"), [(True, [{"text": "Anna", "start": ANNA}]), (False, [])])
def test_a_question_that_contradicts_itself_is_told(impossible: bool, answers: Any) -> None:
    problem = problem_of(answers, is_impossible=impossible)
    assert problem.endswith(f"'is_impossible' is {str(impossible).lower()} but 'answers' has {len(answers)}")


def test_every_wrong_answer_is_told() -> None:
    with pytest.raises(DataError) as caught:
        answers_of([{"text": "Eve", "start": 0}, {"text": "Anna", "start": ANNA}, {"text": "Ben", "start": 0}])
    assert len(caught.value.problems) == 2
