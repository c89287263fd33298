"""Scores of classified examples: one label each, or a set of labels each.

Equal to scikit-learn's functions of the same names over the labels that occur, with `zero_division=0`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from autoft.metrics.counts import mean_f1, shares_of

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def single_label_scores(references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """Return how well examples with one label each are classified.

    `accuracy` is the share that is right (micro F1 is the same number); `macro_f1` the mean of the labels' F1;
    `mcc` Matthews' correlation for any number of classes (Gorodkin 2004). Each label X that occurs has `precision.X`,
    `recall.X`, `f1.X` and `support.X`. A division by zero gives 0.

    Args:
        references: The right label of each example, [N].
        predictions: The predicted one, [N].

    Raises:
        ValueError: If lengths differ.
    """
    tables = _single(references, predictions)
    once = np.ones((1, len(references)))
    return _first(_single_label(tables.counted(once), once)) | _each_label(tables)


def resampled_single_label_scores(
    references: Sequence[str], predictions: Sequence[str], picks: IntArray
) -> dict[str, FloatArray]:
    """Return the metrics over all labels of `single_label_scores` for each resample of the examples, [R].

    Args:
        references: The right label of each example, [N].
        predictions: The predicted one, [N].
        picks: Which examples each resample holds, [R, N].

    Raises:
        ValueError: If lengths differ.
    """
    times = _times(picks, len(references))
    return _single_label(_single(references, predictions).counted(times), times)


def multi_label_scores(
    references: Sequence[Collection[str]], predictions: Sequence[Collection[str]]
) -> dict[str, float]:
    """Return how well examples with any number of labels are classified.

    `micro_f1`, `precision` and `recall` count all labels of all examples alike; `macro_f1` is the mean of the labels'
    F1; `subset_accuracy` the share of examples whose labels are all right. Each label X that occurs has
    `precision.X`, `recall.X`, `f1.X` and `support.X`. A division by zero gives 0.

    Args:
        references: The right labels of each example, [N].
        predictions: The predicted ones, [N].

    Raises:
        ValueError: If lengths differ.
    """
    tables = _multi(references, predictions)
    once = np.ones((1, len(references)))
    return _first(_multi_label(tables.counted(once), once, tables.equal)) | _each_label(tables)


def resampled_multi_label_scores(
    references: Sequence[Collection[str]], predictions: Sequence[Collection[str]], picks: IntArray
) -> dict[str, FloatArray]:
    """Return the metrics over all labels of `multi_label_scores` for each resample of the examples, [R].

    Args:
        references: The right labels of each example, [N].
        predictions: The predicted ones, [N].
        picks: Which examples each resample holds, [R, N].

    Raises:
        ValueError: If lengths differ.
    """
    tables, times = _multi(references, predictions), _times(picks, len(references))
    return _multi_label(tables.counted(times), times, tables.equal)


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often each label is right, predicted and wanted in each resample, [R, C] each."""

    right: FloatArray
    got: FloatArray
    support: FloatArray

    @property
    def macro_f1(self) -> FloatArray:
        return mean_f1(self.right, self.got, self.support)


@dataclass(frozen=True, slots=True)
class _Tables:
    """References and predictions side by side.

    Attributes:
        labels: Every label that occurs.
        wanted: Which labels each example has, [N, C].
        given: Which are predicted, [N, C].
    """

    labels: list[str]
    wanted: npt.NDArray[np.bool_]
    given: npt.NDArray[np.bool_]

    @property
    def equal(self) -> npt.NDArray[np.bool_]:
        """Where both are the same, [N]."""
        same: npt.NDArray[np.bool_] = (self.wanted == self.given).all(1)
        return same

    def counted(self, times: FloatArray) -> _Counts:
        """Count over the examples of each resample, which holds each example so many times, [R, N]."""
        right, got, support = (
            times @ table.astype(np.float64) for table in (self.wanted & self.given, self.given, self.wanted)
        )
        return _Counts(right, got, support)


def _single(references: Sequence[str], predictions: Sequence[str]) -> _Tables:
    return _multi([(label,) for label in references], [(label,) for label in predictions])


def _multi(references: Sequence[Collection[str]], predictions: Sequence[Collection[str]]) -> _Tables:
    if len(references) != len(predictions):
        raise ValueError(f"{len(references)} references but {len(predictions)} predictions")
    labels = sorted({*chain.from_iterable(references), *chain.from_iterable(predictions)})
    numbers = {label: number for number, label in enumerate(labels)}
    return _Tables(labels, _table(references, numbers), _table(predictions, numbers))


def _table(sets: Sequence[Collection[str]], numbers: dict[str, int]) -> npt.NDArray[np.bool_]:
    table = np.zeros((len(sets), len(numbers)), dtype=bool)
    owner = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    table[owner, [numbers[label] for label in chain.from_iterable(sets)]] = True
    return table


def _times(picks: IntArray, count: int) -> FloatArray:
    """Return how many times each resample holds each example, [R, N]."""
    return np.stack([np.bincount(row, minlength=count) for row in picks]).astype(np.float64)


def _single_label(counts: _Counts, times: FloatArray) -> dict[str, FloatArray]:
    right, total = counts.right.sum(1), times.sum(1)
    both = right * total - (counts.got * counts.support).sum(1)
    spread = (total**2 - (counts.got**2).sum(1)) * (total**2 - (counts.support**2).sum(1))
    return {
        "macro_f1": counts.macro_f1,
        "accuracy": shares_of(right, total),
        "mcc": shares_of(both, np.sqrt(spread)),
    }


def _multi_label(counts: _Counts, times: FloatArray, equal: npt.NDArray[np.bool_]) -> dict[str, FloatArray]:
    right, got, support = counts.right.sum(1), counts.got.sum(1), counts.support.sum(1)
    return {
        "micro_f1": shares_of(2 * right, got + support),
        "macro_f1": counts.macro_f1,
        "subset_accuracy": shares_of(times @ equal.astype(np.float64), times.sum(1)),
        "precision": shares_of(right, got),
        "recall": shares_of(right, support),
    }


def _each_label(tables: _Tables) -> dict[str, float]:
    counts = tables.counted(np.ones((1, len(tables.wanted))))
    right, got, support = counts.right[0], counts.got[0], counts.support[0]
    values = {
        "precision": shares_of(right, got),
        "recall": shares_of(right, support),
        "f1": shares_of(2 * right, got + support),
        "support": support,
    }
    return {
        f"{name}.{label}": float(of[number])
        for number, label in enumerate(tables.labels)
        for name, of in values.items()
    }


def _first(scores: dict[str, FloatArray]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in scores.items()}
