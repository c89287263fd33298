"""Question answering from rows to answers: what is asked, what is decided on dev, what a user gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from autoft.data.answer_windows import Question
from autoft.data.answers import Answer
from autoft.data.features import Features
from autoft.data.rows import Row
from autoft.errors import DataError
from autoft.tasks.qa import Qa, QaPrediction
from autoft.testing.tasks import sure_scores
from autoft.testing.tiny import tiny_tokenizer

CONTEXT = "anna lives in paris. john works in berlin."
ANNA, PARIS, BERLIN = (CONTEXT.index(word) for word in ("anna", "paris", "berlin"))
TOKENIZER = tiny_tokenizer()
LABELS = ("start", "end")


def row(asked: str, *answers: tuple[str, int], **values: Any) -> Row:
    found = [{"text": text, "start": start} for text, start in answers]
    return Row({"question": asked, "context": CONTEXT, "answers": found, **values}, "dev.json", 3)


def examples_of(*rows: Row) -> list[Question]:
    return [Qa().parse(one) for one in rows]


EXAMPLES = examples_of(
    row("who lives in paris?", ("anna", ANNA)),
    row("where?", ("berlin", BERLIN), ("paris", PARIS)),
    row("who visited york?"),
)
SURE = [QaPrediction(ANNA, ANNA + 4), QaPrediction(BERLIN, BERLIN + 6), QaPrediction()]


def encoded(examples: list[Question], width: int = 64) -> Features:
    return Qa().encode(examples, TOKENIZER, LABELS, width)


def leaning(features: Features, *nothing: float) -> list[npt.NDArray[np.float32]]:
    """Scores that are sure of each label, and say `nothing` of each window besides."""
    outputs = sure_scores(features, 2)
    for scores, value in zip(outputs, nothing, strict=True):
        scores[0] += value / 2
    return outputs


def test_a_row_becomes_an_example() -> None:
    (example,) = examples_of(row("  who? ", ("anna", ANNA)))
    assert example == Question("who?", CONTEXT, (Answer("anna", ANNA),), longest=160)


def test_answers_of_a_text_without_spaces_are_shorter() -> None:
    (example,) = [Qa().parse(Row({"question": "谁？", "context": "梁启文在北京。", "answers": []}, "x", 1))]
    assert example.longest == 60


@pytest.mark.parametrize("field", ["context", "question"])
@pytest.mark.parametrize("value", ["", "  ", 3, None])
def test_question_and_context_are_texts(field: str, value: object) -> None:
    with pytest.raises(DataError, match=rf"^dev\.json:3: '{field}', a text, expected, got"):
        Qa().parse(row("who?", **{field: value}))


def test_an_id_stands_once_in_a_file() -> None:
    good = dict(row("who?").values)
    rows = [Row({**good, "id": name}, "all.json", at) for at, name in enumerate("aba", 1)]
    for splits in ({"train": rows}, {"train": rows[1:], "dev": rows[:1]}):
        with pytest.raises(
            DataError, match=r"^all\.json:[13]: 'id' must differ in a file, got 'a' as in all\.json:[13]$"
        ):
            Qa().normalise(splits)
    Qa().normalise({"train": rows[:2], "dev": [row("who?", id="a")], "test": [row("who?"), row("who?")]})


def test_contexts_that_splits_share_are_counted() -> None:
    other = Row({**row("who?").values, "context": "john works."}, "dev.json", 9)
    _, notices = Qa().normalise({"train": [row("who?")], "dev": [row("where?"), row("why?"), other], "test": [other]})
    assert [(notice.text.partition(":")[0], notice.count) for notice in notices] == [("dev", 2)]
    assert Qa().normalise({"train": [row("who?")], "dev": [other]})[1] == []


def test_an_id_that_stands_twice_hides_no_other_fault() -> None:
    rows = [row("who?", id="a"), row("who?", ("anna", ANNA + 1), id="a")]
    with pytest.raises(DataError) as caught:
        Qa().normalise({"dev": rows})
    first, second = caught.value.problems
    assert "'id' must differ" in first
    assert second.endswith(f"it occurs once, at {ANNA}")


def test_a_corpus_without_questions_is_told_once_a_file() -> None:
    rows = [Row({"tokens": ["a"], "tags": ["O"]}, "train.conll", number) for number in (1, 4)]
    with pytest.raises(DataError) as caught:
        Qa().normalise({"train": rows, "dev": [row("who?")]})
    assert caught.value.problems == (
        "train.conll:1: fields 'context', 'question' and 'answers' expected, got tokens, tags",
    )


def test_questions_are_counted_by_whether_they_have_an_answer() -> None:
    assert Qa().label_counts(EXAMPLES) == {"answerable": 2, "unanswerable": 1}
    assert Qa().label_counts(EXAMPLES[:2]) == {"answerable": 2}


def test_the_floor_is_what_silence_scores() -> None:
    silence = Qa().score(EXAMPLES, [QaPrediction()] * 3)
    assert Qa().floor("f1", EXAMPLES) == silence["f1"] == silence["exact_match"] == 1 / 3
    assert Qa().floor("exact_match", EXAMPLES[:2]) == 0.0


def test_overlap_is_of_question_and_context() -> None:
    first, second, _ = EXAMPLES
    assert Qa().text(first) != Qa().text(second)
    assert {first.question, first.context} == set(Qa().text(first).split("\n"))


def test_every_reference_counts() -> None:
    scores = Qa().score(EXAMPLES, [SURE[0], QaPrediction(PARIS, PARIS + 5), QaPrediction()])
    assert scores["exact_match"] == 1.0


@pytest.mark.parametrize(
    ("nothing", "decision", "answered"),
    [
        (1.9, {}, True),
        (2.0, {}, False),
        (3.0, {"threshold": 1.5}, True),
        (3.5, {"threshold": 1.5}, False),
        (99.0, {"always": 1.0}, True),
    ],
)
def test_no_answer_is_given_from_the_threshold_on(
    nothing: float, decision: Mapping[str, float], answered: bool
) -> None:
    features = encoded(EXAMPLES[:1])
    (prediction,) = Qa().decode(leaning(features, nothing), features, LABELS, decision)
    assert prediction == (SURE[0] if answered else QaPrediction())


def test_no_answer_is_as_likely_as_in_the_window_that_says_it_least() -> None:
    features = encoded(EXAMPLES[:1], width=16)
    assert len(features) > 1
    low = [9.0] * len(features)
    low[-1] = -1.0
    assert Qa().decode(leaning(features, *low), features, LABELS, {}) == SURE[:1]
    assert Qa().decode(leaning(features, *[9.0] * len(features)), features, LABELS, {}) == [QaPrediction()]


@pytest.mark.parametrize("metric", Qa.metrics)
def test_the_threshold_is_tuned_where_some_questions_have_no_answer(metric: str) -> None:
    features = encoded(EXAMPLES)
    # By itself no answer is likeliest everywhere, but by more where that is right.
    outputs = leaning(features, 4.0, 5.0, 8.0)
    task = Qa().about(EXAMPLES)
    decision = task.tune(outputs, features, EXAMPLES, LABELS, metric)
    assert set(decision) == {"threshold"}
    assert task.decode(outputs, features, LABELS, {}) == [QaPrediction()] * 3
    assert task.decode(outputs, features, LABELS, decision) == SURE
    json.dumps(decision, allow_nan=False)


def test_where_every_question_has_an_answer_one_is_always_given() -> None:
    examples = EXAMPLES[:2]
    features = encoded(examples)
    outputs = leaning(features, 99.0, 99.0)
    decision = Qa().tune(outputs, features, examples, LABELS, "f1")
    assert Qa().decode(outputs, features, LABELS, decision) == SURE[:2]


def test_each_metric_has_its_own_threshold() -> None:
    half = row("who?", ("anna lives in paris", 0))
    examples = examples_of(row("why?"), half, half, half, row("how?"))
    features = encoded(examples)
    outputs = [np.full((length, 2), -9.0, np.float32) for length in features.lengths]
    first = int(np.flatnonzero(features.columns["spans"][0].reshape(-1, 2)[:, 0] == 0)[0])
    # No answer scores 0, "anna" 12 where that is wrong, 10 where it is half right, and -4 where it is wrong again.
    for scores, value in zip(outputs, (6.0, 5.0, 5.0, 5.0, -2.0), strict=True):
        scores[0], scores[first] = 0.0, value
    found = {name: Qa().tune(outputs, features, examples, LABELS, name)["threshold"] for name in Qa.metrics}
    assert found == {"f1": -3.0, "exact_match": -13.0}


def test_an_answer_holds_candidates_with_offsets_and_probabilities() -> None:
    _, context = Qa().read_input({"question": "who?", "context": CONTEXT, "id": "x"})
    features = encoded(EXAMPLES[:1])
    (prediction,) = Qa().decode(leaning(features, 1.0), features, LABELS, {})
    answer = Qa().answer(prediction, context)
    assert answer["question"] == "who?"
    assert answer["answer"] == {"text": "anna", "start": ANNA, "end": ANNA + 4}
    assert answer["candidates"][0].items() >= answer["answer"].items()
    assert [CONTEXT[one["start"] : one["end"]] for one in answer["candidates"]] == [
        one["text"] for one in answer["candidates"]
    ]
    chances = [one["probability"] for one in answer["candidates"]]
    assert chances == sorted(chances, reverse=True)
    assert 0 < sum(chances) < 1
    (sure,) = Qa().decode(leaning(features, 1.0), features, LABELS, {"always": 1.0})
    assert sum(share for _, share in sure.candidates) == pytest.approx(1.0)


def test_no_answer_is_null() -> None:
    _, context = Qa().read_input({"question": "who?", "context": ""})
    assert Qa().answer(QaPrediction(), context) == {"question": "who?", "answer": None, "candidates": []}
    # What the predictor says of inputs that nothing can be read of.
    assert Qa().answer((), context)["answer"] is None  # type: ignore[arg-type]


def test_a_candidate_stays_where_no_answer_is_given() -> None:
    features = encoded(EXAMPLES[:1])
    (prediction,) = Qa().decode(leaning(features, 3.0), features, LABELS, {})
    assert prediction == QaPrediction()
    assert Qa().answer(prediction, ("who?", CONTEXT))["candidates"][0]["text"] == "anna"


@pytest.mark.parametrize("record", ["who lives in paris?", {"question": "who?"}, {"question": 1, "context": "x"}])
def test_input_without_both_texts_is_told(record: Any) -> None:
    with pytest.raises(DataError, match=r"^input: an object with 'question' and 'context', both texts, expected, got"):
        Qa().read_input(record)


def notices_of(examples: list[Question], width: int) -> dict[str, int]:
    features = encoded(examples, width)
    return {notice.text.partition(" ")[0]: notice.count for notice in Qa().inspect(examples, features, TOKENIZER)}


def test_a_corpus_that_fits_has_nothing_to_be_told() -> None:
    assert notices_of(EXAMPLES, 64) == {}


def test_windows_and_cut_questions_are_counted() -> None:
    long = examples_of(row("who lives in paris and works? " * 9, ("anna", ANNA)), row("who?", ("anna", ANNA)))
    features = encoded(long, 16)
    assert len(features) > 2
    assert notices_of(long, 16) == {"windows": len(features) - 2, "questions": 1}


def test_answers_that_no_tokens_give_are_counted() -> None:
    inside = examples_of(row("who?", ("nna", ANNA + 1)), row("who?", ("anna", ANNA)))
    assert notices_of(inside, 64) == {"answers": 1}
    parted = examples_of(row("who?", (CONTEXT, 0)))
    assert notices_of(parted, 12)["answers"] == 1
    context = "anna " * 40
    long = Question("who?", context, (Answer(context[:199], 0),), longest=160)
    assert notices_of([long], 64)["answers"] == 1


def test_unknown_tokens_are_counted() -> None:
    unknown = Question("ωψ?", "ωψ ωψ ωψ", (Answer("ωψ", 0),), longest=160)
    assert notices_of([unknown], 64) == {"50%": 4}
