"""What storage remembers, as frozen values that everyone may read without knowing Optuna."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

Scalar = str | int | float | bool
Kind = Literal["default", "warm-start", "portfolio", "sampled"]
TrialState = Literal["running", "paused", "complete", "pruned", "failed", "infeasible"]


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """One evaluation on dev.

    Attributes:
        step: The ninth of the configuration's own schedule, 1 … 9.
        epoch: Epochs trained, a fraction.
        value: The metric that the study optimises.
        loss: Mean dev loss.
        train_loss: Mean train loss since the evaluation before.
        seconds: Since the trial began.
    """

    step: int
    epoch: float
    value: float
    loss: float
    train_loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class StopRecord:
    """Why a search stopped by itself before it had begun all configurations that were asked.

    Attributes:
        begun: How many it had begun.
        window: How many of them, the latest, gained too little.
        gain: What they gained.
        noise: Standard error of the best dev score.
    """

    begun: int
    window: int
    gain: float
    noise: float


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One configuration and what became of it.

    Attributes:
        number: The trial's number in its study; 0 is the default configuration.
        state: `infeasible` is out of memory, or over a limit of the study; the sampler learns of both as constraints.
        value: The best evaluation's metric so far; None before the first.
        config: The complete configuration, parameter path -> value, constants included.
        evaluations: In the order of their steps.
        metrics: Every metric at the best evaluation; `f1.PER` is `f1` of the label PER.
        reason: Why it paused, was pruned, failed or infeasible, in words.
        seconds: Spent on training and evaluating it.
        execution: What a replay needs besides the configuration: threads, micro_batch, device, …
        facts: Counts about the trial: `trainable_parameters`, `parameters`, `steps`, `tokens` trained (`padded_tokens`
            with padding), `forwarded` and `backpropagated` (a token once for each layer), prefixes of frozen layers
            that were found (`cache_hits`) or computed (`cache_computed`) and their `cache_bytes`; `latency` in
            milliseconds a sequence and `memory` in MiB.
        constraints: Name -> share above a limit: broken above 0, met at 0 and below.
        started: When a worker took it.
        ended: When it was told.
        left_at: The rung at which the schedule has left it unfinished; None where it did not.
        audited: Whether the audit has trained it to its end all the same; then the rest says what came out.
        kind: Where its configuration came from; None where it has none yet.
    """

    number: int
    state: TrialState
    value: float | None
    config: Mapping[str, Scalar]
    evaluations: tuple[EvaluationRecord, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    seconds: float = 0.0
    execution: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    constraints: Mapping[str, float] = field(default_factory=dict)
    started: datetime | None = None
    ended: datetime | None = None
    left_at: int | None = None
    audited: bool = False
    kind: Kind | None = None

    @property
    def feasible(self) -> bool:
        """Whether it breaks no limit; only then it can be the best."""
        return all(amount <= 0 for amount in self.constraints.values())

    @property
    def best_step(self) -> int | None:
        """The step of the first evaluation that reached `value`."""
        return next((e.step for e in self.evaluations if e.value == self.value), None)

    @property
    def as_searched(self) -> TrialRecord:
        """As the search left it, without what the audit added."""
        if not self.audited or self.left_at is None:
            return self
        evaluations = tuple(one for one in self.evaluations if one.step <= self.left_at)
        return replace(self, audited=False, state="pruned", value=best_value(evaluations), evaluations=evaluations)


def best_value(evaluations: Iterable[EvaluationRecord]) -> float | None:
    """Return the best metric among evaluations, None where none has a number."""
    return max((one.value for one in evaluations if math.isfinite(one.value)), default=None)
