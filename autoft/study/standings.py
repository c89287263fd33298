"""Where every configuration of a study stands, each at the rungs that count for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoft.storage.records import Scalar, TrialRecord
from autoft.strategy.schedule import Schedule
from autoft.strategy.standing import Standing, standing_of
from autoft.study.bench import Workbench
from autoft.study.execution import rungs_of
from autoft.study.trial_config import build_trial_config


def standings_of(workbench: Workbench, records: Sequence[TrialRecord]) -> list[Standing]:
    """Return the standing of each of `records`; its rungs follow from its configuration and its own base model."""
    return [
        standing_of(record.number, record.evaluations, rungs_of(record.config, _train_size(workbench, record.config)))
        if record.config
        else Standing(record.number, {})
        for record in records
    ]


def outlook_of(
    schedule: Schedule,
    records: Sequence[TrialRecord],
    standings: Sequence[Standing],
    *also: Standing,
) -> list[int]:
    """Return the numbers of all that is paused, and of `also`, the likeliest to be continued first."""
    paused = {record.number for record in records if record.state == "paused"}
    numbers = {standing.number for standing in also}
    waiting = [one for one in standings if one.number in paused - numbers and one.rungs]
    peers = [one for one in standings if one.number not in numbers]
    found = schedule.outlook([*waiting, *also], [*peers, *also])
    return [promotion.number for promotion in found]


def _train_size(workbench: Workbench, values: Mapping[str, Scalar]) -> int:
    trial = build_trial_config(values, kind=workbench.task.head, seed=workbench.config.seed)
    return workbench.bench_of(trial).train_size
