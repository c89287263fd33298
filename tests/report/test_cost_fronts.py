"""Dev score against what it costs: fronts, limits, and how both are said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.report.cost_parts import fronts, limits
from autoft.report.facts import DataFacts, Finalists, StudyFacts
from autoft.report.front import cost_words, front_info, limit_words
from autoft.report.result import best_trial, build_result
from autoft.report.words import gain_words
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.study.aims import AimsConfig

FACTS = StudyFacts(name="s", task="ner", metric="f1", model="m", data=DataFacts(origin="o", train=1, dev=1))


def complete(number: int, value: float, cost: float, measure: str = "memory") -> TrialRecord:
    evaluation = EvaluationRecord(9, 9.0, value, 0.5, 0.4, 10.0)
    return TrialRecord(number, "complete", value, {"method": "full"}, (evaluation,), facts={measure: cost})


def numbers(records: Sequence[TrialRecord], measure: str = "memory") -> list[int]:
    return [point.number for point in front_info(FACTS, records, measure).front]


def test_a_front_holds_what_no_other_beats_without_costing_more() -> None:
    records = [complete(0, 0.5, 300), complete(1, 0.6, 400), complete(2, 0.4, 350), complete(3, 0.3, 100)]
    assert numbers(records) == [3, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), max_size=12))
def test_everything_off_the_front_is_beaten_by_something_on_it(points: list[tuple[int, int]]) -> None:
    records = [complete(number, value / 10, cost) for number, (value, cost) in enumerate(points)]
    info = front_info(FACTS, records, "memory")
    assert len(info.front) + len(info.others) == len(records)
    costs, values = [p.cost for p in info.front], [p.value for p in info.front]
    assert costs == sorted(set(costs))
    assert values == sorted(set(values))
    for other in info.others:
        assert any(p.value >= other.value and p.cost <= other.cost for p in info.front)


def test_latencies_within_the_noise_of_measuring_are_equal() -> None:
    records = [complete(0, 0.5, 6.0, "latency"), complete(1, 0.6, 6.2, "latency"), complete(2, 0.4, 3.0, "latency")]
    assert numbers(records, "latency") == [2, 1]


def test_of_equal_trials_the_first_stands() -> None:
    assert numbers([complete(4, 0.5, 100), complete(2, 0.5, 100), complete(7, 0.5, 90)]) == [7]
    assert numbers([complete(4, 0.5, 100), complete(2, 0.5, 100)]) == [2]


def test_what_is_not_complete_or_breaks_a_limit_is_on_no_front() -> None:
    broken = replace(complete(0, 0.9, 900), constraints={"max_memory": 0.5})
    pruned = replace(complete(1, 0.8, 100), state="pruned")
    unmeasured = replace(complete(2, 0.7, 1), facts={})
    info = front_info(FACTS, [broken, pruned, unmeasured, complete(3, 0.4, 200)], "memory")
    assert [point.number for point in info.front] == [3]
    assert info.default is not None
    assert info.default.cost == 900


def test_result_has_a_front_only_where_it_is_asked_for() -> None:
    records = [complete(0, 0.5, 300), complete(1, 0.6, 400)]
    assert "front" not in build_result(FACTS, records)
    asked = replace(FACTS, aims=AimsConfig(minimize=("memory", "latency")))
    assert build_result(asked, records)["front"] == {
        "memory": [{"trial": 0, "dev": 0.5, "memory": 300}, {"trial": 1, "dev": 0.6, "memory": 400}],
        "latency": [],
    }


def test_the_best_breaks_no_limit() -> None:
    broken = replace(complete(0, 0.9, 900), constraints={"max_memory": 0.5})
    best = best_trial([broken, complete(1, 0.4, 100)], Finalists())
    assert best is not None
    assert best.number == 1


def test_a_default_that_breaks_a_limit_is_told() -> None:
    facts = replace(FACTS, aims=AimsConfig(max_memory=600))
    broken = replace(complete(0, 0.9, 900), constraints={"max_memory": 0.5})
    over = replace(broken, number=1, state="infeasible", value=None, evaluations=())
    assert limit_words(facts, [broken, over]) == (
        "Limits: memory at most 600 MiB. 1 configuration broke one and was not trained.",
        "The default breaks a limit (memory 900 MiB, at most 600 MiB allowed): it is the reference, and cannot be the "
        "best.",
    )
    words = gain_words(build_result(facts, [broken, over]))
    assert words.startswith("No configuration that meets the limits was completed, so there is no model yet.")
    assert "The default, which breaks one, reached dev f1 0.9000" in words


def test_out_of_memory_on_the_device_is_no_limit_of_the_study() -> None:
    facts = replace(FACTS, aims=AimsConfig(max_memory=600))
    full = TrialRecord(1, "infeasible", None, {}, constraints={"max_memory": -0.1, "memory": 1.0})
    assert limit_words(facts, [full])[0].endswith("0 configurations broke one and were not trained.")


def test_without_limits_nothing_is_said(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(12)
    assert (limit_words(facts, records), str(limits(facts, records)), str(fronts(facts, records, 0))) == ((), "", "")


def test_costs_in_a_line() -> None:
    words = "22.7M parameters, 6.4 ms a sequence, 380 MiB to train"
    assert cost_words({"latency": 6.4, "memory": 380.0, "parameters": 22_700_000}) == words
    assert cost_words({}) == ""


def test_a_front_in_the_report_marks_the_best_and_shows_the_default() -> None:
    records = [complete(0, 0.5, 900), complete(1, 0.6, 400), complete(2, 0.3, 100)]
    page = str(fronts(replace(FACTS, aims=AimsConfig(minimize=("memory",))), records, 1))
    assert "2 trials of 3 complete ones" in page
    assert page.count('<tr class="mark">') == 1
    assert "the default, not on the front" in page


@pytest.mark.parametrize("trials", [0, 1, 30])
def test_fronts_are_drawn_for_any_study(trials: int, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(trials)
    assert str(fronts(replace(facts, aims=AimsConfig(minimize=("latency", "parameters"))), records, None))
