"""The content of result.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autoft.report.facts import Finalists, StudyFacts
from autoft.report.result import best_trial, build_result, paired_gain
from autoft.storage.records import EvaluationRecord, TrialRecord

KEYS = (
    *("study", "task", "metric", "direction", "model", "seed", "plain", "best", "default", "gain"),
    *("test", "trials", "seconds", "data", "versions"),
)


def complete(number: int, value: float) -> TrialRecord:
    evaluation = EvaluationRecord(9, 9.0, value, 0.5, 0.4, 10.0)
    return TrialRecord(number, "complete", value, {"method": "full"}, (evaluation,))


def test_result_has_the_keys_of_its_format_in_order(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    result = build_result(facts, records)
    assert tuple(result) == KEYS
    assert set(result["best"]) == {"trial", "config", "dev", "dev_seeds", "dev_mean", "dev_std"}
    assert set(result["default"]) == set(result["best"])


def test_counts_add_up(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    counts = build_result(facts, records)["trials"]
    assert counts["configurations"] == 30
    assert sum(counts.values()) == 60


def test_result_is_json_without_nan_whatever_is_in_the_records(facts: StudyFacts) -> None:
    records = [complete(0, 0.5), replace(complete(1, 0.6), config={"x": float("nan")})]
    result = build_result(facts, records, test={"best": {"f1": float("inf")}, "opened": []})
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["test"]["best"]["f1"] is None


def test_best_is_the_complete_trial_with_the_best_value(facts: StudyFacts) -> None:
    pruned = replace(complete(3, 0.9), state="pruned")
    best = build_result(facts, [complete(0, 0.5), complete(1, 0.7), pruned])["best"]
    assert (best["trial"], best["dev"], best["dev_seeds"]) == (1, 0.7, [])


def test_lower_number_wins_where_values_are_equal() -> None:
    best = best_trial([complete(2, 0.7), complete(1, 0.7)])
    assert best is not None
    assert best.number == 1


def test_best_is_null_where_nothing_was_completed(facts: StudyFacts) -> None:
    result = build_result(facts, [replace(complete(0, 0.5), state="failed", value=None)])
    assert result["best"] is None
    assert result["gain"] is None


def test_dev_of_a_default_that_was_not_completed_is_null(facts: StudyFacts) -> None:
    result = build_result(facts, [replace(complete(0, 0.5), state="running"), complete(1, 0.4)])
    assert result["default"]["dev"] is None


def test_gain_is_null_before_the_finalists_ran(facts: StudyFacts) -> None:
    assert build_result(facts, [complete(0, 0.5), complete(1, 0.7)])["gain"] is None


def test_finalist_with_the_best_mean_is_the_best(facts: StudyFacts) -> None:
    records = [complete(0, 0.5), complete(1, 0.7), complete(2, 0.8)]
    finalists = Finalists(scores={0: (0.5, 0.5), 1: (0.66, 0.64), 2: (0.6, 0.58)}, seconds=30.0)
    result = build_result(facts, records, finalists)
    assert result["best"]["trial"] == 1
    assert result["best"]["dev_seeds"] == [0.66, 0.64]
    assert result["best"]["dev_mean"] == pytest.approx(0.65)
    assert result["gain"]["mean"] == pytest.approx(0.15)
    assert result["seconds"]["finalists"] == 30.0


def test_paired_gain_has_the_interval_of_students_t() -> None:
    # scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem) of the differences.
    gain = paired_gain((0.62, 0.60, 0.65, 0.61, 0.63), (0.60, 0.59, 0.60, 0.61, 0.60))
    assert gain["ci95"] == pytest.approx([-0.00188, 0.04588], abs=2e-5)
    assert gain["significant"] is False


def test_gain_of_one_seed_is_never_significant() -> None:
    assert paired_gain((0.9,), (0.1,)) == {
        "mean": pytest.approx(0.8),
        "ci95": None,
        "significant": False,
    }


def test_finalists_must_share_their_seeds() -> None:
    with pytest.raises(ValueError, match="must share their seeds"):
        Finalists(scores={0: (0.5,), 1: (0.5, 0.6)})


def test_model_is_the_one_that_the_best_trial_took(facts: StudyFacts) -> None:
    records = [replace(complete(0, 0.5), config={"model": "org/large"})]
    assert build_result(facts, records)["model"] == "org/large"
