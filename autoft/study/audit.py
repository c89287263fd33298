"""The pruning audit: some configurations that pruning has left unfinished, drawn by lot, are trained to their end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from autoft.errors import TimedOut
from autoft.storage.audits import AuditRun, claim_audit, finish_audit, read_audited
from autoft.storage.finalists import fresh_runs
from autoft.storage.leases import Claim, forfeit
from autoft.storage.reading import read_trial
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.strategy.stopping import TimeLimit
from autoft.study.afterwards import run_missing, run_next_of
from autoft.study.audit_choice import audit_seconds, missing_audits
from autoft.study.bench import Bench
from autoft.study.execution import Execution
from autoft.study.final_choice import audit_limit
from autoft.study.lease import attempt
from autoft.study.search_end import keep_paused
from autoft.study.stretch import Earlier, earlier_stretches
from autoft.study.trial import Attempt, TrialContext, drop_others
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.training.runtime import Runtime

logger = logging.getLogger(__name__)


def run_audit(context: TrialContext, worker: str) -> None:
    """Finish what the audit has drawn until none is missing, time is over or the worker is to end.

    Raises:
        Interrupted: If the worker is to end.
    """
    if context.config.budget.audit is None:
        return
    until = replace(context, limit=_limit(context))
    run_missing(until, lambda: run_next_audit(until, worker))
    # What time did not suffice for is continued when the search is resumed.
    keep_paused(context)


def run_next_audit(context: TrialContext, worker: str) -> bool:
    """Finish one configuration, or wait for other workers; return False where nothing is left to do.

    Raises:
        Interrupted: If the worker is to end.
        LeaseLost: If another worker has taken it over.
    """
    study, config = context.study, context.config

    def claim(record: TrialRecord) -> Claim | None:
        return claim_audit(study, record.number, record.left_at or 0, worker)

    def missing() -> Sequence[TrialRecord]:
        return missing_audits(read_audited(study), config.budget, config.seed)

    return run_next_of(context, missing, claim, lambda held, record: _run(context, held, record))


def _limit(context: TrialContext) -> TimeLimit:
    study, config = context.study, context.config
    records = read_audited(study)
    seconds = audit_seconds(records, config.budget, config.seed)
    return audit_limit(context.limit, records, fresh_runs(study, "finalist"), config.budget, audit=seconds)


def _run(context: TrialContext, held: Claim, record: TrialRecord) -> None:
    """Finish a configuration and store how it ended; but time that is over leaves it to be done."""
    study, config = context.study, context.config
    trial = build_trial_config(record.config, kind=context.workbench.task.head, seed=config.seed)
    stretch = _Finishing(context, held, earlier_stretches(read_trial(study, held.number), held.rung))
    error = attempt(study, held, context.stop, context.limit, partial(stretch.run, trial))
    if isinstance(error, TimedOut):
        forfeit(study.database, study_id=study.study_id, worker=held.worker)
        return
    outcome = stretch.outcome(error)
    if outcome.state == "complete":
        stretch.keep_weights()
    run = AuditRun(
        number=held.number,
        rung=held.rung,
        state=outcome.state,
        reason=outcome.reason,
        evaluations=stretch.evaluations,
        metrics=stretch.metrics,
        seconds=outcome.seconds - record.seconds,
        execution=outcome.execution,
        facts=outcome.facts,
    )
    finish_audit(study, held, run)
    if record.state != "paused":
        context.paused.drop(held.number)
    drop_others(context)
    logger.info("trial %d, audited from rung %d: %s", run.number, run.rung, run.state)


class _Finishing(Attempt):
    """The last stretch of a configuration, without rungs; what it evaluates is no part of the search."""

    def __init__(self, context: TrialContext, held: Claim, earlier: Earlier) -> None:
        super().__init__(context, held, earlier)
        self._evaluations = {one.step: one for one in earlier.evaluations}

    @property
    def evaluations(self) -> tuple[EvaluationRecord, ...]:
        """All evaluations, those of the search too."""
        return tuple(self._evaluations[step] for step in sorted(self._evaluations))

    @property
    def metrics(self) -> Mapping[str, float]:
        """Every metric at the best evaluation."""
        best = None if self.execution is None else self.execution.best
        return {} if best is None else best.scores.metrics

    def admit(self, bench: Bench, execution: Execution, config: TrialConfig, runtime: Runtime) -> None:
        """Measure nothing: the search has admitted it."""

    def record(self, evaluation: EvaluationRecord, metrics: Mapping[str, float]) -> None:
        """Remember an evaluation until the end, which stores all."""
        del metrics
        self._evaluations[evaluation.step] = evaluation

    def forget(self) -> None:
        """Forget every evaluation, those of the search too."""
        self._evaluations.clear()

    def judge(self, execution: Execution, done: Sequence[EvaluationRecord]) -> None:
        """Go on, whatever others have reached."""
