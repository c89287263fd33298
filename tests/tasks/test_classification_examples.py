from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoft.data import Row
from autoft.errors import DataError
from autoft.tasks.classification import Classification, TextAnswer, TextExample
from autoft.testing.tiny import tiny_tokenizer

LABELS = ("a", "b", "c")


def read(*values: dict[str, Any]) -> tuple[Classification, list[TextExample]]:
    task = Classification()
    splits, _ = task.normalise({"train": [Row(value, "x.jsonl", at) for at, value in enumerate(values, 1)]})
    examples = [task.parse(row) for row in splits["train"]]
    return task.about(examples), examples


@pytest.mark.parametrize(
    ("values", "head", "labels", "metric"),
    [
        ([{"label": "b"}, {"label": "a"}], "sequence-classification", ("a", "b"), "macro_f1"),
        ([{"label": 1}, {"label": 0}], "sequence-classification", ("0", "1"), "macro_f1"),
        ([{"labels": ["b"]}, {"labels": []}], "multi-label-classification", ("b",), "micro_f1"),
        ([{"score": 1}, {"score": 3}], "regression", ("score",), "spearman"),
        ([{"label": 1.5}, {"label": 3}], "regression", ("score",), "spearman"),
    ],
)
def test_the_rows_say_what_is_asked(
    values: list[dict[str, Any]], head: str, labels: tuple[str, ...], metric: str
) -> None:
    task, examples = read(*({"text": f"text {at}", **value} for at, value in enumerate(values)))
    assert (task.head, task.labels(examples), task.metric) == (head, labels, metric)
    assert task.metric in task.metrics
    assert set(task.metrics) <= set(Classification.metrics)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"label": "a"}, "train: at least two labels expected, got a"),
        ({"score": 2}, "train: scores that differ expected, got 2 only"),
    ],
)
def test_nothing_to_tell_apart_is_an_error(value: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError) as caught:
        read({"text": "one", **value}, {"text": "two", **value})
    assert caught.value.problems == (problem,)


def test_scores_are_learned_in_units_of_their_spread() -> None:
    task, examples = read(*({"text": f"text {score}", "score": score} for score in (100, 300, 500)))
    targets = task.encode(examples, tiny_tokenizer(), ("score",), 64).targets["labels"]
    assert targets[:, 0].tolist() == pytest.approx([-math.sqrt(1.5), 0.0, math.sqrt(1.5)])
    outputs = [np.array([value], np.float32) for value in (-1.0, 0.0)]
    found = task.decode(outputs, task.encode([], tiny_tokenizer(), ("score",), 64), ("score",), {})
    assert [one.value for one in found] == pytest.approx([300 - task.spread, 300])
    folded = task.fold(("score",), {})
    assert folded is not None
    assert (folded.scale, folded.shift) == ((task.spread,), (300.0,))


def test_a_label_of_the_test_split_alone_is_no_class() -> None:
    task = Classification()
    features = task.encode([TextExample("x", None, "a"), TextExample("y", None, "new")], tiny_tokenizer(), LABELS, 64)
    assert features.targets["labels"].tolist() == [0, -100]


def test_a_pair_is_encoded_with_its_types() -> None:
    task = Classification()
    features = task.encode([TextExample("anna lives", "in paris", "a")], tiny_tokenizer(), LABELS, 64)
    tokens = tiny_tokenizer().convert_ids_to_tokens(features.columns["input_ids"][0])
    assert tokens == ["[CLS]", "anna", "lives", "[SEP]", "in", "paris", "[SEP]"]
    assert features.columns["token_type_ids"][0].tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert "token_type_ids" in features.padding
    assert "token_type_ids" not in task.encode([TextExample("anna", None, "a")], tiny_tokenizer(), LABELS, 64).columns


def test_the_longer_text_of_a_pair_is_cut_first_and_it_is_told() -> None:
    task, tokenizer = Classification(), tiny_tokenizer()
    examples = [TextExample("anna lives in new york", "paris", "a"), TextExample("anna", "paris", "b")]
    features = task.encode(examples, tokenizer, LABELS, 6)
    assert tokenizer.convert_ids_to_tokens(features.columns["input_ids"][0])[1:3] == ["anna", "lives"]
    assert [int(column[0]) for column in features.columns["cut"]] == [3, 0]
    words = [notice.words for notice in task.inspect(examples, features, tokenizer)]
    assert words == ["texts longer than the model reads at once are cut at their end (1)"]


def test_texts_of_two_labels_and_unknown_tokens_are_told() -> None:
    task, tokenizer = Classification(), tiny_tokenizer()
    examples = [TextExample("anna 中", None, "a"), TextExample("anna 中", None, "b"), TextExample("john", None, "a")]
    features = task.encode(examples, tokenizer, LABELS, 64)
    unknown, twofold = (notice.words for notice in task.inspect(examples, features, tokenizer))
    assert unknown.startswith("18% of the tokens are unknown to the tokenizer: take a base model")
    assert twofold == "texts that occur with different labels (1)"


def constants(task: Classification, examples: list[TextExample], labels: tuple[str, ...]) -> list[list[TextAnswer]]:
    """Return answers that are the same for all examples: every class, set of classes, or score."""
    if task.head == "regression":
        values: list[Any] = [example.target for example in examples] + [task.centre]
    elif task.head == "multi-label-classification":
        values = [tuple(x for at, x in enumerate(labels) if number & 1 << at) for number in range(2 ** len(labels))]
    else:
        values = list(labels)
    return [[TextAnswer(value)] * len(examples) for value in values]


targets = st.one_of(
    st.lists(st.fixed_dictionaries({"label": st.sampled_from(LABELS)}), min_size=2, max_size=12),
    st.lists(
        st.fixed_dictionaries({"labels": st.lists(st.sampled_from(LABELS), unique=True)}), min_size=2, max_size=12
    ),
    st.lists(st.fixed_dictionaries({"score": st.integers(-5, 5)}), min_size=2, max_size=12),
)


@given(targets)
@settings(max_examples=60, deadline=None)
def test_no_constant_answer_stands_above_the_floor_and_one_reaches_it(found: list[dict[str, Any]]) -> None:
    try:
        task, examples = read(*({"text": f"text {at}", **value} for at, value in enumerate(found)))
    except DataError:
        return
    labels = task.labels(examples)
    if not labels:
        return
    scores = [task.score(examples, answers) for answers in constants(task, examples, labels)]
    for metric in task.metrics:
        assert max(score[metric] for score in scores) == pytest.approx(task.floor(metric, examples), abs=1e-12)


@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1", "subset_accuracy"])
def test_thresholds_tuned_on_scores_that_say_nothing_stay_at_the_floor(metric: str) -> None:
    task, examples = read(*({"text": str(at), "labels": ["a"] if at % 3 else ["a", "b"]} for at in range(30)))
    features = task.encode(examples, tiny_tokenizer(), ("a", "b"), 64)
    outputs = [np.array([0.3, -0.2], np.float32)] * 30
    decision = task.tune(outputs, features, examples, ("a", "b"), metric)
    score = task.score(examples, task.decode(outputs, features, ("a", "b"), decision))[metric]
    assert score <= task.floor(metric, examples) + 1e-12


def test_thresholds_are_probabilities_above_which_labels_are_predicted() -> None:
    task, examples = read(*({"text": str(at), "labels": ["a"] if at < 25 else []} for at in range(50)))
    features = task.encode(examples, tiny_tokenizer(), ("a",), 64)
    outputs = [np.array([-1.0 if at < 25 else -3.0], np.float32) for at in range(50)]
    decision = task.tune(outputs, features, examples, ("a",), "micro_f1")
    assert decision == {"threshold.a": pytest.approx(1 / (1 + math.exp(2.0)))}
    found = task.decode(outputs, features, ("a",), decision)
    assert [one.value for one in found] == [example.target for example in examples]
    assert found[0].scores["a"] == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert task.decode(outputs, features, ("a",), {})[0].value == ()
    assert task.tune(outputs, features, examples, ("a",), "micro_f1") == decision


def test_raw_input_is_a_text_a_pair_or_nothing() -> None:
    task = Classification()
    assert task.read_input("anna")[0] == TextExample("anna")
    assert task.read_input({"text": "anna", "text_pair": "john", "label": "x"})[0] == TextExample("anna", "john")
    assert task.read_input({"premise": "anna", "hypothesis": "john"})[0] == TextExample("anna", "john")
    example, context = task.read_input(" ")
    assert task.text(example).strip() == ""
    assert task.answer(task.nothing, context) == {"text": " ", "label": None, "scores": {}}
    with pytest.raises(DataError, match=r"^input: 'text_pair': some text expected, got 3"):
        task.read_input({"text": "anna", "text_pair": 3})


def test_a_model_trained_on_pairs_refuses_a_single_text_and_the_other_way_round() -> None:
    single, _ = read({"text": "anna", "label": "a"}, {"text": "john", "label": "b"})
    paired, _ = read(*({"text": "anna", "text_pair": "john", "label": label} for label in "ab"))
    again = [Classification(task.head, **task.asked) for task in (single, paired)]
    one, two = "paris", {"text": "paris", "text_pair": "berlin"}
    assert again[0].read_input(one)[0] == TextExample("paris")
    assert again[1].read_input(two)[0] == TextExample("paris", "berlin")
    with pytest.raises(DataError, match=r"^input: one text expected.*got 'berlin' as a second, leave it out$"):
        again[0].read_input(two)
    with pytest.raises(DataError, match=r"^input: a pair of texts expected.*got 'paris' alone, give .* 'text_pair'$"):
        again[1].read_input(one)


@pytest.mark.parametrize(
    ("head", "nothing"),
    [("multi-label-classification", {"labels": [], "scores": {}}), ("regression", {"score": None})],
)
def test_where_there_is_nothing_to_read_nothing_is_predicted(head: str, nothing: dict[str, Any]) -> None:
    task = Classification(head)
    assert task.answer(task.nothing, {"text": ""}) == {"text": "", **nothing}


def test_answers_begin_with_the_most_probable_label() -> None:
    answer = Classification().answer(TextAnswer("b", {"a": 0.2, "b": 0.7, "c": 0.1}), {"text": "x"})
    assert list(answer["scores"]) == ["b", "a", "c"]
    assert answer["label"] == "b"
