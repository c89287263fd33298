"""What a watcher is told of the time that is left, and what a plan says of the finalists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoft.api.progress import Progress
from autoft.api.searching import Plan
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord
from autoft.study.config import BudgetConfig

PLAN = Plan(
    models=("tiny",),
    notices=(),
    trains="all",
    default_seconds=10.0,
    longest_seconds=20.0,
    memory_mib=100.0,
    measures={},
)
RUNS = (FinalistRun(0, 0, 1, 0.5, seconds=4.0), FinalistRun(3, 0, 1, 0.6, seconds=6.0))


def finals(**more: object) -> Progress:
    shown = Progress(
        "finalists", (TrialRecord(0, "complete", 0.5, {}),), 5, 100.0, None, runs=RUNS, runs_done=2, missing=4
    )
    return replace(shown, **more)  # type: ignore[arg-type]


def test_finalists_take_as_long_as_those_before() -> None:
    assert finals().expected_seconds == pytest.approx(20.0)
    assert finals(workers=2).expected_seconds == pytest.approx(10.0)


def test_finalists_take_no_longer_than_there_is_time() -> None:
    assert finals(seconds_left=7.0).expected_seconds == 7.0


def test_nothing_is_known_before_the_first_run() -> None:
    assert finals(runs=()).expected_seconds is None


def test_a_plan_reckons_with_every_training_of_the_finalists() -> None:
    """The default once and two others, each on five seeds."""
    assert PLAN.finalist_seconds(BudgetConfig()) == 5 * (10 + 2 * 20)
    assert PLAN.finalist_seconds(BudgetConfig(workers=2, finalists=1, seeds=3)) == 3 * (10 + 20) / 2


def test_a_plan_reckons_with_the_audits_share_of_the_search() -> None:
    """Half of 10 + 4 * 20 seconds; but one configuration at least, and none where nothing could be pruned."""
    assert PLAN.audit_seconds(BudgetConfig(trials=5, audit=0.5)) == 45.0
    assert PLAN.audit_seconds(BudgetConfig(trials=5, audit=0.01)) == 20.0
    assert PLAN.audit_seconds(BudgetConfig(trials=1, audit=0.5)) == 0.0
    assert PLAN.audit_seconds(BudgetConfig(trials=5)) == 0.0


def test_a_plan_without_rivals_has_no_finalists() -> None:
    assert PLAN.finalist_seconds(BudgetConfig(trials=1)) == 0.0
    assert PLAN.finalist_seconds(BudgetConfig(finalists=0)) == 0.0
    assert PLAN.finalist_seconds(BudgetConfig(trials=2)) == 5 * (10 + 20)
