from __future__ import annotations

import pytest

from autoft.errors import ConfigError
from autoft.strategy.stopping import Budget, budget_of


def test_trials_are_a_total() -> None:
    budget = Budget(trials=5)
    assert not budget.over(asked=4, now=0.0)
    assert budget.over(asked=5, now=0.0)


def test_the_deadline_counts_from_the_start() -> None:
    budget = budget_of(trials=None, timeout=60.0, started=1000.0)
    assert budget.time_left(1030.0) == 30.0
    assert not budget.over(asked=99, now=1059.9)
    assert budget.over(asked=0, now=1060.0)


def test_no_limits_never_end() -> None:
    assert not Budget().over(asked=10**9, now=10.0**12)
    assert Budget().time_left(0.0) is None


def test_no_trials_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="--trials: a total of at least 1 expected, got 0"):
        Budget(trials=0)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan")])
def test_no_time_at_all_is_refused(timeout: float) -> None:
    with pytest.raises(ConfigError, match="--timeout: a time above 0 expected"):
        budget_of(trials=1, timeout=timeout, started=0.0)
