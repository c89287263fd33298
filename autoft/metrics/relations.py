"""Scores of relations: F1 without the class that stands for no relation, and the official F1 of SemEval-2010 task 8.

Micro F1 is what TACRED's scorer gives, `semeval_f1` what the scorer of SemEval-2010 task 8 calls official: (9+1)-way,
with directions taken into account (Hendrickx et al. 2010).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autoft.metrics.counts import mean_f1, shares_of

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

NO_RELATION = frozenset({"other", "no_relation", "no-relation", "na", "none"})
"""Names of the class that stands for no relation, in lower case."""

_DIRECTED = re.compile(r"(?P<name>.+)\(e[12],e[12]\)")


def is_no_relation(label: str) -> bool:
    """Return whether a label stands for no relation: it is one of `NO_RELATION`, whatever its case."""
    return label.lower() in NO_RELATION


def relation_scores(references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """Return how well relations are found; what is no relation counts as such nowhere but in `accuracy`.

    `precision`, `recall` and `f1` count all relations alike (micro); `macro_f1` is the mean of the relations' F1;
    `accuracy` is the share of equal labels. `semeval_f1` takes `Name(e1,e2)` and `Name(e2,e1)` for one relation Name
    in two directions: right is what has the right direction, and F1 is 2 right / (predicted + references), both in
    either direction; it is the mean over the relations. Labels of another form are relations of one direction, so
    that without directions it equals `macro_f1`. Both means are over what occurs in references or predictions. Each
    relation X that occurs has `precision.X`, `recall.X`, `f1.X` and `support.X`. A division by zero gives 0.

    Args:
        references: Label of each example, [N].
        predictions: The same for the predictions, [N].

    Raises:
        ValueError: If there are more of one than of the other.
    """
    both = _match(references, predictions)
    counts = _count(both, np.ones((1, len(both.wanted))))
    scores = {name: float(values[0]) for name, values in _overall(both, counts).items()}
    right, got, support = (count[0] for count in counts)
    precision, recall, f1 = shares_of(right, got), shares_of(right, support), shares_of(2 * right, got + support)
    for number in np.flatnonzero(both.relations & (got + support > 0)):
        label = both.labels[number]
        scores[f"precision.{label}"] = float(precision[number])
        scores[f"recall.{label}"] = float(recall[number])
        scores[f"f1.{label}"] = float(f1[number])
        scores[f"support.{label}"] = float(support[number])
    return scores


def resampled_relation_scores(
    references: Sequence[str], predictions: Sequence[str], picks: IntArray
) -> dict[str, FloatArray]:
    """Return the metrics over all relations of `relation_scores` for each resample of the examples, [R].

    Args:
        references: Label of each example, [N].
        predictions: The same for the predictions, [N].
        picks: Which examples each resample holds, [R, N].

    Raises:
        ValueError: As `relation_scores`.
    """
    both = _match(references, predictions)
    times = np.stack([np.bincount(row, minlength=len(both.wanted)) for row in picks])  # [R, N]
    return _overall(both, _count(both, times.astype(np.float64)))


@dataclass(frozen=True, slots=True)
class _Match:
    """References and predictions side by side.

    Attributes:
        labels: Every label that occurs, C of them.
        wanted: Number of each reference's label, [N].
        given: Number of each prediction's label, [N].
        relations: Which labels are relations, [C].
        undirected: Which labels each undirected relation has, as 0 and 1, [C, U].
    """

    labels: list[str]
    wanted: IntArray
    given: IntArray
    relations: npt.NDArray[np.bool_]
    undirected: FloatArray


def _match(references: Sequence[str], predictions: Sequence[str]) -> _Match:
    if len(references) != len(predictions):
        raise ValueError(f"{len(references)} references but {len(predictions)} predictions")
    labels = sorted({*references, *predictions})
    numbers = {label: number for number, label in enumerate(labels)}
    wanted, given = (
        np.fromiter((numbers[label] for label in some), dtype=np.int64, count=len(some))
        for some in (references, predictions)
    )
    relations = np.array([not is_no_relation(label) for label in labels], dtype=bool)
    names = [_undirected(label) for label in labels]
    groups = sorted({name for name, counts in zip(names, relations, strict=True) if counts})
    undirected = np.array([float(name == group) for name in names for group in groups])
    return _Match(labels, wanted, given, relations, undirected.reshape(len(labels), len(groups)))


def _undirected(label: str) -> str:
    directed = _DIRECTED.fullmatch(label)
    return directed["name"] if directed else label


def _count(both: _Match, times: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is right, what is predicted and what there is of each label, [R, C] each.

    Args:
        both: References and predictions, of N examples.
        times: How often each resample holds each example, [R, N].
    """
    each = np.eye(len(both.labels))
    right = each[both.wanted] * (both.wanted == both.given)[:, None]
    return times @ right, times @ each[both.given], times @ each[both.wanted]


def _overall(both: _Match, counts: tuple[FloatArray, FloatArray, FloatArray]) -> dict[str, FloatArray]:
    """Return the metrics over all relations, [R] each, from counts of each label, [R, C] each."""
    total, correct = counts[2].sum(1), counts[0].sum(1)
    right, got, support = (count[:, both.relations] for count in counts)
    return {
        "precision": shares_of(right.sum(1), got.sum(1)),
        "recall": shares_of(right.sum(1), support.sum(1)),
        "f1": shares_of(2 * right.sum(1), got.sum(1) + support.sum(1)),
        "macro_f1": mean_f1(right, got, support),
        "accuracy": shares_of(correct, total),
        "semeval_f1": mean_f1(*(count @ both.undirected for count in counts)),
    }
