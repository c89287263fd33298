"""One trial: asked, trained, judged at its rungs, paused or told; the one place where an exception becomes a state."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from autoft.errors import ConfigError, Diverged, OutOfMemory, OverLimit, StorageError, TimedOut
from autoft.space import SearchSpace
from autoft.storage.audits import read_audited
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.finalists import fresh_runs
from autoft.storage.leases import Claim, LeaseLost
from autoft.storage.reading import read_trial, read_trials
from autoft.storage.records import EvaluationRecord, Kind, Scalar
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import Outcome, configure, forget, pause, record_evaluation, tell
from autoft.strategy.samplers import propose
from autoft.strategy.schedule import Schedule, Verdict
from autoft.strategy.standing import standing_of
from autoft.strategy.stopping import TimeLimit
from autoft.strategy.suggest import proposal_of
from autoft.study.bench import Bench, Workbench
from autoft.study.config import StudyConfig
from autoft.study.execution import Execution, PausedState, stopwatch
from autoft.study.final_choice import kept_numbers, may_be_kept
from autoft.study.fitting import fits, free_memory, without_better
from autoft.study.lease import attempt
from autoft.study.measures import admit_trial
from autoft.study.paused import PausedStates
from autoft.study.portfolio import EARLIER
from autoft.study.standings import outlook_of, standings_of
from autoft.study.stretch import Earlier, earlier_stretches
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.study.trial_weights import drop_weights
from autoft.training.measuring import weights_memory
from autoft.training.runtime import Runtime, memory_errors

logger = logging.getLogger(__name__)
_EVALUATION_TOKENS = 4096
_FEWEST_TOKENS = 512


class Stopped(Exception):  # noqa: N818 - a verdict, not a failure
    """The schedule stopped the trial; the text says why."""


class Paused(Exception):  # noqa: N818 - a verdict, not a failure
    """The schedule paused the trial, whose state is kept; the text says why."""


@dataclass(frozen=True, slots=True)
class TrialContext:
    """What every trial of a worker needs.

    Attributes:
        config: The study's.
        study: Where it is remembered.
        space: What may vary.
        schedule: Judges at rungs.
        workbench: Base models and data.
        weights: Where the best weights of trials are kept.
        paused: Where the states of paused trials are kept.
        stop: Set when the worker is to end.
        limit: When the search's time is over.
    """

    config: StudyConfig
    study: StudyHandle
    space: SearchSpace
    schedule: Schedule
    workbench: Workbench
    weights: CheckpointStore
    paused: PausedStates
    stop: threading.Event
    limit: TimeLimit


def run_trial(context: TrialContext, held: Claim) -> Outcome:
    """Run the trial that is held, from its first step or the rung where it paused, to its next pause or last word.

    Raises:
        LeaseLost: If another worker has taken it over.
        Interrupted: If the worker is to end.
    """
    time = context.workbench.time
    with time.on("propose"):
        values = _configuration(context, held)
    config = build_trial_config(values, kind=context.workbench.task.head, seed=context.config.seed)
    stretch = Attempt(context, held, earlier_stretches(read_trial(context.study, held.number), held.rung))
    error = attempt(context.study, held, context.stop, context.limit, partial(stretch.run, config))
    stretch.learn_memory()
    outcome = stretch.outcome(error)
    if outcome.state == "complete":
        with time.on("checkpoint"):
            stretch.keep_weights()
    with time.on("storage"):
        _store(context, held, outcome, stretch.reached)
    logger.info(
        "trial %d: %s in %.1f s %s",
        held.number,
        outcome.state,
        outcome.seconds,
        outcome.reason or "",
    )
    return outcome


def _store(context: TrialContext, held: Claim, outcome: Outcome, reached: int) -> None:
    if outcome.state == "paused":
        pause(context.study, held, outcome.so_far())
        context.paused.drop(held.number, below=reached)
        return
    tell(context.study, held, outcome)
    context.paused.drop(held.number)
    drop_others(context)


def drop_others(context: TrialContext) -> None:
    """Drop the weights of all trials but the default and those that may be the best."""
    records, runs = read_audited(context.study), fresh_runs(context.study, "finalist")
    drop_weights(context.weights, records, kept_numbers(records, runs, context.config.budget))


def outcome_of(error: Exception | None, seconds: float, execution: Execution | None) -> Outcome:
    """Return the state that an exception means; out of memory and divergence are told so that the sampler learns.

    Raises:
        Exception: `error` itself where the trial is no longer this worker's to tell.
    """
    record: dict[str, Any] = execution.record() if execution is not None else {}
    facts = execution.facts() if execution is not None else {}
    match error:
        case None:
            return Outcome("complete", None, seconds, record, facts)
        case Paused():
            return Outcome("paused", str(error), seconds, record, facts)
        case Stopped() | TimedOut() | Diverged():
            return Outcome("pruned", str(error), seconds, record, facts, by_schedule=isinstance(error, Stopped))
        case OutOfMemory() | OverLimit():
            return Outcome("infeasible", str(error), seconds, record, facts)
        case ConfigError() | StorageError() | LeaseLost():
            raise error
    logger.error("a trial failed\n%s", "".join(traceback.format_exception(error)))
    return Outcome("failed", f"{type(error).__name__}: {error}", seconds, record, facts)


class Attempt:
    """One stretch of a trial while it is held; `execution` is what was reached, whatever ended it."""

    def __init__(self, context: TrialContext, held: Claim, earlier: Earlier) -> None:
        self._context, self._held, self.earlier = context, held, earlier
        self.execution: Execution | None = None
        self._wanted: float | None = None
        self.clock = stopwatch(earlier.seconds)

    @property
    def reached(self) -> int:
        """The last ninth that was evaluated."""
        return self.execution.last if self.execution is not None else 0

    def outcome(self, error: Exception | None) -> Outcome:
        """Return how it ended, as `outcome_of` does."""
        return self.earlier.outcome(outcome_of(error, self.clock(), self.execution), self.reached)

    def run(self, config: TrialConfig, tick: Callable[[], None]) -> None:
        """Train to the end; halve the micro-batch whenever it does not fit.

        Raises:
            OutOfMemory: If not even one sequence at a time fits.
            Stopped: If the schedule says so.
            Paused: If the schedule says so.
        """
        context = self._context
        bench = context.workbench.bench_of(config)
        before = self.earlier.execution
        micro_batch = before.get("micro_batch", config.fit.batch_size)
        tokens = before.get("evaluation_tokens", _EVALUATION_TOKENS)
        while True:
            runtime = Runtime(
                device=context.workbench.device,
                micro_batch=micro_batch,
                evaluation_tokens=tokens,
                threads=context.config.compute.threads,
                tick=tick,
            )
            if fits(partial(self._train, bench, config, runtime), micro_batch):
                return
            # The error is gone by now, and with it the frames that held the model.
            self.execution = None
            free_memory()
            self._forget_earlier()
            micro_batch, tokens = max(1, micro_batch // 2), max(_FEWEST_TOKENS, tokens // 2)
            logger.warning("trial %d: does not fit, micro-batch %d", self._held.number, micro_batch)

    def _train(self, bench: Bench, config: TrialConfig, runtime: Runtime) -> None:
        execution = self.execution = Execution(bench, config, runtime, self._state(), self.clock)
        # Once: what was admitted is not refused by another measurement when it goes on.
        if not self.earlier.execution:
            self.admit(bench, execution, config, runtime)
        done = [one for one in self.earlier.evaluations if one.step <= execution.last]
        for evaluation in execution:
            known = self.earlier.known(evaluation)
            done.append(known or evaluation)
            if known is None:
                metrics = execution.best.scores.metrics if execution.best is not None else {}
                with self._context.workbench.time.on("storage"):
                    self.record(evaluation, metrics)
            # What is trained again up to its rung was judged when it came there first.
            if evaluation.step <= self.earlier.rung:
                continue
            if without_better([one.value for one in done]) >= config.patience:
                return
            self.judge(execution, done)

    def admit(self, bench: Bench, execution: Execution, config: TrialConfig, runtime: Runtime) -> None:
        """Measure what the trial costs.

        Raises:
            OverLimit: If it breaks a limit.
            OutOfMemory: If it will not fit with this micro-batch.
        """
        context, memory = self._context, self._context.workbench.memory
        memory.begin()
        aims, study = context.config.aims, context.study
        with context.workbench.time.on("measure"):
            counted = admit_trial(study, self._held, aims, bench, execution.models, config, runtime)
        self._wanted = counted - weights_memory(execution.models)
        memory.check(self._wanted, runtime.micro_batch)

    def record(self, evaluation: EvaluationRecord, metrics: Mapping[str, float]) -> None:
        """Store a new evaluation."""
        record_evaluation(self._context.study, self._held, evaluation, metrics)

    def forget(self) -> None:
        """Forget every evaluation that was stored."""
        forget(self._context.study, self._held)

    def learn_memory(self) -> None:
        """Compare what training took with what was expected."""
        if self._wanted is not None:
            self._context.workbench.memory.learn(self._wanted)

    def _forget_earlier(self) -> None:
        """Begin anew: one micro-batch from the first step to the last, or no replay gives the same bits."""
        if self.earlier.evaluations:
            self.forget()
            self._context.paused.drop(self._held.number)
            self.earlier = Earlier(rung=self.earlier.rung)

    def _state(self) -> PausedState | None:
        """Return the state in which the trial paused; None where it begins, or must be trained again."""
        last = self.earlier.last
        if last is None:
            return None
        state = self._context.paused.find(self._held.number, last)
        if state is None:
            logger.warning("trial %d: its checkpoint is gone, trained again to rung %d", self._held.number, last.step)
        return state

    def judge(self, execution: Execution, done: Sequence[EvaluationRecord]) -> None:
        """Ask the schedule what becomes of the trial, just evaluated.

        Raises:
            Stopped: If the schedule says so.
            Paused: If the schedule says so.
        """
        mine = standing_of(self._held.number, done, execution.rungs)
        if done[-1].step not in mine.rungs:
            return
        context = self._context
        with context.workbench.time.on("storage"):
            records = read_trials(context.study)
        peers = standings_of(context.workbench, records)
        paused = [record.number for record in records if record.state == "paused"]
        ruling = context.schedule.verdict(mine, peers, done[-1].step, paused=paused)
        if ruling.verdict is Verdict.STOP:
            raise Stopped(ruling.reason)
        if ruling.verdict is Verdict.PAUSE:
            self._keep_state(execution, done[-1], outlook_of(context.schedule, records, peers, mine))
            raise Paused(ruling.reason)

    def _keep_state(self, execution: Execution, evaluation: EvaluationRecord, order: Sequence[int]) -> None:
        try:
            with memory_errors("trial.pause"), self._context.workbench.time.on("checkpoint"):
                self._context.paused.keep(self._held.number, execution.state(evaluation), order)
        except OutOfMemory as error:
            # Trained again where it is continued.
            logger.warning("trial %d: its state is not kept, %s", self._held.number, error)

    def keep_weights(self) -> None:
        """Save the best weights where the trial is the default or may be the best."""
        if self.execution is None or self.execution.best is None:
            return
        best, number = self.execution.best, self._held.number
        records = read_audited(self._context.study)
        done = replace(records[number], state="complete", value=best.scores.value)
        if may_be_kept(records, done, self._context.config.budget):
            self._context.weights.save(number, best.step, best.checkpoint())


def _configuration(context: TrialContext, held: Claim) -> Mapping[str, Scalar]:
    """Return the trial's configuration: the stored one, the default for number 0, what was given, or the sampler's."""
    records = read_trials(context.study)
    stored = next(
        (record.config for record in records if record.number == held.number and record.config),
        None,
    )
    if stored:
        return stored
    first = context.config.portfolio.first
    kind: Kind = "sampled"
    if held.number == 0:
        kind, proposal = "default", proposal_of(context.space, context.space.default)
    elif held.number <= len(first):
        earlier = context.config.portfolio.origins[held.number - 1] == EARLIER
        kind = "warm-start" if earlier else "portfolio"
        proposal = proposal_of(context.space, first[held.number - 1])
    else:
        proposal = propose(
            context.config.compute.sampler,
            context.space,
            records,
            order=context.schedule.order(standings_of(context.workbench, records)),
            seed=context.config.portfolio.draws_seed(context.config.seed),
            number=held.number,
            given=len(first),
        )
    configure(
        context.study,
        held,
        config=proposal.config,
        parameters=proposal.parameters,
        distributions=proposal.distributions,
        kind=kind,
    )
    return proposal.config
