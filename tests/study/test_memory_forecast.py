"""What will not fit is refused before its first step, and forecasts learn from what trials took."""

from __future__ import annotations

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


def test_a_trial_asks_for_what_it_takes_beyond_its_weights(
    context: TrialContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[float] = []
    monkeypatch.setattr(MemoryForecast, "check", lambda *given: wanted.append(given[1]))
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    run_trial(context, held)
    record = read_trials(context.study)[0]
    weights = record.facts["parameters"] * 4 / MIB
    assert 0 < wanted[0] < record.facts["memory"]
    assert record.facts["memory"] - wanted[0] == pytest.approx(weights, rel=0.1)


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
