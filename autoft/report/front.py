"""What the score costs: the front of dev score against latency, memory or parameters, and what limits ruled out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autoft.report.facts import StudyFacts
from autoft.report.words import count_words
from autoft.storage.records import TrialRecord
from autoft.study.aims import measure_words

TITLES = {
    "latency": "Latency, milliseconds a sequence",
    "memory": "Memory of training, MiB",
    "parameters": "Parameters of the delivered model",
}


# Timed twice, the same model differs by as much.
_NOISE = {"latency": 0.05}


class CostPoint(NamedTuple):
    """A complete trial that breaks no limit: what it reached, and what it costs."""

    number: int
    value: float
    cost: float


class FrontInfo(NamedTuple):
    """Dev score against one measure.

    Attributes:
        front: The trials that no other beats in score without costing more; rising in cost and score.
        others: The other complete trials.
        default: The complete default, whether or not it breaks a limit.
    """

    front: tuple[CostPoint, ...]
    others: tuple[CostPoint, ...]
    default: CostPoint | None


def front_info(facts: StudyFacts, records: Sequence[TrialRecord], measure: str) -> FrontInfo:
    """Return the Pareto front of dev score against a measure, over the complete trials.

    Costs that differ by no more than the measuring does are equal; of trials that are equal in all, the first stands.
    """
    points = [point for record in records if record.feasible and (point := _point(record, measure)) is not None]
    front: list[CostPoint] = []
    for point in sorted(points, key=lambda one: (-one.value, one.number)):
        if front and point.cost >= front[-1].cost * (1 - _NOISE.get(measure, 0.0)):
            continue
        if front and point.value == front[-1].value:
            front.pop()
        front.append(point)
    best = {point.number for point in front}
    default = next((record for record in records if record.number == facts.default_number), None)
    return FrontInfo(
        tuple(reversed(front)),
        tuple(point for point in points if point.number not in best),
        None if default is None else _point(default, measure),
    )


def front_entries(facts: StudyFacts, records: Sequence[TrialRecord]) -> dict[str, list[dict[str, Any]]]:
    """Return the fronts as result.json holds them: measure -> its trials, rising in cost."""
    return {
        measure: [
            {"trial": point.number, "dev": point.value, measure: point.cost}
            for point in front_info(facts, records, measure).front
        ]
        for measure in facts.aims.minimize
    }


def cost_words(measured: Mapping[str, float]) -> str:
    """Return what a trial costs in a line: `22.7M parameters, 6.4 ms a sequence, 380 MiB to train`."""
    words = {"parameters": "{} parameters", "latency": "{} a sequence", "memory": "{} to train"}
    known = [(name, measured[name]) for name in words if name in measured]
    return ", ".join(words[name].format(measure_words(name, value)) for name, value in known)


def limit_words(facts: StudyFacts, records: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return in sentences what the limits ruled out; nothing where there are none."""
    limits = facts.aims.limits
    if not limits:
        return ()
    named = ", ".join(f"{name} at most {measure_words(name, limit)}" for name, limit in limits.items())
    # Out of memory on the device is the constraint `memory`, a limit on it is `max_memory`.
    broken = {f"max_{name}" for name in limits}
    over = [
        record
        for record in records
        if record.state == "infeasible" and any(record.constraints.get(name, 0.0) > 0 for name in broken)
    ]
    were = "was" if len(over) == 1 else "were"
    found = [f"Limits: {named}. {count_words(len(over), 'configuration')} broke one and {were} not trained."]
    default = next((one for one in records if one.number == facts.default_number), None)
    words = "; ".join(facts.aims.broken(default.facts)) if default is not None else ""
    if words:
        found.append(f"The default breaks a limit ({words}): it is the reference, and cannot be the best.")
    return tuple(found)


def _point(record: TrialRecord, measure: str) -> CostPoint | None:
    cost, value = record.facts.get(measure), record.value
    if record.state != "complete" or value is None or cost is None:
        return None
    return CostPoint(record.number, value, cost) if math.isfinite(value) and math.isfinite(cost) else None
