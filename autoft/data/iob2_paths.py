"""Constrained decoding: of all tag sequences that IOB2 allows, the one whose scores are the highest in sum.

The algorithm is Viterbi's (1967). IOB2 has no costs, only laws: `I-X` follows `B-X` or `I-X`. So each class has either
all classes before it or just two, and a step takes C comparisons instead of C².
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_LARGEST = float(np.finfo(np.float32).max)


def iob2_begins(labels: Sequence[str]) -> IntArray:
    """Return for each class `I-X` the number of `B-X`, and -1 for all others, [C].

    Raises:
        ValueError: If a class is no tag of IOB2, or an `I-X` has no `B-X`.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    begins = np.full(len(labels), -1, dtype=np.int64)
    for number, label in enumerate(labels):
        if label != "O" and label[:2] not in ("B-", "I-"):
            raise ValueError(f"classes: tags of IOB2 expected, got {label!r}")
        if label[:2] == "I-":
            begin = f"B{label[1:]}"
            if begin not in numbers:
                raise ValueError(f"classes: {begin!r} expected beside {label!r}, got {', '.join(labels)}")
            begins[number] = numbers[begin]
    return begins


def iob2_follows(labels: Sequence[str]) -> BoolArray:
    """Return which class may follow which, [C, C]: `follows[before, after]`.

    Raises:
        ValueError: As `iob2_begins`.
    """
    begins = iob2_begins(labels)
    classes = np.arange(len(labels))
    follows: BoolArray = (begins < 0)[None, :] | (classes[:, None] == begins) | (classes[:, None] == classes)
    return follows


def best_iob2_paths(scores: Sequence[FloatArray], labels: Sequence[str]) -> list[IntArray]:
    """Return the best valid sequence of classes of each sentence, [T] each.

    No sentence begins with `I-X`, and `I-X` follows `B-X` or `I-X` alone, whatever the scores are: infinite ones are
    read as the largest finite number, and what is no number as the lowest. Of equal sequences one is taken, always
    the same.

    Args:
        scores: Of each class at each word, [T, C] a sentence, such as log-probabilities.
        labels: The classes' names, `O`, `B-X` and `I-X`, [C].

    Raises:
        ValueError: As `iob2_begins`.
    """
    begins = iob2_begins(labels)
    lengths = np.array([len(one) for one in scores], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    # How many sentences still run at each word: sorted by length, they are the first ones.
    running = [int((lengths > at).sum()) for at in range(int(lengths.max(initial=0)))]
    came_from: list[IntArray] = []
    best = np.zeros((len(scores), len(labels)))
    for at, count in enumerate(running):
        here = _finite(np.stack([scores[sentence][at] for sentence in order[:count]]))
        before = best[:count]
        if at == 0:
            came_from.append(np.zeros((count, len(labels)), dtype=np.int64))
            best[:count] = np.where(begins >= 0, -np.inf, here)
        else:
            sources = _sources(before, begins)
            came_from.append(sources)
            best[:count] = np.take_along_axis(before, sources, axis=1) + here
    paths: list[IntArray] = [np.empty(0, dtype=np.int64)] * len(scores)
    for row, sentence in enumerate(order):
        paths[sentence] = _walk_back(int(best[row].argmax()), row, came_from[: lengths[sentence]])
    return paths


def _finite(scores: FloatArray) -> npt.NDArray[np.float64]:
    wide = np.where(np.isnan(scores), -_LARGEST, scores.astype(np.float64))
    return np.clip(wide, -_LARGEST, _LARGEST)


def _sources(before: npt.NDArray[np.float64], begins: IntArray) -> IntArray:
    """Return the best class before each class, [N, C]: of all before `O` and `B-X`, of two before `I-X`."""
    sources = np.repeat(before.argmax(axis=1)[:, None], len(begins), axis=1)
    inside = np.flatnonzero(begins >= 0)
    stays = before[:, inside] > before[:, begins[inside]]
    sources[:, inside] = np.where(stays, inside, begins[inside])
    return sources


def _walk_back(last: int, row: int, came_from: Sequence[IntArray]) -> IntArray:
    path = np.empty(len(came_from), dtype=np.int64)
    for at in range(len(came_from) - 1, -1, -1):
        path[at] = last
        last = int(came_from[at][row, last])
    return path
