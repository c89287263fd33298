"""Runs on fresh seeds in storage: one claim a (configuration, seed), its result written with the claim's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from autoft.storage.beside import claim_beside, finish_beside
from autoft.storage.leases import LEASE_SECONDS, Claim
from autoft.storage.lineage import Kind, links
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import Word


@dataclass(frozen=True, slots=True)
class FinalistRun:
    """One configuration, trained again on one fresh seed.

    Attributes:
        number: The configuration's.
        index: The seed's place, from 0.
        seed: The seed.
        value: The metric at its best evaluation; the metric's floor where it reached none.
        state: `complete`, or how it ended before its end; its value counts all the same.
        reason: Why, in words; None for `complete`.
        metrics: Every metric at the best evaluation.
        seconds: Spent on it.
        execution: What a replay needs besides configuration and seed.
        rows: Training rows of a model.
    """

    number: int
    index: int
    seed: int
    value: float
    state: Word = "complete"
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    execution: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0


def claim_finalist(
    study: StudyHandle, number: int, index: int, worker: str, *, seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Claim a configuration on one fresh seed; None where another worker has it, or where it is done.

    Args:
        study: The study.
        number: The configuration's.
        index: The seed's place, from 0.
        worker: This process.
        seconds: How long the lease holds without a renewal.
    """
    return claim_beside(study, number, index, worker, work="finalist", seconds=seconds)


def finish_finalist(study: StudyHandle, held: Claim, run: FinalistRun) -> None:
    """Store a run's result, and end its claim in the same transaction.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    finish_beside(study, held, "finalist_of", asdict(run))


def finalist_runs(study: StudyHandle) -> tuple[FinalistRun, ...]:
    """Return every run that is done, seed by seed."""
    return _runs(study, "finalist_of")


def claim_half(
    study: StudyHandle, number: int, index: int, worker: str, *, seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Claim a configuration on one fresh seed and half of its rows; None as in `claim_finalist`.

    Args:
        study: The study.
        number: The configuration's.
        index: The seed's place, from 0.
        worker: This process.
        seconds: How long the lease holds without a renewal.
    """
    return claim_beside(study, number, index, worker, work="half", seconds=seconds)


def finish_half(study: StudyHandle, held: Claim, run: FinalistRun) -> None:
    """Store the result of a run on half of the rows, and end its claim in the same transaction.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    finish_beside(study, held, "half_of", asdict(run))


def half_runs(study: StudyHandle) -> tuple[FinalistRun, ...]:
    """Return every run on half of the rows that is done, seed by seed."""
    return _runs(study, "half_of")


def _runs(study: StudyHandle, kind: Kind) -> tuple[FinalistRun, ...]:
    found: dict[tuple[int, int], FinalistRun] = {}
    for link in links(study, kind):
        run = FinalistRun(**link.facts)
        # A transaction that is repeated after a lost answer writes the same twice.
        found.setdefault((run.index, run.number), run)
    return tuple(found[key] for key in sorted(found))
