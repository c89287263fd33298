"""Finalists: the best configurations and the default, trained again on fresh seeds by whichever worker is free.

Then the winner once more on half of its training rows, which says whether more data would help.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from autoft.errors import StudyError, TimedOut
from autoft.storage.audits import read_audited
from autoft.storage.beside import at_work
from autoft.storage.finalists import (
    FinalistRun,
    Fresh,
    claim_run,
    finish_run,
    fresh_runs,
)
from autoft.storage.leases import Claim, forfeit
from autoft.storage.records import TrialRecord
from autoft.strategy.stopping import TimeLimit
from autoft.study.afterwards import run_missing, run_next_of
from autoft.study.audit_choice import audit_seconds
from autoft.study.execution import Execution, stopwatch
from autoft.study.final_choice import finalist_seed, missing_halves, missing_runs, trials_limit
from autoft.study.fitting import fits, free_memory, without_better
from autoft.study.lease import attempt
from autoft.study.trial import TrialContext, outcome_of
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.study.trial_weights import weights_file
from autoft.training.runtime import Runtime

logger = logging.getLogger(__name__)
_OVER = TimeLimit(0.0)


class TrialTime:
    """When a worker's trials must end so that the audit and the finalists still fit.

    Args:
        context: The worker's; its limit is the end of everything.
    """

    def __init__(self, context: TrialContext) -> None:
        self._context = context
        self._over = False

    def limit(self) -> TimeLimit:
        """Return the limit of the next trial; once it is over it stays over, though finalists may be quicker."""
        context = self._context
        if context.limit.deadline is None:
            return context.limit
        records, runs = read_audited(context.study), fresh_runs(context.study, "finalist")
        config = context.config
        audit = audit_seconds(records, config.budget, config.seed)
        found = trials_limit(context.limit, records, runs, config.budget, audit=audit)
        begun = at_work(context.study, "audit", "finalist", "half") > 0
        self._over = self._over or found.is_over(time.time()) or begun
        return _OVER if self._over else found


def run_fresh(context: TrialContext, worker: str, work: Fresh) -> None:
    """Train finalists, or the winner on half of its rows, until none is missing, time is over or the worker is to end.

    Raises:
        Interrupted: If the worker is to end.
    """
    run_missing(context, lambda: run_next_fresh(context, worker, work))


def run_next_fresh(context: TrialContext, worker: str, work: Fresh) -> bool:
    """Train a missing (configuration, seed), or wait for other workers; return False where nothing is left to do.

    Raises:
        Interrupted: If the worker is to end.
        LeaseLost: If another worker has taken the run over.
    """
    study, budget = context.study, context.config.budget
    if not budget.finalists:
        return False

    def missing() -> Sequence[tuple[TrialRecord, int]]:
        records, runs = read_audited(study), fresh_runs(study, "finalist")
        if work == "finalist":
            return missing_runs(records, runs, budget)
        return missing_halves(records, runs, fresh_runs(study, work), budget)

    return run_next_of(
        context,
        missing,
        lambda found: claim_run(study, found[0].number, found[1], worker, work=work),
        lambda held, found: _run(context, held, found[0]),
    )


def _run(context: TrialContext, held: Claim, record: TrialRecord) -> None:
    """Train a configuration again and store what it reached, however it ended; not where time is over before."""
    study, config = context.study, context.config
    seed = finalist_seed(config.seed, held.rung)
    halves = held.work == "half"
    training = _Training(context, record, halves=halves)
    error = attempt(study, held, context.stop, context.limit, partial(training.run, seed))
    if isinstance(error, TimedOut):
        forfeit(study.database, study_id=study.study_id, worker=held.worker)
        return
    outcome = outcome_of(error, training.clock(), training.execution)
    best = training.execution.best if training.execution is not None else None
    run = FinalistRun(
        number=held.number,
        index=held.rung,
        seed=seed,
        # What would be delivered of such a run: its best evaluation, or a model that has learned nothing.
        value=context.workbench.floor if best is None else float(best.scores.value),
        state=outcome.state,
        reason=outcome.reason,
        metrics={} if best is None else best.scores.metrics,
        seconds=outcome.seconds,
        execution=outcome.execution,
        rows=training.rows,
    )
    finish_run(study, held, run)
    logger.info("trial %d, seed %d: %s, %.4f", run.number, seed, run.state, run.value)


class _Training:
    """A finalist's training; `execution` is what was reached and `clock` how long it took, whatever ended it."""

    def __init__(self, context: TrialContext, record: TrialRecord, *, halves: bool) -> None:
        self._context, self._record, self._halves = context, record, halves
        self.execution: Execution | None = None
        self.clock = stopwatch()
        self.rows = 0

    def run(self, seed: int, tick: Callable[[], None]) -> None:
        """Train; what it takes to restore the trial's own weights before is no part of its time."""
        self.restore_weights(tick)
        self.clock = stopwatch()
        self.train(seed, tick)

    def train(self, seed: int, tick: Callable[[], None]) -> None:
        """Train to the end as the trial was, with its patience but without rungs; halve what does not fit.

        Raises:
            OutOfMemory: If not even one sequence at a time fits.
        """
        config = self._config(seed)
        micro_batch = int(self._record.execution.get("micro_batch", config.fit.batch_size))
        while not fits(partial(self._train, config, self._runtime(micro_batch, tick)), micro_batch):
            # The error is gone by now, and with it the frames that held the model.
            self.execution = None
            free_memory()
            micro_batch = max(1, micro_batch // 2)

    def restore_weights(self, tick: Callable[[], None]) -> None:
        """Train the trial itself again where its weights, which may be the best, are not kept."""
        context, record = self._context, self._record
        try:
            weights_file(context.config, record)
        except StudyError:
            logger.info("trial %d: its weights are not kept, it is trained again", record.number)
        else:
            return
        runtime = self._runtime(int(record.execution["micro_batch"]), tick)
        again = self._execution(self._config(context.config.seed), runtime)
        for evaluation in again:
            if evaluation.step >= record.execution["last_step"]:
                break
        digest = again.record().get("best_weights")
        if again.best is None or digest != record.execution.get("best_weights"):
            logger.warning("trial %d: trained again, it gives other weights on this machine", record.number)
            return
        context.weights.save(record.number, again.best.step, again.best.checkpoint())

    def _train(self, config: TrialConfig, runtime: Runtime) -> None:
        bench = self._context.workbench.bench_of(config)
        bench = bench.halved(config.fit.seed) if self._halves else bench
        self.rows = len(bench.folds[0].train.rows)
        execution = self.execution = Execution(bench, config, runtime)
        done: list[float] = []
        for evaluation in execution:
            done.append(evaluation.value)
            if without_better(done) >= config.patience:
                return

    def _execution(self, config: TrialConfig, runtime: Runtime) -> Execution:
        return Execution(self._context.workbench.bench_of(config), config, runtime)

    def _config(self, seed: int) -> TrialConfig:
        return build_trial_config(self._record.config, kind=self._context.workbench.task.head, seed=seed)

    def _runtime(self, micro_batch: int, tick: Callable[[], None]) -> Runtime:
        recorded = self._record.execution
        return Runtime(
            device=self._context.workbench.device,
            micro_batch=micro_batch,
            evaluation_tokens=int(recorded["evaluation_tokens"]),
            threads=self._context.config.compute.threads,
            tick=tick,
        )
