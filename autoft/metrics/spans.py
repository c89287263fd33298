"""Strict span scores of IOB2 tags: an entity counts if start, end and label are right.

Equal to seqeval's `mode="strict", scheme=IOB2` and nervaluate's `strict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from autoft.metrics.counts import mean_f1, shares_of

IntArray = npt.NDArray[np.int64]

_BEGINS, _CONTINUES = 1, 2


def iob2_spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return start, end (exclusive) and label of each entity.

    Only B- begins an entity; an I- that does not continue one of its own label is ignored.

    Raises:
        ValueError: If a tag is neither `O` nor `B-LABEL` nor `I-LABEL`.
    """
    spans: list[tuple[int, int, str]] = []
    start, label = -1, ""
    for index, tag in enumerate(tags):
        kind, name = _read(tag)
        if start >= 0 and not (kind == _CONTINUES and name == label):
            spans.append((start, index, label))
            start = -1
        if kind == _BEGINS:
            start, label = index, name
    if start >= 0:
        spans.append((start, len(tags), label))
    return spans


def strict_span_scores(references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return how well predicted entities match, over all sequences.

    `precision`, `recall` and `f1` count all entities alike; `macro_f1` is the mean of the labels'
    F1; `accuracy` is the share of equal tags. Each label X that occurs has `precision.X`,
    `recall.X`, `f1.X` and `support.X`. A division by zero gives 0.

    Args:
        references: IOB2 tags of each sequence, [N][T].
        predictions: The same for the predictions, [N][T].

    Raises:
        ValueError: If lengths differ, or a tag is neither `O` nor `B-LABEL` nor `I-LABEL`.
    """
    both = _match(references, predictions)
    right = _count(both.given.labels[both.hits], len(both.labels))
    got = _count(both.given.labels[both.given.starts], len(both.labels))
    support = _count(both.wanted.labels[both.wanted.starts], len(both.labels))
    scores = _overall(right, got, support)
    scores["accuracy"] = float(both.equal.mean()) if len(both.equal) else 0.0
    for number in np.flatnonzero(got + support):
        label = both.labels[number]
        precision, recall, f1 = _ratios(right[number], got[number], support[number])
        scores[f"precision.{label}"] = precision
        scores[f"recall.{label}"] = recall
        scores[f"f1.{label}"] = f1
        scores[f"support.{label}"] = float(support[number])
    return scores


def resampled_span_scores(
    references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], picks: IntArray
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the metrics over all labels of `strict_span_scores` for each resample of the sequences, [R].

    Args:
        references: IOB2 tags of each sequence, [N][T].
        predictions: The same for the predictions, [N][T].
        picks: Which sequences each resample holds, [R, N].

    Raises:
        ValueError: As `strict_span_scores`.
    """
    both = _match(references, predictions)
    count, size = len(both.lengths), len(both.labels)
    owner = np.repeat(np.arange(count), both.lengths)
    times = np.stack([np.bincount(row, minlength=count) for row in picks]).astype(np.float64)  # [R, N]

    def summed(at: IntArray, labels: IntArray) -> npt.NDArray[np.float64]:
        each = np.bincount(owner[at] * size + labels[at], minlength=count * size).reshape(count, size)
        return times @ each.astype(np.float64)  # [R, C]

    right = summed(both.hits, both.given.labels)
    got = summed(both.given.starts, both.given.labels)
    support = summed(both.wanted.starts, both.wanted.labels)
    equal = times @ np.bincount(owner, weights=both.equal, minlength=count)
    return {
        "precision": shares_of(right.sum(1), got.sum(1)),
        "recall": shares_of(right.sum(1), support.sum(1)),
        "f1": shares_of(2 * right.sum(1), got.sum(1) + support.sum(1)),
        "macro_f1": mean_f1(right, got, support),
        "accuracy": shares_of(equal, times @ both.lengths.astype(np.float64)),
    }


@dataclass(frozen=True, slots=True)
class _Entities:
    """Entities of the concatenated sequences.

    Attributes:
        starts: Where each begins, [S].
        ends: Its end at the place where it begins, -1 elsewhere, [T].
        labels: Its label there, -1 elsewhere, [T].
    """

    starts: IntArray
    ends: IntArray
    labels: IntArray


@dataclass(frozen=True, slots=True)
class _Match:
    """References and predictions side by side.

    Attributes:
        labels: Every label that occurs.
        lengths: Of each sequence, [N].
        wanted: The references' entities.
        given: The predictions' entities.
        hits: Where predicted entities begin that are right.
        equal: Where both tags are the same, [T].
    """

    labels: list[str]
    lengths: IntArray
    wanted: _Entities
    given: _Entities
    hits: IntArray
    equal: npt.NDArray[np.bool_]


def _match(references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> _Match:
    lengths = _equal_lengths(references, predictions)
    vocabulary = sorted(set(chain.from_iterable(references)) | set(chain.from_iterable(predictions)))
    read = [_read(tag) for tag in vocabulary]
    labels = sorted({label for _, label in read if label})
    numbers = {label: number for number, label in enumerate(labels)}
    kind_of = np.array([kind for kind, _ in read], dtype=np.int64)
    label_of = np.array([numbers.get(label, -1) for _, label in read], dtype=np.int64)
    codes = {tag: code for code, tag in enumerate(vocabulary)}
    total = int(lengths.sum())
    first = np.zeros(total + 1, dtype=bool)
    first[np.cumsum(lengths) - lengths] = True
    flat = [_flatten(tags, codes, total) for tags in (references, predictions)]
    wanted, given = (_entities(kind_of[tags], label_of[tags], first[:total]) for tags in flat)
    hit = wanted.ends[given.starts] == given.ends[given.starts]
    hit &= wanted.labels[given.starts] == given.labels[given.starts]
    return _Match(labels, lengths, wanted, given, given.starts[hit], flat[0] == flat[1])


def _entities(kinds: IntArray, labels: IntArray, first: npt.NDArray[np.bool_]) -> _Entities:
    total = len(kinds)
    linked = (kinds == _CONTINUES) & ~first
    linked[1:] &= (labels[1:] == labels[:-1]) & (kinds[:-1] > 0)
    # Every entity ends where the next token that is not linked to its neighbour stands.
    breaks = np.append(np.flatnonzero(~linked), total)
    begins = kinds[breaks[:-1]] == _BEGINS
    starts = breaks[:-1][begins]
    ends = np.full(total, -1, dtype=np.int64)
    ends[starts] = breaks[1:][begins]
    at = np.full(total, -1, dtype=np.int64)
    at[starts] = labels[starts]
    return _Entities(starts, ends, at)


def _read(tag: str) -> tuple[int, str]:
    if tag == "O":
        return 0, ""
    if len(tag) < 3 or tag[:2] not in ("B-", "I-"):
        raise ValueError(f"an IOB2 tag expected, got {tag!r}")
    return (_BEGINS if tag[0] == "B" else _CONTINUES), tag[2:]


def _equal_lengths(references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> IntArray:
    if len(references) != len(predictions):
        raise ValueError(f"{len(references)} references but {len(predictions)} predictions")
    wanted = np.array([len(tags) for tags in references], dtype=np.int64)
    given = np.array([len(tags) for tags in predictions], dtype=np.int64)
    different = np.flatnonzero(wanted != given)
    if len(different):
        index = different[0]
        raise ValueError(f"sequence {index}: {wanted[index]} reference tags but {given[index]} predicted ones")
    return wanted


def _flatten(sequences: Sequence[Sequence[str]], codes: dict[str, int], total: int) -> IntArray:
    return np.fromiter(map(codes.__getitem__, chain.from_iterable(sequences)), dtype=np.int64, count=total)


def _count(labels: IntArray, size: int) -> IntArray:
    return np.bincount(labels, minlength=size).astype(np.int64)


def _overall(right: IntArray, got: IntArray, support: IntArray) -> dict[str, float]:
    precision, recall, f1 = _ratios(right.sum(), got.sum(), support.sum())
    seen = np.flatnonzero(got + support)
    each = [_ratios(right[number], got[number], support[number])[2] for number in seen]
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "macro_f1": float(np.mean(each)) if each else 0.0,
    }


def _ratios(right: np.int64, got: np.int64, support: np.int64) -> tuple[float, float, float]:
    """Return precision, recall and F1, which is 2 right / (got + support) without more rounding."""
    both = got + support
    return (
        float(right / got) if got else 0.0,
        float(right / support) if support else 0.0,
        float(2 * right / both) if both else 0.0,
    )
