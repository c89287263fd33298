"""Whether more data would help: what halving cost, and what may be said of it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from autoft.report.facts import Finalists, MoreData, StudyFacts
from autoft.report.more_data import cost_of_half, more_data_entry, more_data_of, more_data_words
from autoft.report.result import build_result
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import EvaluationRecord, TrialRecord

FINALISTS = Finalists(scores={0: (0.40, 0.41, 0.42, 0.43), 3: (0.60, 0.62, 0.61, 0.63)}, seeds=(1, 2, 3, 4), asked=4)


def found(half: Sequence[float], full: Sequence[float] = (0.60, 0.62, 0.61)) -> MoreData:
    return MoreData(half_rows=50, seeds=tuple(range(1, len(half) + 1)), half=tuple(half), full=tuple(full[: len(half)]))


def run(number: int, index: int, value: float) -> FinalistRun:
    return FinalistRun(number, index, 1 + index, value, rows=50)


def result(entry: dict[str, Any] | None, *, finalists: bool = True) -> dict[str, Any]:
    return {"more_data": entry, "finalists": {"ran": []} if finalists else None}


def test_halves_are_paired_with_the_same_seeds_of_the_winner() -> None:
    halves = [run(3, 0, 0.5), run(3, 2, 0.55), run(0, 1, 0.1), run(3, 7, 0.9)]
    assert more_data_of(3, FINALISTS, halves) == MoreData(
        half_rows=50, seeds=(1, 3), half=(0.5, 0.55), full=(0.60, 0.61)
    )
    assert more_data_of(2, FINALISTS, halves) is None
    assert more_data_of(3, Finalists(), halves) is None
    assert more_data_of(3, FINALISTS, []) is None


def test_the_cost_is_the_mean_difference_judged_like_a_gain() -> None:
    """Equal spreads of 0.01 on three seeds: four degrees of freedom, of which any table has 2.776."""
    cost = cost_of_half(found((0.50, 0.52, 0.51)))
    error = (2 * 0.01**2 / 3) ** 0.5
    assert cost.mean == pytest.approx(0.10)
    assert cost.interval == pytest.approx((0.10 - 2.7764 * error, 0.10 + 2.7764 * error), abs=1e-5)
    assert cost.significant


def test_a_spread_as_large_as_the_cost_is_noise() -> None:
    assert not cost_of_half(found((0.45, 0.62, 0.48))).significant


def test_one_seed_says_nothing_of_the_spread() -> None:
    cost = cost_of_half(found((0.5,)))
    assert (cost.interval, cost.significant) == (None, False)
    assert more_data_entry(found((0.5,)))["half_std"] is None


def test_result_json_has_both_means(facts: StudyFacts) -> None:
    evaluation = EvaluationRecord(9, 9.0, 0.6, 0.5, 0.4, 10.0)
    records = [TrialRecord(0, "complete", 0.6, {"method": "full"}, (evaluation,))]
    shown = build_result(replace(facts, more_data=found((0.50, 0.50, 0.53))), records)["more_data"]
    assert set(shown) == {"half_rows", "half_mean", "half_std", "full_mean", "seeds", "cost", "mishaps"}
    assert shown["half_mean"] == pytest.approx(0.51)
    assert shown["half_std"] == pytest.approx(statistics.stdev((0.50, 0.50, 0.53)))
    assert shown["full_mean"] == pytest.approx(0.61)
    assert (shown["half_rows"], shown["seeds"]) == (50, [1, 2, 3])
    assert build_result(facts, records)["more_data"] is None


@pytest.mark.parametrize(
    ("half", "words"),
    [
        ((0.50, 0.50, 0.53), "instead of 0.6100 (3 fresh seeds): halving cost 0.1000 (95\N{NO-BREAK SPACE}% interval "),
        ((0.50, 0.50, 0.53), ", more than noise. As a rule of thumb, doubling the data would gain less than that."),
        ((0.45, 0.62, 0.48), ", which may be noise. As a rule of thumb, doubling"),
        ((0.5,), "(1 fresh seed): halving cost 0.1000, which may be noise."),
        ((0.60, 0.63, 0.61), "halving cost nothing, and more data of this kind is not expected to help."),
    ],
)
def test_the_sentence_says_no_more_than_is_known(half: tuple[float, ...], words: str) -> None:
    assert words in more_data_words(result(more_data_entry(found(half))))


def test_what_time_left_out_is_told() -> None:
    assert "has not been trained on half of its rows" in more_data_words(result(None))
    assert more_data_words(result(None, finalists=False)) == ""
