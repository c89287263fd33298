"""Runs on fresh seeds in storage: one claim a (configuration, seed), its result written with the claim's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from autoft.storage.beside import claim_beside, finish_beside
from autoft.storage.leases import LEASE_SECONDS, Claim
from autoft.storage.lineage import Kind, links
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import Word

# What is trained on fresh seeds: finalists, and the winner on half of its rows.
Fresh = Literal["finalist", "half"]
_KINDS: Mapping[str, Kind] = {"finalist": "finalist_of", "half": "half_of"}


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


def claim_run(
    study: StudyHandle, number: int, index: int, worker: str, *, work: Fresh, seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Claim a configuration on one fresh seed; None where another worker has it, or where it is done.

    Args:
        study: The study.
        number: The configuration's.
        index: The seed's place, from 0.
        worker: This process.
        work: On all of its rows, or on half of them.
        seconds: How long the lease holds without a renewal.
    """
    return claim_beside(study, number, index, worker, work=work, seconds=seconds)


def finish_run(study: StudyHandle, held: Claim, run: FinalistRun) -> None:
    """Store a run's result as one of the work that is held, and end its claim in the same transaction.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    finish_beside(study, held, _KINDS[held.work], asdict(run))


def fresh_runs(study: StudyHandle, work: Fresh) -> tuple[FinalistRun, ...]:
    """Return every run of that work that is done, seed by seed."""
    found: dict[tuple[int, int], FinalistRun] = {}
    for link in links(study, _KINDS[work]):
        run = FinalistRun(**link.facts)
        # A transaction that is repeated after a lost answer writes the same twice.
        found.setdefault((run.index, run.number), run)
    return tuple(found[key] for key in sorted(found))
