"""What figures show, as plain values: all that can be right or wrong about them, without plotly."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from autoft.report.facts import StudyFacts
from autoft.report.result import best_trial
from autoft.storage.records import TrialRecord, TrialState
from autoft.strategy.steps import RUNGS


class Point(NamedTuple):
    """A trial and what it reached."""

    number: int
    value: float
    state: TrialState


class HistoryInfo(NamedTuple):
    """Values in the order of trials.

    Attributes:
        points: Every trial that was evaluated.
        best: The best complete value up to each number at which it rose, and at the last number.
        default: What the complete default reached.
    """

    points: tuple[Point, ...]
    best: tuple[tuple[int, float], ...]
    default: float | None


class Curve(NamedTuple):
    """A trial's evaluations; `role` is `best`, `default`, `complete` or `stopped`."""

    number: int
    role: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


class CurvesInfo(NamedTuple):
    """Learning curves, and the rungs at which trials are judged."""

    curves: tuple[Curve, ...]
    rungs: tuple[int, ...]


class MethodsInfo(NamedTuple):
    """Method -> its trials; the method with the best value first."""

    groups: tuple[tuple[str, tuple[Point, ...]], ...]


class Pair(NamedTuple):
    """A metric of the best trial and of the default; None where one lacks it."""

    name: str
    best: float | None
    default: float | None
    support: float | None = None


class ScoresInfo(NamedTuple):
    """Dev metrics of the best trial beside the default's.

    Attributes:
        best: The best trial's number; None where nothing was completed.
        default: The default's; None where it was not completed.
        overall: Each metric over all labels.
        labelled: The metric that `labels` shows.
        labels: That metric of each label, the label with most support first.
    """

    best: int | None
    default: int | None
    overall: tuple[Pair, ...]
    labelled: str
    labels: tuple[Pair, ...]


class Arm(NamedTuple):
    """A finalist's scores on the fresh seeds, and their mean; `role` is `best`, `default` or `finalist`."""

    number: int
    role: str
    scores: tuple[float, ...]
    mean: float


class FinalistsInfo(NamedTuple):
    """Finalists, the best mean first, and the seeds that they share."""

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]


class Bar(NamedTuple):
    """When a trial ran: seconds from the first trial's start, and how many of them it computed."""

    number: int
    state: TrialState
    start: float
    length: float
    busy: float


def history_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> HistoryInfo:
    """Return the values in the order of trials."""
    points = _points(records)
    broken = {record.number for record in records if not record.feasible}
    rises: list[tuple[int, float]] = []
    for point in points:
        if point.state == "complete" and point.number not in broken and (not rises or point.value > rises[-1][1]):
            rises.append((point.number, point.value))
    if rises and points[-1].number > rises[-1][0]:
        rises.append((points[-1].number, rises[-1][1]))
    default = next(
        (p.value for p in points if p.number == facts.default_number and p.state == "complete"),
        None,
    )
    return HistoryInfo(points, tuple(rises), default)


def curves_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> CurvesInfo:
    """Return the learning curves: stopped trials first, the best last, as they are to be drawn."""
    best = best_trial(records, facts.finalists)
    curves = []
    for record in records:
        reached = [one for one in record.evaluations if math.isfinite(one.value)]
        if not reached:
            continue
        if best is not None and record.number == best.number:
            role = "best"
        elif record.number == facts.default_number:
            role = "default"
        else:
            role = "complete" if record.state == "complete" else "stopped"
        steps, values = zip(*((one.step, one.value) for one in reached), strict=True)
        curves.append(Curve(record.number, role, steps, values))
    order = ("stopped", "complete", "default", "best")
    return CurvesInfo(tuple(sorted(curves, key=lambda curve: order.index(curve.role))), RUNGS)


def methods_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> MethodsInfo:  # noqa: ARG001
    """Return the trials of each method."""
    groups: dict[str, list[Point]] = {}
    names = {record.number: str(record.config.get("method", "?")) for record in records}
    for point in _points(records):
        groups.setdefault(names[point.number], []).append(point)
    best_first = sorted(groups.items(), key=lambda item: (-max(p.value for p in item[1]), item[0]))
    return MethodsInfo(tuple((name, tuple(points)) for name, points in best_first))


def scores_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> ScoresInfo:
    """Return the best trial's metrics beside the default's."""
    best = best_trial(records, facts.finalists)
    default = next((r for r in records if r.number == facts.default_number and r.state == "complete"), None)
    mine = dict(best.metrics) if best is not None else {}
    other = dict(default.metrics) if default is not None else {}
    names = tuple(dict.fromkeys([*mine, *other]))
    overall = tuple(Pair(name, _finite(mine.get(name)), _finite(other.get(name))) for name in names if "." not in name)
    labelled = _labelled_metric(facts.metric, names)
    return ScoresInfo(
        None if best is None else best.number,
        None if default is None else default.number,
        overall,
        labelled,
        _label_pairs(labelled, mine, other),
    )


def finalists_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> FinalistsInfo:
    """Return what the finalists scored, seed by seed."""
    best = best_trial(records, facts.finalists)
    arms = []
    for number, scores in facts.finalists.scores.items():
        role = "best" if best is not None and number == best.number else "finalist"
        role = "default" if number == facts.default_number else role
        arms.append(Arm(number, role, tuple(scores), statistics.fmean(scores)))
    seeds = facts.finalists.seeds or tuple(range(1, 1 + max((len(arm.scores) for arm in arms), default=0)))
    return FinalistsInfo(tuple(sorted(arms, key=lambda arm: (-arm.mean, arm.number))), seeds)


def timeline_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> tuple[Bar, ...]:  # noqa: ARG001
    """Return when each trial ran; one that has not ended lasts as long as it computed."""
    started = [(record, record.started) for record in records if record.started is not None]
    if not started:
        return ()
    first = min(start for _, start in started)
    return tuple(
        Bar(
            record.number,
            record.state,
            (start - first).total_seconds(),
            _length(start, record.ended, record.seconds),
            record.seconds,
        )
        for record, start in started
    )


def _length(start: datetime, end: datetime | None, busy: float) -> float:
    return busy if end is None else max((end - start).total_seconds(), 0.0)


def _points(records: Iterable[TrialRecord]) -> tuple[Point, ...]:
    return tuple(
        Point(record.number, record.value, record.state)
        for record in records
        if record.value is not None and math.isfinite(record.value)
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _labelled_metric(metric: str, names: Sequence[str]) -> str:
    """Return which metric to show by label: the study's own, `f1` for `macro_f1`, or the first."""
    known = dict.fromkeys(name.partition(".")[0] for name in names if "." in name)
    known.pop("support", None)
    for wanted in (metric, metric.rpartition("_")[2]):
        if wanted in known:
            return wanted
    return next(iter(known), "")


def _label_pairs(metric: str, mine: dict[str, float], other: dict[str, float]) -> tuple[Pair, ...]:
    labels = dict.fromkeys(name.partition(".")[2] for name in [*mine, *other] if name.startswith(f"{metric}."))
    pairs = [
        Pair(
            label,
            _finite(mine.get(f"{metric}.{label}")),
            _finite(other.get(f"{metric}.{label}")),
            _finite(mine.get(f"support.{label}", other.get(f"support.{label}"))),
        )
        for label in labels
    ]
    return tuple(sorted(pairs, key=lambda pair: (-(pair.support or 0.0), pair.name)))
