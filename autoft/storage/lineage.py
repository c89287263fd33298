"""Lineage: which trial came from which, and what is known of the step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from autoft.storage.attributes import plain
from autoft.storage.studies import StudyHandle
from autoft.storage.tables import epoch, lineage

Kind = Literal["retry_of", "promoted_from", "finalist_of", "half_of", "audit_of", "replay_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """One step in a trial's life.

    Attributes:
        trial_id: Optuna's, of the trial that came out of the step.
        kind: What the step was.
        parent_id: The trial that it came from; the same one for a retry, a promotion, a
            finalist's seed or an audit.
        facts: Rung, seed, values, ….
    """

    trial_id: int
    kind: Kind
    parent_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promoted:
    """A paused configuration that was continued.

    Attributes:
        number: The configuration's.
        rung: From where.
    """

    number: int
    rung: int


def add_link(study: StudyHandle, link: Link) -> None:
    """Store one step."""
    study.database.write(lambda session: insert_link(session, study.study_id, link))


def insert_link(session: Session, study_id: int, link: Link) -> None:
    """Store one step within a transaction."""
    session.execute(
        insert(lineage).values(
            study_id=study_id,
            trial_id=link.trial_id,
            kind=link.kind,
            parent_id=link.parent_id,
            facts=json.dumps(plain(link.facts)),
            created=epoch(),
        )
    )


def promotions(study: StudyHandle) -> tuple[Promoted, ...]:
    """Return every promotion of a study, oldest first."""
    found = links(study, "promoted_from")
    return tuple(Promoted(link.facts["number"], link.facts["rung"]) for link in found)


def links(study: StudyHandle, kind: Kind | None = None) -> tuple[Link, ...]:
    """Return the steps of a study, oldest first; those of one kind where it is given."""
    its = select(lineage).where(lineage.c.study_id == study.study_id).order_by(lineage.c.lineage_id)
    if kind is not None:
        its = its.where(lineage.c.kind == kind)
    rows = study.database.read(lambda session: session.execute(its).all())
    return tuple(Link(row.trial_id, row.kind, row.parent_id, json.loads(row.facts)) for row in rows)
