"""What a search wants besides the dev score: limits that a trial must keep, and what the report sets it against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoft.errors import StudyError
from autoft.registry import nearest

MEASURES = ("latency", "memory", "parameters")
"""What is measured of every trial: milliseconds a sequence, MiB of training, parameters of the delivered model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AimsConfig:
    """Limits and fronts.

    Limits may not change within a study: they decided which trials were infeasible, and what the sampler learned.
    What is minimized may: only the report reads it.

    Attributes:
        minimize: Measures whose front with the dev score the report draws.
        max_latency: Most milliseconds a sequence; None has no limit.
        max_memory: Most MiB of training; None has no limit.
        max_parameters: Most parameters of the delivered model; None has no limit.
    """

    minimize: tuple[str, ...] = ()
    max_latency: float | None = None
    max_memory: float | None = None
    max_parameters: int | None = None

    def __post_init__(self) -> None:
        problems = [
            f"--minimize: one of {', '.join(MEASURES)} expected, got {name!r}{nearest(name, MEASURES)}"
            for name in self.minimize
            if name not in MEASURES
        ]
        problems += [
            f"--max-{name}: a value above 0 expected, got {limit}" for name, limit in self.limits.items() if limit <= 0
        ]
        if problems:
            raise StudyError(*problems)
        object.__setattr__(self, "minimize", tuple(dict.fromkeys(self.minimize)))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> AimsConfig:
        """Build the aims that JSON holds."""
        return cls(**{**value, "minimize": tuple(value.get("minimize", ()))})

    @property
    def limits(self) -> dict[str, float]:
        """Measure -> limit, of those that have one."""
        limits = {"latency": self.max_latency, "memory": self.max_memory, "parameters": self.max_parameters}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def constraints(self, measured: Mapping[str, float]) -> dict[str, float]:
        """Return by which share of its limit each measure lies above it: broken above 0, met at 0 and below."""
        return {f"max_{name}": measured[name] / limit - 1.0 for name, limit in self.limits.items()}

    def broken(self, measured: Mapping[str, float]) -> tuple[str, ...]:
        """Return in words which limits are broken: `latency 12.3 ms, at most 10 ms allowed`."""
        return tuple(
            f"{name} {measure_words(name, measured[name])}, at most {measure_words(name, limit)} allowed"
            for name, limit in self.limits.items()
            if name in measured and measured[name] > limit
        )


def measure_words(name: str, value: float | None) -> str:
    """Return a measure with its unit: `6.4 ms`, `380 MiB`, `22.7M`."""
    if value is None:
        return "–"
    match name:
        case "latency":
            return f"{_short(value)} ms"
        case "memory":
            return f"{_short(value / 1024)} GiB" if value >= 1024 else f"{_short(value)} MiB"
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{_short(value / size)}{unit}"
    return f"{value:.0f}"


def _short(value: float) -> str:
    """Return three digits, but every one before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
