"""A trial's life in storage: asked, configured, evaluated, paused, told; or lost and taken over.

Each step is one transaction that also proves that the worker still holds the trial.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from optuna.distributions import BaseDistribution
from optuna.trial import TrialState
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from autoft.storage import attributes as keys
from autoft.storage.leases import (
    LEASE_SECONDS,
    Claim,
    LeaseLost,
    by_token,
    end,
    end_paused,
    extend,
    insert_claim,
    lost_claims,
    paused_claims,
    take,
    take_paused,
)
from autoft.storage.lineage import Link, insert_link
from autoft.storage.rdb import StudyStorage
from autoft.storage.records import EvaluationRecord, Kind, Scalar, best_value
from autoft.storage.studies import StudyHandle

Ending = Literal["complete", "pruned", "failed", "infeasible"]
Word = Ending | Literal["paused"]

# The sampler learns from constraints, and from pruned trials, but never from failed ones.
_OPTUNA_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "infeasible": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
MEMORY_CONSTRAINT = "memory"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended, or that it paused.

    Attributes:
        state: `infeasible` where it ran out of memory, `pruned` where it diverged or was stopped.
        reason: Why, in words; None for `complete`.
        seconds: Spent on training and evaluating it.
        execution: What a replay needs besides the configuration.
        facts: Counts about the trial.
        by_schedule: Whether it is the schedule that left it unfinished: it could have been trained on.
    """

    state: Word
    reason: str | None = None
    seconds: float = 0.0
    execution: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    by_schedule: bool = False

    def __post_init__(self) -> None:
        if (self.state == "complete") != (self.reason is None):
            raise ValueError(f"a reason is given unless the trial is complete, got {self.state}, {self.reason!r}")

    def so_far(self) -> dict[str, Any]:
        """Return what a configuration that pauses keeps."""
        kept = {keys.SECONDS: self.seconds, keys.EXECUTION: self.execution, keys.FACTS: self.facts}
        return {**kept, keys.PAUSED: self.reason}


def ask_trial(study: StudyHandle, worker: str, *, limit: int | None, seconds: float = LEASE_SECONDS) -> Claim | None:
    """Begin a new configuration; None where the study has `limit` already, over all workers.

    The slot, the trial and its lease are written together: no two workers get one number, none
    exceeds the limit, and a worker killed at any moment leaves a trial that another takes over.
    Number 0 is the default configuration.

    Args:
        study: The study.
        worker: This process, see `worker_name`.
        limit: Configurations in total; None is no limit.
        seconds: How long the lease holds without a renewal.
    """
    token, storage = uuid.uuid4().hex, study.database.storage

    def once(session: Session) -> Claim | None:
        mine = by_token(session, token)
        if mine is not None:
            return mine
        storage.lock_study(session, study.study_id)
        if limit is not None and storage.count_trials(session, study.study_id) >= limit:
            return None
        trial_id, number = storage.new_trial(session, study.study_id)
        fresh = Claim(0, study.study_id, trial_id, number, "search", 0, 1, worker)
        return insert_claim(session, fresh, token, seconds)

    return study.database.write(once)


def recover_lost(study: StudyHandle, worker: str, *, seconds: float = LEASE_SECONDS) -> Claim | None:
    """Take over one configuration whose worker was lost, at the same rung; None where none is.

    What the lost attempt had evaluated is forgotten: the configuration runs again, as one trial.
    """
    storage = study.database.storage
    for lost in lost_claims(study.database, study.study_id):
        if lost.work != "search":
            continue
        token = uuid.uuid4().hex

        def once(session: Session, lost: Claim = lost, token: str = token) -> Claim | None:
            mine = take(session, replace(lost, worker=worker), token, seconds)
            if mine is not None:
                _forget_after(storage, session, mine)
                retry = {"attempt": mine.attempt, "rung": mine.rung, "lost": lost.worker}
                insert_link(session, study.study_id, Link(mine.trial_id, "retry_of", mine.trial_id, retry))
            return mine

        try:
            mine = study.database.write(once)
        except IntegrityError:
            continue
        if mine is not None:
            return mine
    return None


def continue_paused(
    study: StudyHandle, number: int, rung: int, worker: str, *, seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Claim a paused configuration, to be continued from `rung`; None where another worker has it.

    The promotion stands in the lineage, as `promoted_from` the same trial.

    Args:
        study: The study.
        number: The configuration's.
        rung: Where it paused.
        worker: This process.
        seconds: How long the lease holds without a renewal.
    """
    storage = study.database.storage
    trial_id = storage.get_trial_id_from_study_id_trial_number(study.study_id, number)
    wanted, token = Claim(0, study.study_id, trial_id, number, "search", rung, 1, worker), uuid.uuid4().hex
    link = Link(trial_id, "promoted_from", trial_id, {"number": number, "rung": rung, "worker": worker})

    def once(session: Session) -> Claim | None:
        known = by_token(session, token)
        if known is not None:
            return known
        mine = take_paused(session, wanted, token, seconds)
        if mine is not None:
            insert_link(session, study.study_id, link)
        return mine

    try:
        return study.database.write(once)
    except IntegrityError:
        # Another worker wrote the unique row in the same moment.
        return None


def configure(
    study: StudyHandle,
    held: Claim,
    *,
    config: Mapping[str, Scalar],
    parameters: Mapping[str, Scalar],
    distributions: Mapping[str, BaseDistribution],
    kind: Kind,
    seconds: float = LEASE_SECONDS,
) -> None:
    """Store the configuration of a trial, once.

    Args:
        study: The study.
        held: The trial.
        config: Path -> value, constants included.
        parameters: What varies and lies inside the space; empty keeps the trial from samplers.
        distributions: The distribution of each parameter.
        kind: Where it came from.
        seconds: How long the lease holds without a renewal.

    Raises:
        LeaseLost: If another worker has taken the trial over.
    """
    storage = study.database.storage
    written = {keys.CONFIG: keys.plain(config), keys.KIND: kind}

    def once(session: Session) -> None:
        _hold(session, held, seconds)
        if keys.CONFIG in storage.user_attributes(session, held.trial_id):
            return
        storage.write_parameters(session, held.trial_id, parameters, distributions)
        storage.write_attributes(session, held.trial_id, written)

    study.database.write(once)


def record_measures(
    study: StudyHandle,
    held: Claim,
    measured: Mapping[str, float],
    constraints: Mapping[str, float],
    *,
    seconds: float = LEASE_SECONDS,
) -> None:
    """Store what a trial costs and how far it is from each limit, before it is trained.

    Args:
        study: The study.
        held: The trial.
        measured: Name -> amount; they join the trial's facts.
        constraints: Name -> share above the limit: broken above 0, met at 0 and below. They become Optuna's when the
            trial ends, whatever its end.
        seconds: How long the lease holds without a renewal.

    Raises:
        LeaseLost: If another worker has taken the trial over.
    """
    written = {f"{keys.MEASURE}{name}": keys.plain(value) for name, value in measured.items()}
    written |= {f"{keys.CONSTRAINT}{name}": keys.plain(value) for name, value in constraints.items()}

    def once(session: Session) -> None:
        _hold(session, held, seconds)
        study.database.storage.write_attributes(session, held.trial_id, written)

    study.database.write(once)


def record_evaluation(
    study: StudyHandle,
    held: Claim,
    evaluation: EvaluationRecord,
    metrics: Mapping[str, float],
    *,
    seconds: float = LEASE_SECONDS,
) -> None:
    """Store an evaluation with its metrics, and renew the lease.

    Raises:
        LeaseLost: If another worker has taken the trial over.
    """
    storage = study.database.storage
    key = keys.evaluation_key(evaluation.step)
    step, value = int(evaluation.step), float(evaluation.value)
    stored = keys.evaluation_as_dict(evaluation, metrics)

    def once(session: Session) -> None:
        _hold(session, held, seconds)
        best = keys.best_metrics({**storage.user_attributes(session, held.trial_id), key: stored})
        written = {key: stored} if best is None else {key: stored, keys.METRICS: best}
        storage.write_attributes(session, held.trial_id, written)
        storage.write_intermediate(session, held.trial_id, step, value)

    study.database.write(once)


def forget(study: StudyHandle, held: Claim) -> None:
    """Forget every evaluation of a trial that begins anew, with a smaller micro-batch, after it had paused.

    Raises:
        LeaseLost: If another worker has taken the trial over.
    """

    def once(session: Session) -> None:
        _hold(session, held, LEASE_SECONDS)
        _forget_after(study.database.storage, session, replace(held, rung=0))

    study.database.write(once)


def pause(study: StudyHandle, held: Claim, outcome_so_far: Mapping[str, Any]) -> None:
    """Give a configuration back at a rung, to be continued by any worker.

    Args:
        study: The study.
        held: The trial.
        outcome_so_far: User attributes to keep, see `Outcome.so_far`.

    Raises:
        LeaseLost: If another worker has taken the trial over.
    """
    written = {key: keys.plain(value) for key, value in outcome_so_far.items()}

    def once(session: Session) -> None:
        if not end(session, held, "paused"):
            raise LeaseLost(_lost_text(held))
        study.database.storage.write_attributes(session, held.trial_id, written)

    study.database.write(once)


def prune_paused(study: StudyHandle, reason: str) -> int:
    """Tell every paused configuration as pruned, when the search ends; return how many.

    Args:
        study: The study.
        reason: Why none of them is continued; stands behind why each had paused.
    """
    storage = study.database.storage

    def once(session: Session) -> int:
        ended = [held for held in paused_claims(session, study.study_id) if end_paused(session, held)]
        for held in ended:
            found = storage.user_attributes(session, held.trial_id)
            why = "; ".join(words for words in (found.get(keys.PAUSED), reason) if words)
            spent = found.get(keys.SECONDS, 0.0)
            known = found.get(keys.EXECUTION, {}), found.get(keys.FACTS, {})
            outcome = Outcome("pruned", why, spent, *known, by_schedule=True)
            _finish(study, session, held, outcome)
        return len(ended)

    return study.database.write(once)


def tell(study: StudyHandle, held: Claim, outcome: Outcome) -> None:
    """End a trial, and its lease with it; its value is the best evaluation. Twice is once.

    Raises:
        LeaseLost: If another worker has taken the trial over.
        ValueError: If a trial without an evaluation is told complete, or a paused one is told at all.
    """
    if outcome.state == "paused":
        raise ValueError(f"trial {held.number}: an ending expected, got {outcome.state}")

    def once(session: Session) -> None:
        if not end(session, held, "done"):
            raise LeaseLost(_lost_text(held))
        if study.database.storage.is_running(session, held.trial_id):
            _finish(study, session, held, outcome)

    study.database.write(once)


def _finish(study: StudyHandle, session: Session, held: Claim, outcome: Outcome) -> None:
    storage = study.database.storage
    found = storage.user_attributes(session, held.trial_id)
    evaluations = keys.evaluations_in(found)
    value = best_value(evaluations)
    if outcome.state == "complete" and value is None:
        raise ValueError(f"trial {held.number}: a complete trial has an evaluation, got none")
    written = {
        keys.SECONDS: keys.plain(outcome.seconds),
        keys.EXECUTION: keys.plain(outcome.execution),
        keys.FACTS: keys.plain(outcome.facts),
    }
    if outcome.reason is not None:
        written[keys.REASON] = outcome.reason
    if outcome.by_schedule and evaluations:
        written[keys.LEFT_AT] = evaluations[-1].step
    storage.write_attributes(session, held.trial_id, written)
    storage.finish_trial(
        session,
        held.trial_id,
        _OPTUNA_STATES[outcome.state],
        value if outcome.state in {"complete", "pruned"} else None,
        _constraints(outcome, keys.numbers_under(keys.CONSTRAINT, found)),
    )


def _constraints(outcome: Outcome, limits: Mapping[str, float]) -> dict[str, float]:
    """Return the constraints of a trial that ended: its limits, and the device's memory where that was broken."""
    over = any(amount > 0 for amount in limits.values())
    full = outcome.state == "infeasible" and not over
    return {**limits, MEMORY_CONSTRAINT: 1.0} if full else dict(limits)


def _hold(session: Session, held: Claim, seconds: float) -> None:
    if not extend(session, held, seconds):
        raise LeaseLost(_lost_text(held))


def _lost_text(held: Claim) -> str:
    return f"trial {held.number}: another worker has taken it over from {held.worker}"


def _forget_after(storage: StudyStorage, session: Session, mine: Claim) -> None:
    """Forget what an attempt evaluated beyond the rung from which its successor begins."""
    found = storage.user_attributes(session, mine.trial_id)
    steps = [one.step for one in keys.evaluations_in(found) if one.step > mine.rung]
    forgotten = {keys.evaluation_key(step) for step in steps}
    best = keys.best_metrics({key: value for key, value in found.items() if key not in forgotten})
    storage.forget_evaluations(session, mine.trial_id, steps, {*forgotten, keys.METRICS})
    if best is not None:
        storage.write_attributes(session, mine.trial_id, {keys.METRICS: best})
