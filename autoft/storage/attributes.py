"""What Optuna's user attributes hold: plain JSON, no numpy scalars, no numbers that JSON lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from autoft.storage.records import EvaluationRecord, best_value

CONFIG = "config"
EXECUTION = "execution"
FACTS = "facts"
KIND = "kind"
LEFT_AT = "left_at"
METRICS = "metrics"
PAUSED = "paused"
REASON = "reason"
SECONDS = "seconds"
CONSTRAINT = "constraint:"
MEASURE = "measure:"
_EVALUATION = "evaluation:"
_FIELDS = tuple(field.name for field in fields(EvaluationRecord))


def plain(value: Any) -> Any:
    """Return `value` as plain JSON: numpy scalars as numbers, NaN and infinity as None.

    Raises:
        TypeError: If it holds anything else.
    """
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
    raise TypeError(f"an attribute must be plain JSON, got {type(value).__name__}")


def evaluation_key(step: int) -> str:
    """Return the user attribute that holds the evaluation at a step."""
    return f"{_EVALUATION}{step}"


def evaluation_as_dict(evaluation: EvaluationRecord, metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return an evaluation as its attribute holds it, with all of its metrics."""
    stored = {name: plain(getattr(evaluation, name)) for name in _FIELDS}
    return {**stored, METRICS: plain(metrics)}


def evaluations_in(attributes: Mapping[str, Any]) -> tuple[EvaluationRecord, ...]:
    """Return the evaluations among a trial's user attributes, in the order of their steps."""
    found = [as_evaluation(one) for key, one in attributes.items() if key.startswith(_EVALUATION)]
    return tuple(sorted(found, key=lambda one: one.step))


def best_metrics(attributes: Mapping[str, Any]) -> dict[str, float] | None:
    """Return every metric at the first best evaluation, None where there is none."""
    evaluations = evaluations_in(attributes)
    best = best_value(evaluations)
    if best is None:
        return None
    step = next(one.step for one in evaluations if one.value == best)
    metrics: dict[str, float] = attributes[evaluation_key(step)][METRICS]
    return metrics


def numbers_under(prefix: str, attributes: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers whose keys begin with `prefix`, by the rest of the key."""
    return {key.removeprefix(prefix): value for key, value in attributes.items() if key.startswith(prefix)}


def as_evaluation(stored: Mapping[str, Any]) -> EvaluationRecord:
    """Return the evaluation that `plain` JSON holds; what is not finite stands there as None."""
    numbers: dict[str, Any] = {name: math.nan if stored[name] is None else stored[name] for name in _FIELDS}
    return EvaluationRecord(**numbers)
