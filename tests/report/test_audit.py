"""What is said of the pruning audit: counts, interval, words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import binomtest

from autoft.report.audit import audit_entry, wilson_interval
from autoft.report.facts import StudyFacts
from autoft.report.importance import importance_info
from autoft.report.notes import note, plain_markdown
from autoft.report.page import render_page
from autoft.report.result import build_result
from autoft.report.words import audit_words
from autoft.storage.records import EvaluationRecord, TrialRecord, TrialState
from autoft.strategy.audit import audit_order

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_the_literature(hits: int, count: int, low: float, high: float) -> None:
    """Newcombe 1998, Two-Sided Confidence Intervals for the Single Proportion, table I, method 3."""
    assert [round(end, 4) for end in wilson_interval(hits, count)] == [low, high]


@pytest.mark.parametrize("count", [1, 2, 8, 100])
def test_the_interval_is_that_of_scipy(count: int) -> None:
    for hits in range(count + 1):
        assert wilson_interval(hits, count) == pytest.approx(
            binomtest(hits, count).proportion_ci(method="wilson"), abs=1e-12
        )


def test_none_and_all_have_exact_ends() -> None:
    assert wilson_interval(0, 7)[0] == 0.0
    assert wilson_interval(7, 7)[1] == 1.0


@pytest.mark.parametrize(("hits", "count"), [(0, 0), (3, 2), (-1, 2)])
def test_nothing_counted_has_no_interval(hits: int, count: int) -> None:
    with pytest.raises(ValueError, match="hits among at least one expected"):
        wilson_interval(hits, count)


def trial(number: int, value: float, state: TrialState = "complete", **more: Any) -> TrialRecord:
    evaluations = (EvaluationRecord(1, 1.0, value / 2, 1.0, 1.0, 1.0), EvaluationRecord(9, 9.0, value, 1.0, 1.0, 9.0))
    return TrialRecord(number, state, value, {"train.epochs": 9}, evaluations, seconds=9.0, **more)


def left(number: int, value: float) -> TrialRecord:
    """Pruned at rung 1."""
    whole = trial(number, value, "pruned", left_at=1)
    return replace(whole, value=value / 2, evaluations=whole.evaluations[:1])


def audited(number: int, value: float, state: TrialState = "complete") -> TrialRecord:
    return trial(number, value, state, left_at=1, audited=True)


def asked(facts: StudyFacts, share: float = 0.5) -> StudyFacts:
    return replace(facts, audit=share)


def entry_of(facts: StudyFacts, *records: TrialRecord) -> dict[str, Any]:
    found = audit_entry(asked(facts), records)
    assert found is not None
    return found


def in_order(count: int) -> list[int]:
    """The numbers of pruned trials, in the order in which they are audited."""
    return audit_order(range(2, 2 + count), 0)


def test_an_audit_that_is_not_asked_for_is_null(facts: StudyFacts) -> None:
    result = build_result(facts, [trial(0, 0.5), audited(1, 0.9)])
    assert (result["audit"], audit_words(result)) == (None, "")


def test_what_is_better_than_the_best_that_was_not_audited_is_counted(facts: StudyFacts) -> None:
    """Two are better, though one of them is the best now; a tie is not better."""
    first, second, third, fourth = in_order(4)
    records = [trial(0, 0.5), trial(1, 0.6), audited(first, 0.7), audited(second, 0.8), audited(third, 0.6)]
    result = build_result(asked(facts), [*records, left(fourth, 0.9)])
    audit = result["audit"]
    assert (audit["share"], audit["pruned"], audit["audited"], audit["better"]) == (0.5, 4, 3, 2)
    assert audit["rate"] == pytest.approx(2 / 3)
    assert audit["ci95"] == list(wilson_interval(2, 3))
    assert (audit["gap"], audit["trial"]) == (pytest.approx(0.2), second)
    assert result["best"]["trial"] == second


def test_the_gap_is_negative_where_none_is_better(facts: StudyFacts) -> None:
    first, second = in_order(2)
    found = entry_of(facts, trial(0, 0.5), audited(first, 0.4), audited(second, 0.3))
    assert (found["better"], found["rate"], found["gap"], found["trial"]) == (0, 0.0, pytest.approx(-0.1), first)


def test_one_that_diverged_counts_as_no_better(facts: StudyFacts) -> None:
    (first,) = in_order(1)
    found = entry_of(facts, trial(0, 0.5), replace(left(first, 1.8), audited=True))
    assert (found["audited"], found["better"], found["gap"]) == (1, 0, None)


def test_a_gap_in_the_order_ends_what_is_counted(facts: StudyFacts) -> None:
    """Of two workers' audits the quick one ended in time."""
    first, second, third = in_order(3)
    found = entry_of(facts, trial(0, 0.5), audited(first, 0.4), left(second, 0.4), audited(third, 0.9))
    assert (found["audited"], found["better"]) == (1, 0)


def test_without_another_complete_trial_nothing_is_told(facts: StudyFacts) -> None:
    (first,) = in_order(1)
    found = entry_of(facts, trial(0, 0.5, "failed"), audited(first, 0.9))
    assert (found["audited"], found["better"], found["rate"], found["ci95"]) == (1, None, None, None)


def said(**audit: Any) -> str:
    usual = {"pruned": 41, "drawn": 8, "audited": 8, "better": 0, "rate": 0.0, "ci95": [0.0, 0.3244], "gap": -0.0123}
    return audit_words({"audit": {**usual, "trial": 7, **audit}}).replace(SPACE, " ")


@pytest.mark.parametrize(
    ("audit", "words"),
    [
        (
            {},
            "8 of 41 pruned configurations, drawn by lot, were finished: none (95 % interval 0 % to 32 %) was better "
            "than the best that was not pruned; trial 7 comes closest, 0.0123 below it.",
        ),
        (
            {"pruned": 8, "better": 2, "rate": 0.25, "ci95": [0.0715, 0.5907], "gap": 0.02},
            "8 pruned configurations, drawn by lot, were finished: 2 (25 %, 95 % interval 7 % to 59 %) were better "
            "than the best that was not pruned, trial 7 by 0.0200.",
        ),
        (
            {"audited": 1, "ci95": [0.0, 0.7935], "gap": 0.0},
            "1 of 41 pruned configurations, drawn by lot, was finished: none (95 % interval 0 % to 79 %) was better "
            "than the best that was not pruned; trial 7 equals it. 7 more are to be finished still.",
        ),
        ({"pruned": 0}, "The search has pruned nothing, so there is nothing to audit."),
        (
            {"audited": 0, "rate": None},
            "Whether pruning threw away a better configuration is not known: none has been finished yet.",
        ),
        ({"rate": None}, "Whether pruning threw away a better configuration is not known: no other is complete."),
    ],
)
def test_words_say_how_often_and_how_sure(audit: dict[str, Any], words: str) -> None:
    assert said(**audit) == words


def test_report_and_note_say_it(facts: StudyFacts) -> None:
    first, second = in_order(2)
    records = [trial(0, 0.5), audited(first, 0.4), left(second, 0.4)]
    records = [replace(record, config={**record.config, "method": "full"}) for record in records]
    result = build_result(asked(facts), records)
    words = audit_words(result)
    assert "1 of 2 pruned configurations" in words
    assert words in render_page(asked(facts), records, result)
    assert plain_markdown(words) in note(asked(facts), records, result)


def test_importance_ranks_trials_as_the_search_left_them(
    facts: StudyFacts, make_study: Callable[..., tuple[StudyFacts, tuple[TrialRecord, ...]]]
) -> None:
    """Who was drawn by lot came no further by merit."""
    _, records = make_study(60)
    last = EvaluationRecord(9, 9.0, 0.99, 1.0, 1.0, 9.0)
    finished = [
        replace(record, state="complete", value=0.99, evaluations=(*record.evaluations, last), left_at=1, audited=True)
        if record.state == "pruned" and len(record.evaluations) == 1
        else record
        for record in records
    ]
    assert sum(record.audited for record in finished) > 5
    assert importance_info(facts, finished) == importance_info(facts, records)
