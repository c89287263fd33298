"""One table says what an exception makes of a trial."""

from __future__ import annotations

import logging

import pytest

from autoft.errors import ConfigError, DataError, Diverged, OutOfMemory, OverLimit, SpaceError, StorageError, TimedOut
from autoft.storage.leases import LeaseLost
from autoft.study.trial import Stopped, outcome_of

STATES: list[tuple[Exception | None, str, str | None]] = [
    (None, "complete", None),
    (OutOfMemory("no memory left"), "infeasible", "no memory left"),
    (OverLimit("latency 12 ms, at most 10 ms allowed"), "infeasible", "latency 12 ms, at most 10 ms allowed"),
    (Diverged("loss is nan"), "pruned", "loss is nan"),
    (TimedOut("time is over"), "pruned", "time is over"),
    (Stopped("rung 3: place 2 of 3"), "pruned", "rung 3: place 2 of 3"),
    (ValueError("bad value"), "failed", "ValueError: bad value"),
    (RuntimeError("shape"), "failed", "RuntimeError: shape"),
    (KeyError("missing"), "failed", "KeyError: 'missing'"),
]
AGAIN = [
    ConfigError("wrong"),
    SpaceError("wrong"),
    DataError("wrong"),
    StorageError("gone"),
    LeaseLost("taken over"),
]


@pytest.mark.parametrize(("error", "state", "reason"), STATES, ids=lambda value: type(value).__name__)
def test_an_exception_becomes_a_state(error: Exception | None, state: str, reason: str | None) -> None:
    outcome = outcome_of(error, 1.5, None)
    assert (outcome.state, outcome.reason, outcome.seconds) == (state, reason, 1.5)
    assert (outcome.execution, outcome.facts) == ({}, {})


@pytest.mark.parametrize("error", AGAIN, ids=lambda value: type(value).__name__)
def test_what_is_not_the_trials_is_raised_again(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        outcome_of(error, 1.0, None)
    assert caught.value is error


def test_a_failure_keeps_its_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ValueError("bad value")

    try:
        broken()
    except ValueError as error:
        with caplog.at_level(logging.ERROR):
            outcome_of(error, 1.0, None)
    assert "in broken" in caplog.text
