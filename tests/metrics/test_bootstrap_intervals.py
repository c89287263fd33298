"""Resamples of examples, and intervals over them."""

from __future__ import annotations

import numpy as np
import pytest

from autoft.metrics import resampled_span_scores, strict_span_scores
from autoft.metrics.bootstrap import percentile_interval, resample

TAGS = ("O", "O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC")
OVERALL = {"precision", "recall", "f1", "macro_f1", "accuracy"}


def corpus(sentences: int) -> tuple[list[list[str]], list[list[str]]]:
    """References and predictions of random tags, some of them equal, one sentence without a token."""
    random = np.random.default_rng(5)
    lengths = [0, *random.integers(1, 12, size=sentences - 1)]
    wanted = [[TAGS[i] for i in random.integers(len(TAGS), size=length)] for length in lengths]
    given = [[tag if random.random() < 0.6 else "O" for tag in tags] for tags in wanted]
    return wanted, given


def test_resampled_scores_are_those_of_the_resampled_sentences() -> None:
    wanted, given = corpus(30)
    picks = resample(30, resamples=50, seed=1)
    scores = resampled_span_scores(wanted, given, picks)
    assert set(scores) == OVERALL
    for at, row in enumerate(picks):
        expected = strict_span_scores([wanted[i] for i in row], [given[i] for i in row])
        assert {name: values[at] for name, values in scores.items()} == pytest.approx(
            {name: expected[name] for name in OVERALL}
        )


def test_sentences_without_entities_score_nothing() -> None:
    scores = resampled_span_scores([["O", "O"], ["O"]], [["O", "O"], ["O"]], resample(2, resamples=3, seed=0))
    assert scores["f1"].tolist() == [0.0, 0.0, 0.0]
    assert scores["accuracy"].tolist() == [1.0, 1.0, 1.0]


def test_equal_seeds_draw_alike_and_others_do_not() -> None:
    first = resample(20, resamples=5, seed=3)
    assert (first == resample(20, resamples=5, seed=3)).all()
    assert (first != resample(20, resamples=5, seed=4)).any()
    assert first.shape == (5, 20)
    assert first.min() >= 0
    assert first.max() < 20


def test_nothing_to_resample_is_empty() -> None:
    assert resample(0, resamples=4, seed=0).shape == (4, 0)


def test_the_interval_leaves_a_fortieth_at_each_end() -> None:
    assert percentile_interval(np.arange(1001) / 1000) == pytest.approx((0.025, 0.975))


def test_five_hundred_sentences_take_less_than_a_breath() -> None:
    """A resample at a time would take some ten seconds; this bounds the work, not the machine."""
    wanted, given = corpus(500)
    scores = resampled_span_scores(wanted, given, resample(500, resamples=1000, seed=0))
    low, high = percentile_interval(scores["f1"])
    assert low < strict_span_scores(wanted, given)["f1"] < high
