"""Thresholds of scores above which a label is predicted, chosen on labelled examples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Rounding moves scores by less; a threshold in a narrower gap would decide by noise.
_NARROW = 1e-4
_MOST = 200
_FARTHEST = 15.0


def tune_thresholds(scores: FloatArray, wanted: BoolArray, metric: str, *, enough: int) -> FloatArray:
    """Return the threshold of each label, [C]: one for all, and a label's own where it occurs often enough.

    A label's own threshold is chosen one label after the other, each given the others (Fan and Lin 2007, A Study on
    Threshold Selection for Multi-label Classification); for rare labels that overfits, so they share one. Among
    thresholds that are equally good the one nearest to 0 is taken.

    Args:
        scores: Of each label, 0 where it is as likely as not, [N, C].
        wanted: Which labels each example has, [N, C].
        metric: What is to be large: `micro_f1`, `macro_f1` or `subset_accuracy`.
        enough: Examples with a label, and as many without it, from which on it has a threshold of its own.
    """
    if not wanted.size:
        return np.zeros(wanted.shape[1])
    shared = _places(scores.ravel())
    common = _nearest(shared, np.array([_value(scores > place, wanted, metric) for place in shared]))
    found = np.full(wanted.shape[1], common)
    often = np.minimum(wanted.sum(0), (~wanted).sum(0)) >= enough
    for label in np.flatnonzero(often):
        places = np.unique(np.append(_places(scores[:, label]), found[label]))
        above = scores[:, [label]] > places
        found[label] = _nearest(places, _values_of_one(above, scores > found, wanted, int(label), metric))
    return found


def constant_scores(wanted: BoolArray) -> dict[str, float]:
    """Return the best that one set of labels for all examples scores, by each metric that thresholds are tuned for.

    Args:
        wanted: Which labels each example has, [N, C].
    """
    names = ("micro_f1", "macro_f1", "subset_accuracy")
    occurs = wanted[:, wanted.any(0)]
    if not occurs.size:
        return dict.fromkeys(names, 0.0)
    # The best set by micro F1 holds the most frequent labels, by macro F1 all.
    frequent = occurs[:, np.argsort(-occurs.sum(0), kind="stable")]
    sets = np.tri(frequent.shape[1], dtype=bool)
    micro = max(_value(np.broadcast_to(one, frequent.shape), frequent, "micro_f1") for one in sets)
    macro = _value(np.ones_like(occurs), occurs, "macro_f1")
    _, counts = np.unique(wanted, axis=0, return_counts=True)
    return dict(zip(names, (micro, macro, float(counts.max() / len(wanted))), strict=True))


def _places(scores: FloatArray) -> FloatArray:
    """Return where a threshold may lie: 0, the middles of gaps, and outside all scores."""
    rising = np.unique(scores)
    wide = np.diff(rising) > _NARROW
    middles = ((rising[1:] + rising[:-1]) / 2)[wide]
    if len(middles) > _MOST:
        middles = middles[np.linspace(0, len(middles) - 1, _MOST).round().astype(np.int64)]
    outside = [rising[0] - 1.0, rising[-1] + 1.0]
    return np.unique(np.clip(np.concatenate([[0.0], middles, outside]), -_FARTHEST, _FARTHEST))


def _nearest(places: FloatArray, values: FloatArray) -> float:
    best = places[values == values.max()]
    return float(best[np.abs(best).argmin()])


def _values_of_one(above: BoolArray, given: BoolArray, wanted: BoolArray, label: int, metric: str) -> FloatArray:
    """Return what rises and falls with the metric as the threshold of one label moves, [K].

    Args:
        above: Where the label is predicted by each of its thresholds, [N, K].
        given: What is predicted by the thresholds so far, [N, C].
        wanted: Which labels each example has, [N, C].
        label: Which it is.
        metric: What is to be large.
    """
    mine, others = wanted[:, [label]], np.arange(wanted.shape[1]) != label
    if metric == "subset_accuracy":
        rest = (given == wanted)[:, others].all(1)
        equal: FloatArray = ((above == mine) & rest[:, None]).mean(0)
        return equal
    right, both = (above & mine).sum(0), above.sum(0) + mine.sum()
    if metric == "micro_f1":
        right = right + (given & wanted)[:, others].sum()
        both = both + given[:, others].sum() + wanted[:, others].sum()
    values: FloatArray = 2 * right / np.maximum(1, both)
    return values


def _value(given: BoolArray, wanted: BoolArray, metric: str) -> float:
    if metric == "subset_accuracy":
        return float((given == wanted).all(1).mean())
    right, both = (given & wanted).sum(0), given.sum(0) + wanted.sum(0)
    if metric == "micro_f1":
        return float(2 * right.sum() / max(1, both.sum()))
    if metric == "macro_f1":
        return float(np.sum(2 * right / np.maximum(1, both)) / max(1, (both > 0).sum()))
    raise ValueError(f"micro_f1, macro_f1 or subset_accuracy expected, got {metric!r}")
