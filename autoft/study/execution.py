"""One configuration being trained, one model a fold: its evaluations as they come, its best weights kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from autoft.data.features import class_shares
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.storage.checkpoints import Checkpoint
from autoft.storage.records import EvaluationRecord, Scalar
from autoft.strategy.steps import NINTHS, active_rungs, evaluation_steps, step_of
from autoft.study.bench import Bench
from autoft.study.folds import Fold
from autoft.study.trial_config import TrialConfig
from autoft.training.batches import Sequences
from autoft.training.config import FitConfig
from autoft.training.inference import Outputs, run_model
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
        weights: What trained, as it was then, of each fold's model.
        values: The metric of each fold's model on its own dev.
        decision: What decoding must know besides.
    """

    step: int
    scores: Scores
    weights: tuple[dict[str, Tensor], ...]
    values: tuple[float, ...]
    decision: Mapping[str, float]

    def checkpoint(self) -> Checkpoint:
        """Return the weights as they are kept on disk: those of the first fold's model, which is delivered."""
        return Checkpoint({name: value.numpy() for name, value in self.weights[0].items()}, {})


@dataclass(frozen=True, slots=True)
class PausedState:
    """All that a configuration needs to go on from a rung as if it had never stopped.

    Attributes:
        evaluation: The evaluation at which it paused.
        snapshots: What the trainer was at, in each fold.
        best: Its best evaluation so far.
    """

    evaluation: EvaluationRecord
    snapshots: tuple[Snapshot, ...]
    best: Best


def stopwatch(before: float = 0.0) -> Callable[[], float]:
    """Return a clock that says the seconds since this call, and those `before`."""
    started = time.monotonic()
    return lambda: before + time.monotonic() - started


class Execution:
    """Trains one configuration; iterate to go on, leave the loop to stop.

    Each fold has a model of its own, from the same seed; they take turns from one evaluation to the next, where what
    they say of their own rows is scored as one. So a configuration has one value a ninth, whatever the folds.

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
        self.models: tuple[TrialModel, ...] = tuple(
            assemble(bench.pristine, _recipe(bench, config, fold), seed=config.fit.seed) for fold in bench.folds
        )
        self.best = resume.best if resume is not None else None
        self.last = resume.evaluation.step if resume is not None else 0
        self._from = resume.snapshots if resume is not None else ()
        self._between = False
        self._prefixes = PrefixCounts()
        self._counts = _summed([one.progress for one in self._from])
        self._evaluations: tuple[Evaluation[Outputs], ...] = ()

    @property
    def model(self) -> TrialModel:
        """The first fold's."""
        return self.models[0]

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole schedule, of the fold that has fewest."""
        return _total_steps(self._config.fit, self._bench.train_size)

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
        for evaluations in self._timed(self._lockstep()):
            self._evaluations, first = evaluations, evaluations[0]
            self._between, self.last = False, first.step
            self._counts = _summed([one.counts for one in evaluations])
            judged = self._bench.judge([one.scores for one in evaluations])
            if self.best is None or judged.scores.value > self.best.scores.value:
                weights = tuple(model.weights() for model in self.models)
                self.best = Best(first.step, judged.scores, weights, judged.values, judged.decision)
            yield EvaluationRecord(
                step=first.step,
                epoch=first.epoch,
                value=float(judged.scores.value),
                loss=float(judged.scores.loss),
                train_loss=sum(one.train_loss for one in evaluations) / len(evaluations),
                seconds=self._clock(),
            )
            self._between = self.last != NINTHS[-1]

    def _lockstep(self) -> Iterator[tuple[Evaluation[Outputs], ...]]:
        """Yield the evaluations of all folds, ninth by ninth."""
        splits = dict.fromkeys(part.split for fold in self._bench.folds for part in (fold.train, fold.dev))
        data = {name: self._bench.sequences(name, self.model, self._runtime, self._prefixes) for name in splits}
        taken, self._from = self._from or (None,) * len(self.models), ()
        runs = [self._fit(*one, data) for one in zip(self.models, self._bench.folds, taken, strict=True)]
        # A generator would hold the snapshots to its end.
        del taken
        return zip(*runs, strict=True)

    def _fit(
        self, model: TrialModel, fold: Fold, resume: Snapshot | None, data: Mapping[str, Sequences]
    ) -> Iterator[Evaluation[Outputs]]:
        train, dev = (data[part.split].take(part.members) for part in (fold.train, fold.dev))
        # The smallest fold says which ninths there are; each fold reaches them on its own schedule.
        ninths = evaluation_steps(self.total_steps, self._bench.ninths)
        total = _total_steps(self._config.fit, len(train))

        def evaluate(model: TrialModel) -> Outputs:
            with self._bench.time.on("evaluate"):
                return run_model(model, dev, self._runtime)

        return fit(
            model,
            train,
            evaluate,
            self._config.fit,
            resume,
            points={ninth: step_of(ninth, total) for ninth in ninths},
            runtime=self._runtime,
        )

    def _timed(self, lockstep: Iterator[tuple[Evaluation[Outputs], ...]]) -> Iterator[tuple[Evaluation[Outputs], ...]]:
        """Count as training what lies between evaluations, and not what is done with them."""
        while True:
            with self._bench.time.on("train"):
                evaluations = next(lockstep, None)
            if evaluations is None:
                return
            yield evaluations

    def state(self, evaluation: EvaluationRecord) -> PausedState:
        """Return from where the configuration can be continued.

        Args:
            evaluation: The latest one, at which it pauses.

        Raises:
            ValueError: If nothing has been evaluated since it began or went on.
        """
        if not self._evaluations or self.best is None:
            raise ValueError("a configuration pauses at an evaluation, got none")
        snapshots, best = tuple(one.snapshot() for one in self._evaluations), self.best
        if best.step == evaluation.step:
            # The same weights need not lie in memory twice.
            best = replace(best, weights=tuple(one.weights for one in snapshots))
        return PausedState(evaluation, snapshots, best)

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
        record = {**self._runtime.record(), "last_step": self.last}
        last = None if self._between else [model.sha256() for model in self.models]
        record["last_weights"] = None if last is None else _digest(last)
        if self.best is None:
            return record
        for model, weights in zip(self.models, self.best.weights, strict=True):
            model.load_weights(weights)
        best = [model.sha256() for model in self.models]
        record["best_weights"] = _digest(best)
        record["decision"] = dict(self.best.decision)
        if len(self.models) > 1:
            record["folds"] = {"values": list(self.best.values), "best_weights": best, "last_weights": last}
        return record


def _recipe(bench: Bench, config: TrialConfig, fold: Fold) -> Recipe:
    return Recipe(
        head=config.head,
        method=config.method,
        freeze=config.freeze,
        dropout=config.dropout,
        objective=config.objective,
        shares=class_shares(bench.splits[fold.train.split].features, len(bench.labels), fold.train.members),
    )


def rungs_of(values: Mapping[str, Scalar], train_size: int) -> tuple[int, ...]:
    """Return the ninths at which a configuration is judged, from its parameters alone."""
    total = steps_per_epoch(train_size, int(values["train.batch_size"])) * int(values["train.epochs"])
    return active_rungs(total, warmup_steps(total, float(values["train.warmup"])))


def _total_steps(config: FitConfig, train_size: int) -> int:
    return steps_per_epoch(train_size, config.batch_size) * config.epochs


def _summed(counts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the counts of all folds together."""
    return {name: sum(one[name] for one in counts) for name in counts[0]} if counts else {}


def _digest(folds: Sequence[str]) -> str:
    """Return one sha256 for those of all folds: of a single fold its own."""
    return folds[0] if len(folds) == 1 else hashlib.sha256("".join(folds).encode("ascii")).hexdigest()
