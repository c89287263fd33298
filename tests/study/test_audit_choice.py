"""What the audit draws of a study, what is missing of it, and the time that it is given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoft.storage.records import EvaluationRecord, TrialRecord, TrialState
from autoft.strategy.audit import audit_order
from autoft.strategy.stopping import TimeLimit
from autoft.study.audit_choice import audit_seconds, counted, drawn, left_unfinished, missing_audits
from autoft.study.config import BudgetConfig
from autoft.study.final_choice import audit_limit, trials_limit

BUDGET = BudgetConfig(trials=12, timeout=1000.0, finalists=0, audit=0.5)


def record(number: int, state: TrialState = "pruned", left_at: int | None = 1, last: int = 1) -> TrialRecord:
    evaluations = tuple(EvaluationRecord(step, float(step), 0.5, 1.0, 1.0, step) for step in range(1, last + 1))
    return TrialRecord(number, state, 0.5, {"train.epochs": 9}, evaluations, seconds=10.0 * last, left_at=left_at)


COMPLETE = [record(number, "complete", None, 9) for number in (0, 1)]
# Two complete ones of nine epochs and nine of one epoch each: 27 epochs, and each lacks 8.
STUDY = [*COMPLETE, *(record(number) for number in range(2, 11))]


def numbers(records: list[TrialRecord]) -> list[int]:
    return [one.number for one in records]


def test_only_what_the_schedule_left_unfinished_is_drawn() -> None:
    others = [record(11, "pruned", None), record(12, "infeasible", None), record(13, "failed", None)]
    waiting = record(14, "paused", 3, 3)
    found = left_unfinished([*STUDY, *others, record(15, "running", None), waiting], 0)
    assert numbers(found) == audit_order([*range(2, 11), 14], 0)


def test_the_share_decides_how_many_are_drawn() -> None:
    assert numbers(drawn(STUDY, 0.5, 3)) == audit_order(range(2, 11), 3)[:1]
    assert len(drawn([*STUDY, *(record(number, "complete", None, 9) for number in range(11, 20))], 0.5, 3)) == 6
    assert drawn(STUDY, None, 3) == []


def finished(one: TrialRecord) -> TrialRecord:
    return replace(record(one.number, "complete", 1, 9), audited=True)


def with_finished(*numbers: int) -> list[TrialRecord]:
    return [finished(one) if one.number in numbers else one for one in STUDY]


def test_what_was_audited_is_not_drawn_again_and_costs_the_search_nothing() -> None:
    """The draw is the same before, during and after the audit."""
    first = drawn(STUDY, 0.5, 0)
    after = with_finished(*numbers(first))
    assert numbers(drawn(after, 0.5, 0)) == numbers(first)
    assert missing_audits(STUDY, BUDGET, 0) == first
    assert missing_audits(after, BUDGET, 0) == []


def test_what_is_counted_has_no_gap() -> None:
    first, second, third, *_ = audit_order(range(2, 11), 0)
    assert numbers(counted(with_finished(first, second), 0)) == [first, second]
    assert numbers(counted(with_finished(first, third), 0)) == [first]
    assert counted(with_finished(second, third), 0) == []


def test_seconds_are_those_of_the_epochs_that_are_left() -> None:
    """Ten seconds an epoch: eight are left from rung 1, and nine where the state was let go."""
    waiting = [*COMPLETE, *(record(number, "paused") for number in range(2, 11))]
    assert audit_seconds(waiting, BUDGET, 0) == pytest.approx(80.0)
    assert audit_seconds(STUDY, BUDGET, 0) == pytest.approx(90.0)
    assert audit_seconds(STUDY, replace(BUDGET, workers=2), 0) == pytest.approx(45.0)
    assert audit_seconds(STUDY, replace(BUDGET, audit=None), 0) == 0.0


def test_trials_end_early_enough_for_the_audit() -> None:
    assert trials_limit(TimeLimit(5000.0), STUDY, (), BUDGET, audit=90.0) == TimeLimit(5000.0 - 1.1 * 90)
    assert trials_limit(TimeLimit(5000.0), STUDY, (), BUDGET, audit=9000.0) == TimeLimit(4500.0)


def test_the_audit_ends_early_enough_for_the_finalists() -> None:
    """A finalist, the default and the winner's half take 225 seconds; at most half of the time is held back."""
    budget = replace(BUDGET, finalists=1, seeds=1)
    records = [COMPLETE[0], replace(COMPLETE[1], config={"train.epochs": 9, "x": 1}), *STUDY[2:]]
    ends = audit_limit(TimeLimit(5000.0), records, (), budget, audit=90.0).deadline
    assert ends == pytest.approx(5000.0 - 1.1 * 225)
    capped = audit_limit(TimeLimit(5000.0), records, (), replace(budget, timeout=200.0), audit=50.0).deadline
    assert capped == pytest.approx(5000.0 - 100 + 1.1 * 50)
    assert audit_limit(TimeLimit(5000.0), records, (), budget, audit=9000.0) == TimeLimit(5000.0)
    assert audit_limit(TimeLimit(), records, (), budget, audit=9.0) == TimeLimit()
