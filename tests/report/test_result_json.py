"""The content of result.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autoft.report.facts import Finalists, StudyFacts
from autoft.report.result import best_trial, build_result, compared_finalists
from autoft.report.words import stop_words
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import EvaluationRecord, StopRecord, TrialRecord
from autoft.study.config import BudgetConfig

KEYS = (
    *("study", "task", "metric", "direction", "model", "seed", "plain", "best", "default", "gain", "finalists"),
    *("test", "trials", "seconds", "data", "versions", "audit", "stopped", "more_data", "time"),
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
    best = best_trial([complete(2, 0.7), complete(1, 0.7)], Finalists())
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
    result = build_result(replace(facts, finalists=finalists), records)
    assert result["best"]["trial"] == 1
    assert result["best"]["dev_seeds"] == [0.66, 0.64]
    assert result["best"]["dev_mean"] == pytest.approx(0.65)
    assert result["gain"]["mean"] == pytest.approx(0.15)
    assert result["seconds"]["finalists"] == 30.0


def test_a_default_that_wins_gains_exactly_nothing_and_the_others_stand_beside(facts: StudyFacts) -> None:
    finalists = Finalists(scores={0: (0.5, 0.6), 1: (0.4, 0.4)}, seeds=(1, 2), asked=2)
    result = build_result(replace(facts, finalists=finalists), [complete(0, 0.5), complete(1, 0.7)])
    assert result["best"]["trial"] == 0
    assert result["gain"] == {"mean": 0.0, "ci95": [0.0, 0.0], "significant": False}
    assert [(one["trial"], one["dev"]) for one in result["finalists"]["ran"]] == [(0, 0.5), (1, 0.7)]
    assert result["finalists"]["ran"][0]["gain"] is None
    assert result["finalists"]["ran"][1]["gain"]["mean"] == pytest.approx(-0.15)
    assert result["finalists"]["seeds"] == [1, 2]


def test_the_default_wins_where_means_are_equal(facts: StudyFacts) -> None:
    finalists = Finalists(scores={0: (0.5, 0.6), 1: (0.6, 0.5)})
    result = build_result(replace(facts, finalists=finalists), [complete(0, 0.5), complete(1, 0.7)])
    assert result["best"]["trial"] == 0


def test_without_a_default_there_is_no_gain(facts: StudyFacts) -> None:
    finalists = Finalists(scores={1: (0.5, 0.6), 2: (0.6, 0.7)})
    records = [replace(complete(0, 0.5), state="pruned"), complete(1, 0.7), complete(2, 0.6)]
    result = build_result(replace(facts, finalists=finalists), records)
    assert (result["best"]["trial"], result["gain"]) == (2, None)


RECORDS = [complete(number, value) for number, value in enumerate((0.1, 0.5, 0.9, 0.8))]
RECORDS = [replace(one, config={"x": one.number}) for one in RECORDS]
BUDGET = BudgetConfig(finalists=2, seeds=3)


def ran(seeds: dict[int, tuple[float, ...]]) -> list[FinalistRun]:
    return [
        FinalistRun(number, index, 1 + index, value)
        for number, values in seeds.items()
        for index, value in enumerate(values)
    ]


def test_only_whole_seeds_are_compared() -> None:
    found = compared_finalists(RECORDS, ran({0: (0.1, 0.2), 2: (0.3, 0.4), 3: (0.5,)}), BUDGET)
    assert found.scores == {0: (0.1,), 2: (0.3,), 3: (0.5,)}
    assert (found.seeds, found.asked) == ((1,), 3)


def test_nothing_is_compared_before_a_seed_is_whole() -> None:
    assert compared_finalists(RECORDS, ran({0: (0.1,), 2: (0.3,)}), BUDGET).scores == {}
    assert compared_finalists(RECORDS, [], BUDGET).scores == {}


def test_earlier_finalists_that_ran_on_every_seed_are_compared_too() -> None:
    full = (0.1, 0.2, 0.3)
    found = compared_finalists(RECORDS, ran({0: full, 1: full, 2: full, 3: full}), BUDGET)
    assert sorted(found.scores) == [0, 1, 2, 3]


def test_earlier_finalists_stand_until_those_of_today_have_a_whole_seed() -> None:
    full = (0.1, 0.2, 0.3)
    found = compared_finalists(RECORDS, ran({0: full, 1: full}), BUDGET)
    assert sorted(found.scores) == [0, 1]


def test_a_search_that_asks_for_no_finalists_compares_none() -> None:
    full = (0.1, 0.2, 0.3)
    assert compared_finalists(RECORDS, ran({0: full, 2: full, 3: full}), replace(BUDGET, finalists=0)).scores == {}


def test_a_run_that_diverged_counts_and_is_told() -> None:
    runs = [*ran({0: (0.1,), 2: (0.3,)}), FinalistRun(3, 0, 1, 0.0, "pruned", "the loss is no number")]
    found = compared_finalists(RECORDS, runs, BUDGET)
    assert found.scores[3] == (0.0,)
    assert found.mishaps == ("trial 3, seed 1: pruned, the loss is no number; it counts with 0.0000",)


def test_finalists_must_share_their_seeds() -> None:
    with pytest.raises(ValueError, match="must share their seeds"):
        Finalists(scores={0: (0.5,), 1: (0.5, 0.6)})


def test_model_is_the_one_that_the_best_trial_took(facts: StudyFacts) -> None:
    records = [replace(complete(0, 0.5), config={"model": "org/large"})]
    assert build_result(facts, records)["model"] == "org/large"


def test_a_search_that_stopped_by_itself_says_why(facts: StudyFacts) -> None:
    stopped = replace(facts, stop=StopRecord(37, 20, 0.0012, 0.0155), asked=50)
    result = build_result(stopped, [complete(0, 0.5)])
    assert result["stopped"] == {"begun": 37, "window": 20, "gain": 0.0012, "noise": 0.0155, "asked": 50}
    assert stop_words(result) == (
        "Stopped by itself after 37 of 50 configurations: the latest 20 gained 0.0012, "
        "less than the standard error of the best score, 0.0155."
    )
