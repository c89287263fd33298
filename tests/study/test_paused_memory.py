"""Many trials that pause in one process: they leave the states that memory may hold, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autoft.space import SearchSpace
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.reading import read_trial
from autoft.storage.trials import ask_trial
from autoft.strategy.schedule import Promotion, Ruling, Schedule, Verdict
from autoft.strategy.standing import Standing
from autoft.study.packing import size_of
from autoft.study.paused import InMemory, OnDisk
from autoft.study.trial import TrialContext, run_trial
from autoft.testing.leaks import alive


class PausesAtThree(Schedule):
    """Pauses every configuration at rung 3; the earlier, the likelier it is continued."""

    def verdict(self, mine: Standing, peers: object, step: int, *, paused: object = ()) -> Ruling:
        del mine, peers, paused
        return Ruling(Verdict.PAUSE, "rung 3") if step == 3 else Ruling(Verdict.GO_ON, "")

    def outlook(self, paused: Sequence[Standing], peers: object) -> list[Promotion]:
        del peers
        return [Promotion(one.number, 3) for one in sorted(paused, key=lambda one: one.number)]

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:
        raise NotImplementedError


def run_trials(context: TrialContext, count: int) -> None:
    for _ in range(count):
        held = ask_trial(context.study, "me", limit=None)
        assert held is not None
        run_trial(context, held)


@pytest.mark.parametrize("trials", [5, pytest.param(47, marks=pytest.mark.slow)])
def test_trials_in_a_row_leave_what_the_budget_allows(context: TrialContext, tmp_path: Path, trials: int) -> None:
    default = {**context.space.default, "train.epochs": 5, "train.warmup": 0.0}
    disk = OnDisk(CheckpointStore(tmp_path / "paused"), 0)
    space = SearchSpace(context.space.task, context.space.schema, {}, default)
    context = replace(context, space=space, schedule=PausesAtThree(), paused=InMemory(disk, 10**9))
    run_trials(context, 1)
    first = context.paused.find(0, read_trial(context.study, 0).evaluations[-1])
    assert first is not None
    # Room for two, and the first of them is kept.
    context = replace(context, paused=InMemory(disk, 2 * size_of(first)))
    context.paused.keep(0, first, [0])
    run_trials(context, 2)
    before = alive()
    run_trials(context, trials)
    assert alive() == before
    records = [read_trial(context.study, number) for number in range(trials + 3)]
    assert {record.state for record in records} == {"paused"}
    kept = [one.number for one in records if context.paused.find(one.number, one.evaluations[-1]) is not None]
    assert kept == [0, 1]
