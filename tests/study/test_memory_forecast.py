"""What will not fit is refused before its first step, and forecasts learn from what trials took."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from autoft.errors import OutOfMemory
from autoft.storage.reading import read_trials
from autoft.storage.trials import ask_trial
from autoft.study import memory as module
from autoft.study.memory import MemoryForecast
from autoft.study.replay import recorded, replay_trial
from autoft.study.trial import TrialContext, run_trial

CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], None]:
    """Set how many MiB are free."""

    def give(mib: float | None) -> None:
        monkeypatch.setattr(module, "memory_free", lambda: None if mib is None else int(mib * MIB))

    return give


def test_what_fits_with_room_to_spare_is_let_through(room: Callable[[float | None], None]) -> None:
    room(125)
    MemoryForecast(CPU).check(100, 8)
    with pytest.raises(OutOfMemory, match="micro-batch 8: 126 MiB expected, 125 MiB are free"):
        MemoryForecast(CPU).check(105, 8)


def test_a_single_sequence_is_tried_and_nothing_is_refused_blindly(room: Callable[[float | None], None]) -> None:
    room(1)
    MemoryForecast(CPU).check(1000, 1)
    room(None)
    MemoryForecast(CPU).check(1000, 8)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets the peak begin anew")
def test_it_learns_what_training_really_takes(room: Callable[[float | None], None]) -> None:
    forecast = MemoryForecast(CPU)
    forecast.begin()
    taken = torch.ones(64 * MIB // 4)
    del taken
    measured = forecast.learn(counted=10)
    assert measured is not None
    assert 60 < measured < 120
    room(60)
    with pytest.raises(OutOfMemory):
        forecast.check(10, 2)
    forecast.begin()
    again = forecast.learn(counted=10)
    assert again is not None
    assert again < 10
    room(10 * measured)
    forecast.check(10, 2)


def test_a_trial_takes_a_micro_batch_that_fits_and_replays(
    context: TrialContext, room: Callable[[float | None], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Two sequences are too many already; the effective batch stays."""
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    run_trial(context, held)
    whole = read_trials(context.study)[0]
    assert whole.execution["micro_batch"] == 4
    room(0.01)
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    run_trial(context, held)
    record = read_trials(context.study)[1]
    assert record.state == "complete"
    assert record.execution["micro_batch"] == 1
    assert "does not fit, micro-batch" in caplog.text
    rows = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    assert replay_trial(rows, record).summary == recorded(record)
