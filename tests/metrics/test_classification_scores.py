from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from sklearn.preprocessing import MultiLabelBinarizer

from autoft.metrics import (
    multi_label_scores,
    resampled_multi_label_scores,
    resampled_single_label_scores,
    single_label_scores,
)

LABELS = ["refund", "card.lost", "a b", "0"]
one_label = st.sampled_from(LABELS)
some_labels = st.frozensets(one_label)


def pairs_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, Any]]]:
    return st.lists(st.tuples(values, values), min_size=1, max_size=12)


def sides(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def sklearn_score(name: str, *arguments: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(sklearn_metrics, name)(*arguments, **options)


@given(pairs_of(one_label))
def test_single_label_scores_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    references, predictions = sides(pairs)
    scores = single_label_scores(references, predictions)
    labels = sorted({*references, *predictions})
    each = sklearn_score("precision_recall_fscore_support", references, predictions, labels=labels, zero_division=0)
    assert scores["accuracy"] == pytest.approx(sklearn_score("accuracy_score", references, predictions))
    assert scores["macro_f1"] == pytest.approx(
        sklearn_score("f1_score", references, predictions, average="macro", zero_division=0)
    )
    assert scores["mcc"] == pytest.approx(sklearn_score("matthews_corrcoef", references, predictions), abs=1e-12)
    assert_each_label(scores, labels, each)


@given(pairs_of(some_labels))
def test_multi_label_scores_are_those_of_scikit_learn(pairs: list[tuple[frozenset[str], frozenset[str]]]) -> None:
    references, predictions = sides(pairs)
    scores = multi_label_scores(references, predictions)
    labels = sorted(frozenset().union(*references, *predictions))
    # A table of one column is two classes to scikit-learn.
    assume(len(labels) > 1)
    binary = MultiLabelBinarizer(classes=labels).fit([labels])
    wanted, got = binary.transform(references), binary.transform(predictions)
    each = sklearn_score("precision_recall_fscore_support", wanted, got, zero_division=0)
    for average in ("micro", "macro"):
        expected = sklearn_score("f1_score", wanted, got, average=average, zero_division=0)
        assert scores[f"{average}_f1"] == pytest.approx(expected)
    assert scores["precision"] == pytest.approx(
        sklearn_score("precision_score", wanted, got, average="micro", zero_division=0)
    )
    assert scores["recall"] == pytest.approx(
        sklearn_score("recall_score", wanted, got, average="micro", zero_division=0)
    )
    assert scores["subset_accuracy"] == pytest.approx(np.mean((wanted == got).all(1)))
    assert_each_label(scores, labels, each)


def assert_each_label(scores: dict[str, float], labels: Sequence[str], each: Any) -> None:
    assert [name.removeprefix("f1.") for name in scores if name.startswith("f1.")] == list(labels)
    for number, label in enumerate(labels):
        for name, values in zip(("precision", "recall", "f1", "support"), each, strict=True):
            assert scores[f"{name}.{label}"] == pytest.approx(values[number])


# References, predictions, accuracy, macro F1 and Matthews' correlation, as scikit-learn 1.9.1 gives them.
GOLDEN = [
    ("a b c a b c", "a b c a b c", 1.0, 1.0, 1.0),
    ("a b c a b c", "a c b a b b", 0.5, 0.466667, 0.261116),
    ("a a a a b", "a a a a a", 0.8, 0.444444, 0.0),
    ("a a b b", "b b a a", 0.0, 0.0, -1.0),
    ("a a b b", "a b b c", 0.5, 0.388889, 0.223607),
]


@pytest.mark.parametrize(("references", "predictions", "accuracy", "macro_f1", "mcc"), GOLDEN)
def test_golden_rows(references: str, predictions: str, accuracy: float, macro_f1: float, mcc: float) -> None:
    scores = single_label_scores(references.split(), predictions.split())
    found = (scores["accuracy"], scores["macro_f1"], scores["mcc"])
    assert found == pytest.approx((accuracy, macro_f1, mcc), abs=1e-6)


@given(pairs_of(one_label), st.integers(0, 2**32))
def test_resampled_single_label_scores_are_those_of_each_resample(pairs: list[tuple[str, str]], seed: int) -> None:
    check_resamples(pairs, seed, single_label_scores, resampled_single_label_scores)


@given(pairs_of(some_labels), st.integers(0, 2**32))
def test_resampled_multi_label_scores_are_those_of_each_resample(pairs: list[tuple[Any, Any]], seed: int) -> None:
    check_resamples(pairs, seed, multi_label_scores, resampled_multi_label_scores)


def check_resamples(
    pairs: list[tuple[Any, Any]],
    seed: int,
    score: Callable[..., dict[str, float]],
    resampled: Callable[..., dict[str, Any]],
) -> None:
    references, predictions = sides(pairs)
    picks = np.random.default_rng(seed).integers(0, len(pairs), size=(3, len(pairs)))
    found = resampled(references, predictions, picks)
    for at, row in enumerate(picks):
        expected = score([references[i] for i in row], [predictions[i] for i in row])
        overall = {name for name in expected if "." not in name}
        assert found.keys() == overall
        assert {name: values[at] for name, values in found.items()} == pytest.approx(
            {name: expected[name] for name in overall}, abs=1e-12
        )


@pytest.mark.parametrize("score", [single_label_scores, multi_label_scores])
def test_nothing_scores_zero(score: Callable[..., dict[str, float]]) -> None:
    assert set(score([], []).values()) == {0.0}


@pytest.mark.parametrize("score", [single_label_scores, multi_label_scores])
def test_lengths_that_differ_are_refused(score: Callable[..., dict[str, float]]) -> None:
    with pytest.raises(ValueError, match="1 references but 0 predictions"):
        score(["a"], [])
