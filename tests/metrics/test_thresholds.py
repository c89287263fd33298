from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoft.metrics import constant_scores, multi_label_scores, tune_thresholds

METRICS = ("micro_f1", "macro_f1", "subset_accuracy")
names = st.sampled_from(METRICS)


def drawn(seed: int, count: int = 60, classes: int = 3) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    wanted = random.random((count, classes)) < random.uniform(0.1, 0.6, classes)
    scores = np.where(wanted, 0.5, -0.5) + random.normal(random.uniform(-2, 2, classes), 1.0, (count, classes))
    return scores, wanted


def value(given_: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_], metric: str) -> float:
    sets = [[{str(i) for i in np.flatnonzero(row)} for row in table] for table in (wanted, given_)]
    return multi_label_scores(sets[0], sets[1])[metric]


@given(st.integers(0, 2**32), names)
@settings(max_examples=20, deadline=None)
def test_tuned_thresholds_are_no_worse_than_none_and_than_one_for_all(seed: int, metric: str) -> None:
    scores, wanted = drawn(seed)
    untuned = value(scores > 0, wanted, metric)
    shared = value(scores > tune_thresholds(scores, wanted, metric, enough=1000), wanted, metric)
    own = value(scores > tune_thresholds(scores, wanted, metric, enough=5), wanted, metric)
    assert untuned <= shared <= own


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_own_thresholds_are_the_best_of_all_by_macro_f1(seed: int) -> None:
    scores, wanted = drawn(seed, count=12, classes=2)
    found = tune_thresholds(scores, wanted, "macro_f1", enough=1)
    if not wanted.any(0).all() or wanted.all(0).any():
        return
    mine = value(scores > found, wanted, "macro_f1")
    places = [np.append(column, column.min() - 1) for column in scores.T]
    best = max(value(scores > (one, other), wanted, "macro_f1") for one in places[0] for other in places[1])
    assert mine == pytest.approx(best)


@pytest.mark.parametrize("metric", METRICS)
def test_rare_labels_share_a_threshold(metric: str) -> None:
    scores, wanted = drawn(7, classes=4)
    wanted[:, 0] = np.arange(len(wanted)) < 4
    found = tune_thresholds(scores, wanted, metric, enough=5)
    alone = tune_thresholds(scores, wanted, metric, enough=1000)
    assert len(set(alone)) == 1
    assert found[0] == alone[0]


def test_what_is_right_already_is_left_alone() -> None:
    scores = np.array([[3.0, -2.0], [-1.0, 4.0], [2.0, 1.0]])
    for metric in METRICS:
        assert tune_thresholds(scores, scores > 0, metric, enough=1).tolist() == [0.0, 0.0]


def test_no_threshold_lies_where_rounding_decides() -> None:
    scores = np.array([[1.0], [1.0 + 1e-6], [3.0], [4.0]])
    wanted = np.array([[False], [True], [True], [True]])
    found = tune_thresholds(scores, wanted, "micro_f1", enough=1)
    assert abs(scores - found).min() > 1e-3


def test_no_examples_have_no_thresholds_of_their_own() -> None:
    assert tune_thresholds(np.zeros((0, 2)), np.zeros((0, 2), dtype=bool), "micro_f1", enough=1).tolist() == [0.0, 0.0]


def test_another_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="subset_accuracy expected, got 'f1'"):
        tune_thresholds(np.zeros((2, 1)), np.ones((2, 1), dtype=bool), "f1", enough=1)


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_constant_scores_are_the_best_of_all_sets(seed: int) -> None:
    _, wanted = drawn(seed, count=12, classes=3)
    found = constant_scores(wanted)
    sets = [[bool(number & 1 << bit) for bit in range(3)] for number in range(8)]
    for metric in METRICS:
        values = [value(np.broadcast_to(one, wanted.shape), wanted, metric) for one in sets]
        assert found[metric] == pytest.approx(max(values))
