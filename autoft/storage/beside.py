"""Work beside the search: claimed like trials, stored in the lineage with its claim's end, invisible to samplers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from autoft.storage.leases import LEASE_SECONDS, Claim, LeaseLost, Work, claim, end, lost_claims, states
from autoft.storage.lineage import Kind, Link, insert_link
from autoft.storage.studies import StudyHandle
from autoft.storage.tables import claims, epoch
from autoft.storage.workers import is_dead


def claim_beside(
    study: StudyHandle, number: int, place: int, worker: str, *, work: Work, seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Claim a piece of work on a configuration; None where another worker has it, or where it is done.

    Args:
        study: The study.
        number: The configuration's.
        place: Which piece: the claim's `rung`.
        worker: This process.
        work: What is done.
        seconds: How long the lease holds without a renewal.
    """
    return claim(
        study.database,
        study_id=study.study_id,
        trial_id=study.database.storage.get_trial_id_from_study_id_trial_number(study.study_id, number),
        number=number,
        worker=worker,
        work=work,
        rung=place,
        seconds=seconds,
    )


def finish_beside(study: StudyHandle, held: Claim, kind: Kind, facts: Mapping[str, Any]) -> None:
    """Store what came out, and end its claim in the same transaction.

    It lies in the lineage, where no sampler sees it: to Optuna the trial stays what the search told.

    Raises:
        LeaseLost: If another worker has taken it over.
    """

    def once(session: Session) -> None:
        if not end(session, held, "done"):
            raise LeaseLost(f"trial {held.number}, {held.work} {held.rung}: another worker has taken it over")
        insert_link(session, study.study_id, Link(held.trial_id, kind, held.trial_id, facts))

    study.database.write(once)


def at_work(study: StudyHandle, *works: Work) -> int:
    """Return how many pieces of such work are held by workers at this moment."""
    its = select(claims.c.worker).where(
        claims.c.study_id == study.study_id,
        claims.c.work.in_(works),
        claims.c.state == "claimed",
        claims.c.expires_at >= epoch(),
    )
    workers = study.database.read(lambda session: session.execute(its).scalars().all())
    return sum(not is_dead(worker) for worker in workers)


def is_searching(study: StudyHandle) -> bool:
    """Tell whether a worker trains a trial of the search at this moment."""
    lost = {one.number for one in lost_claims(study.database, study.study_id) if one.work == "search"}
    standing = states(study.database, study.study_id)
    return any(state == "claimed" and number not in lost for number, state in standing.items())
