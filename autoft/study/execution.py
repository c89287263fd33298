"""One configuration being trained: its evaluations as they come, its best weights kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autoft.data.features import class_shares
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.storage.checkpoints import Checkpoint
from autoft.storage.records import EvaluationRecord, Scalar
from autoft.strategy.steps import NINTHS, RUNGS, active_rungs, evaluation_steps
from autoft.study.bench import Bench
from autoft.study.trial_config import TrialConfig
from autoft.training.optimizers import warmup_steps
from autoft.training.order import steps_per_epoch
from autoft.training.prefix_cache import PrefixCounts
from autoft.training.runtime import Runtime
from autoft.training.trainer import Evaluation, Scores, Snapshot, fit


@dataclass(frozen=True, slots=True)
class Best:
    """The best evaluation so far.

    Attributes:
        step: Its ninth.
        scores: What dev said.
        weights: What trained, as it was then.
    """

    step: int
    scores: Scores
    weights: dict[str, Tensor]

    def checkpoint(self) -> Checkpoint:
        """Return the weights as they are kept on disk."""
        return Checkpoint({name: value.numpy() for name, value in self.weights.items()}, {})


@dataclass(frozen=True, slots=True)
class PausedState:
    """All that a configuration needs to go on from a rung as if it had never stopped.

    Attributes:
        evaluation: The evaluation at which it paused.
        snapshot: What the trainer was at.
        best: Its best evaluation so far.
    """

    evaluation: EvaluationRecord
    snapshot: Snapshot
    best: Best


def stopwatch(before: float = 0.0) -> Callable[[], float]:
    """Return a clock that says the seconds since this call, and those `before`."""
    started = time.monotonic()
    return lambda: before + time.monotonic() - started


class Execution:
    """Trains one configuration; iterate to go on, leave the loop to stop.

    Args:
        bench: The configuration's base model and data.
        config: What to do.
        runtime: How to do it.
        resume: Where it paused; None begins.
        clock: Says the seconds spent on it; None begins to count now.
    """

    def __init__(
        self,
        bench: Bench,
        config: TrialConfig,
        runtime: Runtime,
        resume: PausedState | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._bench, self._config, self._runtime = bench, config, runtime
        self._clock = clock or stopwatch()
        recipe = Recipe(
            head=config.head,
            method=config.method,
            freeze=config.freeze,
            dropout=config.dropout,
            objective=config.objective,
            shares=class_shares(bench.splits["train"].features, len(bench.labels)),
        )
        self.model: TrialModel = assemble(bench.pristine, recipe, seed=config.fit.seed)
        self.best = resume.best if resume is not None else None
        self.last = resume.evaluation.step if resume is not None else 0
        self._from = resume.snapshot if resume is not None else None
        self._between = False
        self._prefixes = PrefixCounts()
        self._counts: Mapping[str, float] = self._from.progress if self._from is not None else {}
        self._snapshot: Callable[[], Snapshot] | None = None

    @property
    def train_size(self) -> int:
        """Sequences of the train split."""
        return len(self._bench.splits["train"].sequences)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole schedule."""
        return _total_steps(self._config.fit.epochs, self._config.fit.batch_size, self.train_size)

    @property
    def rungs(self) -> tuple[int, ...]:
        """The ninths at which this configuration is judged."""
        return active_rungs(self.total_steps, warmup_steps(self.total_steps, self._config.fit.warmup))

    def __iter__(self) -> Iterator[EvaluationRecord]:
        """Yield each evaluation after its weights are kept where it is the best.

        Raises:
            OutOfMemory: If a step or an evaluation does not fit.
            Diverged: If the loss is no longer a finite number.
            TimedOut: If the runtime's tick says so.
        """
        splits = self._bench.splits
        train, dev = (
            self._bench.sequences(name, self.model, self._runtime, self._prefixes) for name in ("train", "dev")
        )
        # Where dev is larger than train an evaluation costs as much as an epoch.
        rungs_only = len(splits["dev"].examples) > len(splits["train"].examples)
        evaluations = fit(
            self.model,
            train,
            lambda model: self._bench.scores(model, self._runtime, dev),
            self._config.fit,
            self._take_snapshot(),
            points=evaluation_steps(self.total_steps, RUNGS if rungs_only else NINTHS),
            runtime=self._runtime,
        )
        for evaluation in self._timed(evaluations):
            self._between = False
            self.last, self._counts, self._snapshot = evaluation.step, evaluation.counts, evaluation.snapshot
            scores = evaluation.scores
            if self.best is None or scores.value > self.best.scores.value:
                self.best = Best(evaluation.step, scores, self.model.weights())
            yield EvaluationRecord(
                step=evaluation.step,
                epoch=evaluation.epoch,
                value=float(scores.value),
                loss=float(scores.loss),
                train_loss=evaluation.train_loss,
                seconds=self._clock(),
            )
            self._between = self.last != NINTHS[-1]

    def _timed(self, evaluations: Iterator[Evaluation]) -> Iterator[Evaluation]:
        """Count as training what lies between evaluations, and not what is done with them."""
        while True:
            with self._bench.time.on("train"):
                evaluation = next(evaluations, None)
            if evaluation is None:
                return
            yield evaluation

    def state(self, evaluation: EvaluationRecord) -> PausedState:
        """Return from where the configuration can be continued.

        Args:
            evaluation: The latest one, at which it pauses.

        Raises:
            ValueError: If nothing has been evaluated since it began or went on.
        """
        if self._snapshot is None or self.best is None:
            raise ValueError("a configuration pauses at an evaluation, got none")
        snapshot, best = self._snapshot(), self.best
        if best.step == evaluation.step:
            # The same weights need not lie in memory twice.
            best = Best(best.step, best.scores, snapshot.weights)
        return PausedState(evaluation, snapshot, best)

    def _take_snapshot(self) -> Snapshot | None:
        """Hand over where the configuration paused; the trainer copies it and lets it go."""
        taken, self._from = self._from, None
        return taken

    def facts(self) -> dict[str, float]:
        """Return the trial's counts."""
        return {
            "parameters": self.model.parameters_delivered,
            "trainable_parameters": self.model.parameters_trainable,
            "prefix_units": self.model.prefix_units,
            "cache_hits": self._prefixes.hits,
            "cache_computed": self._prefixes.computed,
            "cache_bytes": self._prefixes.bytes,
            **self._counts,
        }

    def record(self) -> dict[str, Any]:
        """Return the execution record: what a replay needs, and the sha256 of the weights it must reach.

        A trial that ended between two evaluations (time limit, divergence) has no last weights that could be reached
        again: a replay ends at an evaluation.
        """
        digest = {"last_weights": None if self._between else self.model.sha256()}
        if self.best is not None:
            self.model.load_weights(self.best.weights)
            digest["best_weights"] = self.model.sha256()
        return {**self._runtime.record(), "last_step": self.last, **digest}


def rungs_of(values: Mapping[str, Scalar], train_size: int) -> tuple[int, ...]:
    """Return the ninths at which a configuration is judged, from its parameters alone."""
    total = _total_steps(int(values["train.epochs"]), int(values["train.batch_size"]), train_size)
    return active_rungs(total, warmup_steps(total, float(values["train.warmup"])))


def _total_steps(epochs: int, batch_size: int, train_size: int) -> int:
    return steps_per_epoch(train_size, batch_size) * epochs
