"""Finalists' runs in storage: one claim a (configuration, seed), its result written with the claim's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from autoft.storage.leases import LEASE_SECONDS, Claim, LeaseLost, claim, end, lost_claims, states
from autoft.storage.lineage import Link, insert_link, links
from autoft.storage.studies import StudyHandle
from autoft.storage.tables import claims, epoch
from autoft.storage.trials import Word
from autoft.storage.workers import is_dead


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
    return claim(
        study.database,
        study_id=study.study_id,
        trial_id=study.database.storage.get_trial_id_from_study_id_trial_number(study.study_id, number),
        number=number,
        worker=worker,
        work="finalist",
        rung=index,
        seconds=seconds,
    )


def finish_finalist(study: StudyHandle, held: Claim, run: FinalistRun) -> None:
    """Store a run's result, and end its claim in the same transaction.

    It lies in the lineage, where no sampler sees it: to Optuna the trial stays what the search told.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    facts = {name: getattr(run, name) for name in _FACTS}

    def once(session: Session) -> None:
        if not end(session, held, "done"):
            raise LeaseLost(f"trial {held.number}, seed {run.seed}: another worker has taken it over")
        insert_link(session, study.study_id, Link(held.trial_id, "finalist_of", held.trial_id, facts))

    study.database.write(once)


def finalist_runs(study: StudyHandle) -> tuple[FinalistRun, ...]:
    """Return every run that is done, seed by seed."""
    found: dict[tuple[int, int], FinalistRun] = {}
    for link in links(study, "finalist_of"):
        run = FinalistRun(**link.facts)
        # A transaction that is repeated after a lost answer writes the same twice.
        found.setdefault((run.index, run.number), run)
    return tuple(found[key] for key in sorted(found))


def is_searching(study: StudyHandle) -> bool:
    """Tell whether a worker trains a trial of the search at this moment."""
    lost = {one.number for one in lost_claims(study.database, study.study_id) if one.work == "search"}
    standing = states(study.database, study.study_id)
    return any(state == "claimed" and number not in lost for number, state in standing.items())


def finalists_at_work(study: StudyHandle) -> int:
    """Return how many finalists' runs are held by workers at this moment."""
    its = select(claims.c.worker).where(
        claims.c.study_id == study.study_id,
        claims.c.work == "finalist",
        claims.c.state == "claimed",
        claims.c.expires_at >= epoch(),
    )
    workers = study.database.read(lambda session: session.execute(its).scalars().all())
    return sum(not is_dead(worker) for worker in workers)


_FACTS = ("number", "index", "seed", "value", "state", "reason", "metrics", "seconds", "execution")
