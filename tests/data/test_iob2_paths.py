from __future__ import annotations

import itertools
import time
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autoft.data.iob2_paths import best_iob2_paths, iob2_begins, iob2_follows
from autoft.data.tagging import recognise, to_iob2

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
# Whole numbers: sums have no rounding, so that what brute force finds is found to the last bit, ties included.
WHOLE = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 5), st.just(len(LABELS))), elements=st.integers(-3, 3).map(float)
)
WIDE = st.floats(width=32, allow_nan=True, allow_infinity=True)
ANY = arrays.arrays(np.float32, st.tuples(st.integers(0, 8), st.just(len(LABELS))), elements=WIDE)


def is_valid(path: Iterable[int]) -> bool:
    tags = [LABELS[number] for number in path]
    return to_iob2(tags, "IOB2") == tags


def valid_paths(length: int) -> list[tuple[int, ...]]:
    return [path for path in itertools.product(range(len(LABELS)), repeat=length) if is_valid(path)]


@given(st.lists(WHOLE, min_size=1, max_size=4))
def test_no_valid_sequence_has_a_higher_sum(scores: list[np.ndarray]) -> None:
    for one, path in zip(scores, best_iob2_paths(scores, LABELS), strict=True):
        sums = [one[np.arange(len(one)), list(other)].sum() for other in valid_paths(len(one))]
        assert one[np.arange(len(one)), path].sum() == max(sums)


@given(st.lists(ANY, max_size=5))
def test_every_sequence_is_valid_whatever_the_scores_are(scores: list[np.ndarray]) -> None:
    paths = best_iob2_paths(scores, LABELS)
    assert [len(path) for path in paths] == [len(one) for one in scores]
    assert all(is_valid(path) for path in paths)


@given(st.lists(ANY, min_size=1, max_size=5))
def test_a_sentence_among_others_gets_what_it_gets_alone(scores: list[np.ndarray]) -> None:
    together = best_iob2_paths(scores, LABELS)
    alone = [best_iob2_paths([one], LABELS)[0] for one in scores]
    assert [path.tolist() for path in together] == [path.tolist() for path in alone]


def test_where_the_best_classes_are_valid_they_are_the_path() -> None:
    wanted = [1, 2, 2, 0, 3, 1, 2, 0]
    scores = np.eye(5, dtype=np.float32)[wanted]
    assert best_iob2_paths([scores], LABELS)[0].tolist() == wanted


def test_an_entity_that_begins_inside_is_mended_by_the_whole_sentence() -> None:
    """I-PER is sure of itself: the word before becomes its beginning, because that costs less than giving it up."""
    scores = np.array([[0.1, 0, -9, -9, -9], [0, 0, 5, -9, -9]], dtype=np.float32)
    assert best_iob2_paths([scores], LABELS)[0].tolist() == [1, 2]


def test_the_order_of_the_classes_does_not_matter() -> None:
    labels = ("I-LOC", "B-PER", "O", "I-PER", "B-LOC")
    assert iob2_begins(labels).tolist() == [4, -1, -1, 1, -1]
    scores = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    [path] = best_iob2_paths([scores[:, [LABELS.index(label) for label in labels]]], labels)
    [wanted] = best_iob2_paths([scores], LABELS)
    assert [labels[number] for number in path] == [LABELS[number] for number in wanted]


def test_what_may_follow_is_what_the_tag_reader_leaves_alone() -> None:
    follows = iob2_follows(LABELS)
    for before, after in itertools.product(range(len(LABELS)), repeat=2):
        lead = [LABELS[before].replace("I-", "B-"), LABELS[before]] if LABELS[before][0] == "I" else [LABELS[before]]
        tags = [*lead, LABELS[after]]
        assert follows[before, after] == (to_iob2(tags, "IOB2") == tags)
        assert not follows[before, after] or recognise([tags]) == "IOB2"


@pytest.mark.parametrize(
    ("labels", "law"),
    [(("O", "E-PER"), "tags of IOB2 expected"), (("O", "I-PER"), "'B-PER' expected"), (("O", "X"), "tags of IOB2")],
)
def test_classes_that_are_no_iob2_are_refused(labels: tuple[str, ...], law: str) -> None:
    with pytest.raises(ValueError, match=law):
        best_iob2_paths([np.zeros((2, 2), np.float32)], labels)


def test_a_corpus_takes_a_moment() -> None:
    labels = ("O", *(f"{part}-{number}" for number in range(14) for part in "BI"))
    random = np.random.default_rng(0)
    scores = [random.normal(size=(100, len(labels))).astype(np.float32) for _ in range(350)]
    started = time.process_time()
    best_iob2_paths(scores, labels)
    # 0.15 s on one core of two; a step a class pair would take seconds.
    assert time.process_time() - started < 1.5
