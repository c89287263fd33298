from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import root_mean_squared_error

from autoft.metrics import regression_scores, resampled_regression_scores

# Few values, so that many are equal; halves, so that sums are exact.
numbers = st.integers(-6, 6).map(lambda number: number / 2)
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=15)


@given(pairs)
def test_scores_are_those_of_scipy_and_scikit_learn(found: list[tuple[float, float]]) -> None:
    references, predictions = [one for one, _ in found], [other for _, other in found]
    assume(len(set(references)) > 1 and len(set(predictions)) > 1)
    scores = regression_scores(references, predictions)
    assert scores["spearman"] == pytest.approx(stats.spearmanr(references, predictions).statistic, abs=1e-9)
    assert scores["pearson"] == pytest.approx(stats.pearsonr(references, predictions).statistic, abs=1e-9)
    assert scores["neg_rmse"] == pytest.approx(-root_mean_squared_error(references, predictions))


# References, predictions, and what scipy 1.17.1 and scikit-learn 1.9.1 give them.
GOLDEN = [
    ([1, 2, 3, 4], [1, 2, 3, 4], 1.0, 1.0, 0.0),
    ([1, 2, 3, 4], [4, 3, 2, 1], -1.0, -1.0, -2.236068),
    ([1, 2, 2, 4], [0.5, 1.5, 3, 2], 0.632456, 0.445399, -1.172604),
    ([0, 0, 1, 5], [0, 1, 2, 100], 0.948683, 0.982891, -47.505263),
]


@pytest.mark.parametrize(("references", "predictions", "spearman", "pearson", "neg_rmse"), GOLDEN)
def test_golden_rows(
    references: list[float], predictions: list[float], spearman: float, pearson: float, neg_rmse: float
) -> None:
    scores = regression_scores(references, predictions)
    expected = {"spearman": spearman, "pearson": pearson, "neg_rmse": neg_rmse}
    assert scores == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 3])
def test_a_constant_side_has_no_correlation(constant: float) -> None:
    scores = regression_scores([1.0, 2.0, 4.0], [constant] * 3)
    assert (scores["spearman"], scores["pearson"]) == (0.0, 0.0)
    assert scores["neg_rmse"] < 0


@given(pairs, st.integers(0, 2**32))
def test_resampled_scores_are_those_of_each_resample(found: list[tuple[float, float]], seed: int) -> None:
    references, predictions = [one for one, _ in found], [other for _, other in found]
    picks = np.random.default_rng(seed).integers(0, len(found), size=(3, len(found)))
    resampled = resampled_regression_scores(references, predictions, picks)
    for at, row in enumerate(picks):
        expected = regression_scores([references[i] for i in row], [predictions[i] for i in row])
        assert {name: values[at] for name, values in resampled.items()} == pytest.approx(expected, abs=1e-12)


def test_nothing_scores_zero() -> None:
    assert set(regression_scores([], []).values()) == {0.0}


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="1 references but 0 predictions"):
        regression_scores([1.0], [])
