"""Leases: one worker at a time holds a (configuration, rung), for as long as it keeps saying so."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Row,
    Select,
    Update,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from autoft.errors import TrialError
from autoft.storage.database import Database
from autoft.storage.tables import claims, epoch
from autoft.storage.workers import is_dead

LEASE_SECONDS = 60.0

Work = Literal["search", "finalist", "half", "audit"]
ClaimState = Literal["claimed", "paused", "done", "lost"]


class LeaseLost(TrialError):  # noqa: N818 - named like its siblings
    """Another worker has taken the configuration over; this one must not write any more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One stretch of work on one configuration, held by one worker.

    Attributes:
        claim_id: The row.
        study_id: Optuna's.
        trial_id: Optuna's.
        number: The configuration's number in its study.
        work: `search`; `finalist`: the same configuration on a fresh seed; `half`: that on half of its rows; `audit`:
            what pruning left unfinished.
        rung: Where the work begins: 0 is untrained, 3 is the checkpoint of rung 3; for finalists
            and halves the seed's index.
        attempt: 1, and one more each time that a worker was lost.
        worker: Who holds it.
    """

    claim_id: int
    study_id: int
    trial_id: int
    number: int
    work: Work
    rung: int
    attempt: int
    worker: str


def claim(  # noqa: PLR0913 - names the row
    database: Database,
    *,
    study_id: int,
    trial_id: int,
    number: int,
    worker: str,
    work: Work = "search",
    rung: int = 0,
    seconds: float = LEASE_SECONDS,
) -> Claim | None:
    """Claim a (configuration, rung); None where another worker holds it, or where it is done.

    Returns:
        The first attempt where nobody had claimed it, the next one where its worker was lost.
    """
    token = uuid.uuid4().hex
    wanted = Claim(0, study_id, trial_id, number, work, rung, 1, worker)
    try:
        return database.write(lambda session: take(session, wanted, token, seconds))
    except IntegrityError:
        # Another worker wrote the unique row in the same moment.
        return None


def renew(database: Database, held: Claim, *, seconds: float = LEASE_SECONDS) -> bool:
    """Say that the worker still works; False where the lease was lost to another."""
    return database.write(lambda session: extend(session, held, seconds))


def release(database: Database, held: Claim, state: Literal["paused", "done"]) -> bool:
    """Give a lease back; False where it was lost to another."""
    return database.write(lambda session: end(session, held, state))


def forfeit(database: Database, *, study_id: int, worker: str) -> int:
    """Mark all that `worker` holds as lost, known to be dead; return how many."""

    def once(session: Session) -> int:
        its = (
            claims.c.study_id == study_id,
            claims.c.worker == worker,
            claims.c.state == "claimed",
        )
        return rows_changed(session, update(claims).where(*its).values(state="lost"))

    return database.write(once)


def lost_claims(database: Database, study_id: int) -> tuple[Claim, ...]:
    """Return the work whose worker was lost and that nobody has taken over, oldest first."""

    def once(session: Session) -> tuple[Claim, ...]:
        its = select(claims, (claims.c.expires_at < epoch()).label("expired")).where(
            claims.c.study_id == study_id, claims.c.state.in_(("claimed", "lost")), _is_latest()
        )
        rows = session.execute(its.order_by(claims.c.claim_id))
        return tuple(_as_claim(row) for row in rows if row.state == "lost" or row.expired or is_dead(row.worker))

    return database.read(once)


def states(database: Database, study_id: int) -> dict[int, ClaimState]:
    """Return where the search stands: a configuration's number -> state of its latest claim."""

    def once(session: Session) -> dict[int, ClaimState]:
        its = select(claims.c.number, claims.c.state).where(
            claims.c.study_id == study_id, claims.c.work == "search", _is_latest()
        )
        return {row.number: row.state for row in session.execute(its)}

    return database.read(once)


def take(session: Session, wanted: Claim, token: str, seconds: float) -> Claim | None:
    """Claim within a transaction; None where another worker holds it or it is done.

    Raises:
        IntegrityError: If another worker took it in the same moment.
    """
    mine = by_token(session, token)
    if mine is not None:
        return mine
    last = session.execute(_same_work(wanted).order_by(claims.c.claim_id.desc()).limit(1)).first()
    if last is not None and not _may_follow(session, last, wanted.rung):
        return None
    same = (
        claims.c.trial_id == wanted.trial_id,
        claims.c.work == wanted.work,
        claims.c.rung == wanted.rung,
    )
    attempts = session.execute(select(func.count()).select_from(claims).where(*same)).scalar_one()
    return insert_claim(session, replace(wanted, attempt=attempts + 1), token, seconds)


def take_paused(session: Session, wanted: Claim, token: str, seconds: float) -> Claim | None:
    """Claim a paused configuration from a rung within a transaction; None where it is not paused (any more).

    Raises:
        IntegrityError: If another worker took it in the same moment.
    """
    last = session.execute(_same_work(wanted).order_by(claims.c.claim_id.desc()).limit(1)).first()
    if last is None or last.state != "paused" or last.rung == wanted.rung:
        return None
    return insert_claim(session, wanted, token, seconds)


def extend(session: Session, held: Claim, seconds: float) -> bool:
    """Renew within a transaction; False where the lease was lost."""
    beat = update(claims).where(claims.c.claim_id == held.claim_id, claims.c.state == "claimed")
    return rows_changed(session, beat.values(beat_at=epoch(), expires_at=epoch() + seconds)) == 1


def end(session: Session, held: Claim, state: ClaimState) -> bool:
    """End a lease within a transaction; False where it was lost. Twice is once."""
    its = claims.c.claim_id == held.claim_id
    if rows_changed(session, update(claims).where(its, claims.c.state == "claimed").values(state=state)) == 1:
        return True
    return session.execute(select(claims.c.state).where(its)).scalar() == state


def end_paused(session: Session, paused: Claim) -> bool:
    """Mark paused work as done within a transaction; False where it is not paused any more."""
    its = claims.c.claim_id == paused.claim_id, claims.c.state == "paused"
    return rows_changed(session, update(claims).where(*its).values(state="done")) == 1


def paused_claims(session: Session, study_id: int) -> tuple[Claim, ...]:
    """Return the claims of all configurations that are paused, within a transaction."""
    its = claims.c.study_id == study_id, claims.c.state == "paused", _is_latest()
    return tuple(_as_claim(row) for row in session.execute(select(claims).where(*its)))


def by_token(session: Session, token: str) -> Claim | None:
    """Return the claim that an earlier run of the same transaction has stored."""
    row = session.execute(select(claims).where(claims.c.token == token)).first()
    return None if row is None else _as_claim(row)


def insert_claim(session: Session, wanted: Claim, token: str, seconds: float) -> Claim:
    """Write a claim within a transaction and return it with its row's number."""
    row = insert(claims).values(
        study_id=wanted.study_id,
        trial_id=wanted.trial_id,
        number=wanted.number,
        work=wanted.work,
        rung=wanted.rung,
        attempt=wanted.attempt,
        worker=wanted.worker,
        token=token,
        state="claimed",
        claimed_at=epoch(),
        beat_at=epoch(),
        expires_at=epoch() + seconds,
    )
    result = cast("CursorResult[Any]", session.execute(row))
    return replace(wanted, claim_id=cast("Row[Any]", result.inserted_primary_key)[0])


def rows_changed(session: Session, statement: Update | Delete) -> int:
    """Execute and return how many rows it changed."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _same_work(wanted: Claim) -> Select[Any]:
    """Select claims of which one may be live: a configuration's search, or one piece of work beside it."""
    its = select(claims).where(claims.c.trial_id == wanted.trial_id, claims.c.work == wanted.work)
    return its if wanted.work == "search" else its.where(claims.c.rung == wanted.rung)


def _may_follow(session: Session, last: Row[Any], rung: int) -> bool:
    """Tell whether work from `rung` may be claimed after `last`; mark that as lost where it is."""
    if last.rung != rung:
        return bool(last.state == "paused")
    if last.state == "claimed":
        gone = true() if is_dead(last.worker) else claims.c.expires_at < epoch()
        lose = update(claims).where(claims.c.claim_id == last.claim_id, claims.c.state == "claimed", gone)
        return rows_changed(session, lose.values(state="lost")) == 1
    return bool(last.state == "lost")


def _is_latest() -> ColumnElement[bool]:
    later = claims.alias()
    same_piece = or_(claims.c.work == "search", later.c.rung == claims.c.rung)
    return ~exists().where(
        later.c.trial_id == claims.c.trial_id,
        later.c.work == claims.c.work,
        later.c.claim_id > claims.c.claim_id,
        same_piece,
    )


def _as_claim(row: Row[Any]) -> Claim:
    return Claim(
        row.claim_id,
        row.study_id,
        row.trial_id,
        row.number,
        row.work,
        row.rung,
        row.attempt,
        row.worker,
    )
