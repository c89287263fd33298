from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2, Entities

from autoft.metrics import iob2_spans, strict_span_scores

Tags = list[list[str]]

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-creative-work", "I-creative-work"]
tags = st.sampled_from(TAGS)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tags, Tags]:
    lengths = draw(st.lists(st.integers(0, 7), max_size=5))
    both = [[draw(st.lists(tags, min_size=n, max_size=n)) for n in lengths] for _ in range(2)]
    return both[0], both[1]


@st.composite
def well_formed_pairs(draw: st.DrawFn) -> tuple[Tags, Tags]:
    references, predictions = draw(pairs())
    return [well_formed(one) for one in references], [well_formed(one) for one in predictions]


def well_formed(sequence: list[str]) -> list[str]:
    before, done = "", []
    for tag in sequence:
        fits = tag[0] != "I" or tag[2:] == before
        done.append(tag if fits else f"B-{tag[2:]}")
        before = tag[2:]
    return done


def seqeval_scores(references: Tags, predictions: Tags, average: str | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return precision_recall_fscore_support(references, predictions, average=average, scheme=IOB2, zero_division=0)


@given(st.lists(tags, max_size=12))
def test_spans_are_seqevals_strict_ones(sequence: list[str]) -> None:
    expected = [(one.start, one.end, one.tag) for one in Entities([sequence], IOB2).entities[0]]
    assert iob2_spans(sequence) == expected


@given(pairs())
def test_scores_are_seqevals_strict_ones(pair: tuple[Tags, Tags]) -> None:
    references, predictions = pair
    scores = strict_span_scores(references, predictions)
    if not references:
        return
    precision, recall, f1, _ = seqeval_scores(references, predictions, "micro")
    assert scores["precision"] == pytest.approx(precision)
    assert scores["recall"] == pytest.approx(recall)
    assert scores["f1"] == pytest.approx(f1)
    labels = sorted(Entities(references, IOB2).unique_tags | Entities(predictions, IOB2).unique_tags)
    each = seqeval_scores(references, predictions, None)
    named = [name.removeprefix("f1.") for name in scores if name.startswith("f1.")]
    assert named == labels
    for number, label in enumerate(labels):
        for name, values in zip(("precision", "recall", "f1", "support"), each, strict=True):
            assert scores[f"{name}.{label}"] == pytest.approx(values[number])
    if labels:
        assert scores["macro_f1"] == pytest.approx(sum(each[2]) / len(labels))
    if sum(map(len, references)):
        assert scores["accuracy"] == pytest.approx(accuracy_score(references, predictions))


@given(well_formed_pairs())
@settings(max_examples=50)
def test_scores_are_nervaluates_strict_ones(pair: tuple[Tags, Tags]) -> None:
    nervaluate = pytest.importorskip("nervaluate")
    references, predictions = pair
    labels = ["PER", "LOC", "creative-work"]
    if not any(references):
        return
    evaluator = nervaluate.Evaluator(references, predictions, tags=labels, loader="list")
    expected = evaluator.evaluate()["overall"]["strict"]
    scores = strict_span_scores(references, predictions)
    assert scores["precision"] == pytest.approx(expected.precision)
    assert scores["recall"] == pytest.approx(expected.recall)
    assert scores["f1"] == pytest.approx(expected.f1)


@given(pairs())
def test_f1_is_unchanged_when_references_and_predictions_change_places(
    pair: tuple[Tags, Tags],
) -> None:
    there, back = strict_span_scores(*pair), strict_span_scores(pair[1], pair[0])
    for name in there:
        if name.startswith(("f1", "macro", "accuracy")):
            assert there[name] == back[name]
    assert there["precision"] == back["recall"]


@given(pairs())
def test_every_score_is_in_range(pair: tuple[Tags, Tags]) -> None:
    for name, value in strict_span_scores(*pair).items():
        assert value >= 0
        assert value <= 1 or name.startswith("support.")


@given(pairs())
def test_the_order_of_sequences_does_not_matter(pair: tuple[Tags, Tags]) -> None:
    turned = strict_span_scores(pair[0][::-1], pair[1][::-1])
    assert turned == strict_span_scores(*pair)


# References, predictions, and what seqeval 1.2.2 gives them (mode strict, scheme IOB2).
GOLDEN = [
    ("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC", 1.0, 1.0),
    ("B-PER I-PER O B-LOC", "B-PER I-PER O O", 2 / 3, 0.5),
    ("B-PER I-PER O", "B-PER O O", 0.0, 0.0),
    ("B-PER I-PER O", "I-PER I-PER O", 0.0, 0.0),
    ("B-PER I-PER O", "B-LOC I-LOC O", 0.0, 0.0),
    ("B-PER I-PER O", "B-PER I-PER I-LOC", 1.0, 1.0),
    ("B-PER I-PER B-PER", "B-PER I-PER I-PER", 0.0, 0.0),
    ("B-PER B-PER O", "B-PER B-PER I-LOC", 1.0, 1.0),
    ("B-PER O B-LOC O B-LOC", "B-PER O B-PER O B-LOC", 2 / 3, 2 / 3),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "prediction", "f1", "macro_f1"), GOLDEN)
def test_golden_rows(reference: str, prediction: str, f1: float, macro_f1: float) -> None:
    scores = strict_span_scores([reference.split()], [prediction.split()])
    assert scores["f1"] == pytest.approx(f1)
    assert scores["macro_f1"] == pytest.approx(macro_f1)


def test_an_entity_does_not_reach_into_the_next_sequence() -> None:
    scores = strict_span_scores([["B-X"], ["O"]], [["B-X"], ["I-X"]])
    assert scores["f1"] == 1.0


@pytest.mark.parametrize("rows", [[], [[]], [["O", "O"]]])
def test_nothing_to_find_and_nothing_found_is_zero(rows: Tags) -> None:
    scores = strict_span_scores(rows, rows)
    assert (scores["precision"], scores["recall"], scores["f1"], scores["macro_f1"]) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("references", "predictions", "problem"),
    [
        ([["O"]], [], "1 references but 0 predictions"),
        ([["O"], ["O"]], [["O"], []], "sequence 1: 1 reference tags but 0 predicted ones"),
        ([["O"]], [["PER"]], "an IOB2 tag expected, got 'PER'"),
        ([["S-X"]], [["O"]], "an IOB2 tag expected, got 'S-X'"),
        ([["B-"]], [["O"]], "an IOB2 tag expected, got 'B-'"),
    ],
)
def test_what_cannot_be_scored_is_refused(references: Tags, predictions: Tags, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        strict_span_scores(references, predictions)
