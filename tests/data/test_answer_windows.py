"""Contexts in windows: characters are kept, answers are labelled where they are whole, the best span is the best."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.answer_windows import (
    KEPT,
    Candidate,
    Question,
    best_gap,
    encode_windows,
    find_answers,
    sure_outputs,
)
from autoft.data.answers import Answer
from autoft.data.features import END, IGNORED, START, Features
from autoft.models import heads
from autoft.testing.tiny import TOKENIZERS

MADE = {name: make() for name, make in TOKENIZERS.items()}
tokenizers = st.sampled_from(sorted(TOKENIZERS))
# Letters of several scripts, from the right too, marks that combine, emoji of several code points, and odd spaces.
PIECES = (
    "the ",
    "anna",
    "Zoë",
    "Zoe\u0308",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "กรุงเทพ",
    "東京",
    "👩‍👩‍👧",
    "🇩🇪",
    " ",
    "\u3000",
    "\n",
    "1984",
    "x-",
    "“",
    "．",
)
contexts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
widths = st.integers(16, 60)


def asked(context: str, answer: tuple[int, int] | None = None, question: str = "who is it") -> Question:
    answers = (Answer(context[answer[0] : answer[1]], answer[0]),) if answer else ()
    return Question(question, context, answers, longest=1000)


def spans_of(features: Features) -> list[npt.NDArray[np.int64]]:
    return [flat.reshape(-1, 2) for flat in features.columns["spans"]]


def shown(context: str, kind: str, width: int) -> set[int]:
    """Characters of the context that the tokens of its windows stand for."""
    found: set[int] = set()
    for spans in spans_of(encode_windows([asked(context)], MADE[kind], width)):
        real = spans[spans[:, 0] >= 0]
        assert (np.diff(real, axis=0) >= 0).all()
        assert (real[:, 0] < real[:, 1]).all()
        for start, end in real:
            assert not context[start].isspace()
            assert not context[end - 1].isspace()
            found |= set(range(start, end))
    return found


@given(contexts, widths, tokenizers)
def test_windows_show_every_character_that_the_tokenizer_reads(context: str, width: int, kind: str) -> None:
    found = shown(context, kind, width)
    assert found == shown(context, kind, 500)
    # WordPiece drops joiners and parts marks from their letters.
    if kind != "wordpiece":
        assert found >= {at for at, letter in enumerate(context) if not letter.isspace()}


@given(contexts, st.data(), tokenizers)
def test_an_answer_that_tokens_can_give_is_given_with_its_characters(context: str, data: Any, kind: str) -> None:
    whole = encode_windows([asked(context)], MADE[kind], 500)
    (spans,) = spans_of(whole)
    places = np.flatnonzero(spans[:, 0] >= 0)
    if not len(places):
        return
    first = data.draw(st.integers(0, len(places) - 1))
    last = data.draw(st.integers(first, len(places) - 1))
    answer = int(spans[places[first], 0]), int(spans[places[last], 1])
    features = encode_windows([asked(context, answer)], MADE[kind], 500)
    (found,) = find_answers(sure_outputs(features), features)
    assert (found.candidates[0].start, found.candidates[0].end) == answer
    assert found.gap < 0


@given(contexts, st.data(), tokenizers)
def test_any_answer_is_inside_of_what_is_labelled(context: str, data: Any, kind: str) -> None:
    visible = [at for at, letter in enumerate(context) if not letter.isspace()]
    if not visible:
        return
    start = data.draw(st.sampled_from(visible))
    end = data.draw(st.sampled_from([at for at in visible if at >= start])) + 1
    features = encode_windows([asked(context, (start, end))], MADE[kind], 500)
    (found,) = find_answers(sure_outputs(features), features)
    if found.gap < 0:
        assert found.candidates[0].start <= start
        assert found.candidates[0].end >= end


@given(contexts, widths, tokenizers, st.data())
def test_each_window_labels_one_first_and_one_last_token(context: str, width: int, kind: str, data: Any) -> None:
    visible = [at for at, letter in enumerate(context) if not letter.isspace()]
    answer = None
    if visible and data.draw(st.booleans()):
        start = data.draw(st.sampled_from(visible))
        answer = start, data.draw(st.sampled_from([at for at in visible if at >= start])) + 1
    features = encode_windows([asked(context, answer)], MADE[kind], width)
    assert features.lengths.max() <= width
    for labels, spans in zip(features.columns["labels"], spans_of(features), strict=True):
        (first,), (last,) = np.flatnonzero(labels & START), np.flatnonzero(labels & END)
        if first == 0:
            assert last == 0
            continue
        assert answer
        assert spans[first][0] <= answer[0] < spans[first][1]
        assert spans[last][0] < answer[1] <= spans[last][1]


def test_a_window_that_shows_a_part_of_the_answer_says_nothing() -> None:
    context = "a b c d e f g h i j k l"
    # Question, 3 special tokens, and 8 tokens of the context, of which 2 are shared.
    features = encode_windows([asked(context, (10, 15), question="q")], MADE["wordpiece"], 12)
    texts = [context[spans[spans[:, 0] >= 0][0, 0] : spans[-2, 1]] for spans in spans_of(features)]
    assert texts == ["a b c d e f g h", "g h i j k l"]
    nothing = [int(labels[0]) == START | END for labels in features.columns["labels"]]
    assert nothing == [False, True]


def test_the_first_answer_that_is_whole_is_labelled() -> None:
    context = "a b c d e f g h i j k l"
    example = Question("q", context, (Answer("a b c d e f g h i j", 0), Answer("h i", 14)), longest=1000)
    features = encode_windows([example], MADE["wordpiece"], 12)
    labelled = []
    for labels, spans in zip(features.columns["labels"], spans_of(features), strict=True):
        first, last = int(np.flatnonzero(labels & START)[0]), int(np.flatnonzero(labels & END)[0])
        labelled.append(context[spans[first, 0] : spans[last, 1]] if first else "")
    assert labelled == ["", "h i"]


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("width", [10, 16, 64])
def test_a_long_question_is_cut_and_counted(kind: str, width: int) -> None:
    question = "who lives in paris and works in berlin? " * 20
    example = asked("anna lives in paris", (0, 4), question)
    features = encode_windows([example], MADE[kind], width)
    whole = len(MADE[kind](question, add_special_tokens=False)["input_ids"])
    special = MADE[kind].num_special_tokens_to_add(pair=True)
    room = (width - special) // 2
    assert {int(lost[0]) for lost in features.columns["lost"]} == {whole - room}
    assert features.lengths.max() <= width
    found = set(MADE[kind]("anna lives in paris", add_special_tokens=False)["input_ids"])
    assert found <= {int(token) for ids in features.columns["input_ids"] for token in ids}


def test_nothing_is_lost_of_a_question_that_fits() -> None:
    features = encode_windows([asked("anna")], MADE["wordpiece"], 64)
    assert features.columns["lost"][0].tolist() == [0]


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("context", ["", " \n"])
def test_an_empty_context_has_no_answer(kind: str, context: str) -> None:
    features = encode_windows([asked(context)], MADE[kind], 32)
    (found,) = find_answers([np.ones((length, 2), np.float32) for length in features.lengths], features)
    assert found.candidates == ()
    assert found.gap == float("inf")


def test_unlabelled_examples_have_no_target() -> None:
    features = encode_windows([Question("who", "anna", None, 10)], MADE["wordpiece"], 32)
    assert set(features.columns["labels"][0].tolist()) == {IGNORED}


def brute_force(outputs: list[npt.NDArray[np.float32]], features: Features) -> list[Candidate]:
    """All spans of all windows, one after the other, the best first."""
    spans: dict[tuple[int, int], float] = {}
    for scores, flat, longest in zip(outputs, spans_of(features), features.columns["longest"], strict=True):
        for first in range(len(flat)):
            for last in range(first, len(flat)):
                start, end = int(flat[first, 0]), int(flat[last, 1])
                if min(start, flat[last, 0]) >= 0 and end - start <= longest[0]:
                    value = float(scores[first, 0]) + float(scores[last, 1])
                    spans[start, end] = max(value, spans.get((start, end), value))
    return sorted((Candidate(*place, value) for place, value in spans.items()), key=lambda one: -one.score)


@given(contexts, widths, tokenizers, st.integers(1, 30), st.integers(0, 999))
def test_the_best_span_is_the_best_of_all_spans(context: str, width: int, kind: str, longest: int, seed: int) -> None:
    example = Question("who is it", context, (), longest)
    features = encode_windows([example], MADE[kind], width)
    random = np.random.default_rng(seed)
    outputs = [random.normal(size=(length, 2)).astype(np.float32) for length in features.lengths]
    (found,) = find_answers(outputs, features)
    wanted = brute_force(outputs, features)
    assert found.nothing == pytest.approx(min(float(scores[0, 0]) + float(scores[0, 1]) for scores in outputs))
    assert found.candidates[:1] == tuple(wanted[:1])
    assert [one.score for one in found.candidates] == sorted((one.score for one in found.candidates), reverse=True)
    assert len({(one.start, one.end) for one in found.candidates}) == len(found.candidates) <= KEPT


@given(
    st.lists(
        st.tuples(
            st.sampled_from((-2.0, -1.0, 0.0, 0.5, 3.0, float("inf"))), st.sampled_from((0.0, 0.5, 1.0)), st.booleans()
        ),
        min_size=1,
        max_size=9,
    )
)
def test_no_threshold_is_better_than_the_best(cases: list[tuple[float, float, bool]]) -> None:
    gaps = np.array([gap for gap, _, _ in cases])
    answered = np.array([0.0 if nothing else value for _, value, nothing in cases])
    left = np.array([float(nothing) for _, _, nothing in cases])

    def total(threshold: float) -> float:
        return float(np.where(gaps >= threshold, left, answered).sum())

    best = best_gap(gaps, answered, left)
    tried = [-9.0, *(gap + step for gap in gaps if np.isfinite(gap) for step in (-0.01, 0.0, 0.01)), 9.0]
    assert total(best) == pytest.approx(max(total(threshold) for threshold in tried))
    assert np.isfinite(best)


def test_the_threshold_lies_between_what_is_answered_and_what_is_not() -> None:
    gaps, answered, left = (
        np.array([-3.0, 1.0, 2.0, 5.0]),
        np.array([1.0, 1.0, 0.0, 0.0]),
        np.array([0.0, 0.0, 1.0, 1.0]),
    )
    assert best_gap(gaps, answered, left) == 1.5


def test_of_equal_thresholds_the_nearest_to_zero_is_taken() -> None:
    assert abs(best_gap(np.array([-4.0, 1.0, 6.0]), np.ones(3), np.ones(3))) == 1.5
    assert best_gap(np.array([float("inf")]), np.zeros(1), np.ones(1)) == 0.0


def test_labels_are_what_heads_read() -> None:
    assert (IGNORED, START, END) == (heads.IGNORED, heads.START, heads.END)
