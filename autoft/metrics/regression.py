"""Scores of predicted numbers; larger is better for each of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def regression_scores(references: Sequence[float], predictions: Sequence[float]) -> dict[str, float]:
    """Return how well numbers are predicted.

    `spearman` is the correlation of ranks (ties share their mean rank), `pearson` that of the numbers, both 0 where
    one side is constant; `neg_rmse` is the root of the mean squared error, negated.

    Args:
        references: The right number of each example, [N].
        predictions: The predicted one, [N].

    Raises:
        ValueError: If lengths differ.
    """
    everything = np.arange(len(references), dtype=np.int64)[None]
    return {
        name: float(values[0])
        for name, values in resampled_regression_scores(references, predictions, everything).items()
    }


def resampled_regression_scores(
    references: Sequence[float], predictions: Sequence[float], picks: IntArray
) -> dict[str, FloatArray]:
    """Return the metrics of `regression_scores` for each resample of the examples, [R].

    Args:
        references: The right number of each example, [N].
        predictions: The predicted one, [N].
        picks: Which examples each resample holds, [R, N].

    Raises:
        ValueError: If lengths differ.
    """
    if len(references) != len(predictions):
        raise ValueError(f"{len(references)} references but {len(predictions)} predictions")
    if picks.shape[1] == 0:
        return {name: np.zeros(len(picks)) for name in ("spearman", "pearson", "neg_rmse")}
    wanted, given = np.asarray(references, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    return {
        "spearman": _correlation(_ranks(wanted, picks), _ranks(given, picks)),
        "pearson": _correlation(wanted[picks], given[picks]),
        "neg_rmse": 0.0 - np.sqrt(((wanted - given)[picks] ** 2).mean(1)),
    }


def _ranks(values: FloatArray, picks: IntArray) -> FloatArray:
    """Return the rank of each value in its resample, [R, N]; equal ones share the mean of theirs."""
    distinct, codes = np.unique(values, return_inverse=True)
    drawn = codes[picks]
    counts = np.stack([np.bincount(row, minlength=len(distinct)) for row in drawn])
    ranks = np.cumsum(counts, axis=1) - (counts - 1) / 2
    return np.take_along_axis(ranks, drawn, axis=1)


def _correlation(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return Pearson's correlation of each row, [R]; 0 where one side is constant."""
    varies = (np.ptp(first, axis=1) > 0) & (np.ptp(second, axis=1) > 0)
    first, second = (side - side.mean(1, keepdims=True) for side in (first, second))
    length = np.sqrt((first**2).sum(1)) * np.sqrt((second**2).sum(1))
    varies &= length > 0
    found = np.divide((first * second).sum(1), length, out=np.zeros(len(first)), where=varies)
    clipped: FloatArray = np.clip(found, -1.0, 1.0)
    return clipped
