"""The trainer: one loop for every task, method and device, as a generator of evaluations."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from autoft import faults
from autoft.errors import Diverged
from autoft.models.assembly import TrialModel
from autoft.training.batches import IntArray, Sequences
from autoft.training.config import FitConfig
from autoft.training.optimizers import make_optimizer, set_rates
from autoft.training.order import batches_from, steps_per_epoch
from autoft.training.runtime import Runtime, memory_errors
from autoft.training.seeds import derive_seed

# A uniform guess over C classes costs ln C, under 12 for any vocabulary: far above it nothing is being learned.
_DIVERGED_LOSS = 1e3
_CUDA_CHECK_EVERY = 8
ScoresT = TypeVar("ScoresT")


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model scores on dev.

    Attributes:
        value: The metric that the study optimises; larger is better.
        loss: Mean dev loss.
        metrics: Every metric by name.
    """

    value: float
    loss: float
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that `fit` needs to go on as if it had never stopped.

    Attributes:
        step: Optimizer steps done.
        weights: What trains, by name.
        optimizer: The optimizer's state dictionary.
        random: The random state that dropout draws from.
        progress: Loss and counts since the last evaluation.
    """

    step: int
    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    random: tuple[Tensor, ...]
    progress: dict[str, float]


@dataclass(frozen=True, slots=True)
class Evaluation(Generic[ScoresT]):
    """One evaluation on dev; valid until the generator goes on.

    Attributes:
        step: The ninth of the schedule, 1 … 9.
        epoch: Epochs trained, a fraction.
        scores: What `evaluate` returned.
        train_loss: Mean train loss since the evaluation before.
        counts: So far: `steps` of the optimizer, `tokens` and `padded_tokens` (padding included), and each token once
            for every layer that it went through, `forwarded` and `backpropagated`.
        snapshot: Takes the state at this evaluation.
    """

    step: int
    epoch: float
    scores: ScoresT
    train_loss: float
    counts: Mapping[str, float]
    snapshot: Callable[[], Snapshot] = field(compare=False)


def fit(
    model: TrialModel,
    train: Sequences,
    evaluate: Callable[[TrialModel], ScoresT],
    config: FitConfig,
    resume: Snapshot | None = None,
    *,
    points: Mapping[int, int],
    runtime: Runtime,
) -> Iterator[Evaluation[ScoresT]]:
    """Train and yield an evaluation at each of `points`; the caller stops by leaving the loop.

    Args:
        model: Assembled for this trial; trained in place.
        train: The train split.
        evaluate: Runs the model on dev; must not consume randomness.
        config: Learning rate, batch size, epochs, ….
        resume: Where an earlier call stopped.
        points: Ninth of the schedule -> optimizer step after which it lies, rising.
        runtime: Device, micro-batch, threads.

    Yields:
        One evaluation a point, in order.

    Raises:
        Diverged: If the loss is not finite, or far above a guess, within a few steps of it.
        OutOfMemory: If a step does not fit.
    """
    run = _Run(model, train, config, runtime)
    run.restore(resume)
    # Its tensors were copied; a generator would hold them to its end.
    del resume
    batches = batches_from(train.lengths, batch_size=config.batch_size, seed=config.seed, step=run.step)
    for ninth, last in sorted(points.items()):
        if last <= run.step:
            continue
        while run.step < last:
            runtime.tick()
            run.advance(next(batches))
        train_loss = run.mean_loss()
        run.park()
        scores = evaluate(model)
        yield Evaluation(ninth, run.epoch, scores, train_loss, run.counts(), run.snapshot)
        run.unpark()


class _Run:
    """The moving parts of one `fit`."""

    def __init__(self, model: TrialModel, train: Sequences, config: FitConfig, runtime: Runtime) -> None:
        self.model, self.train, self.config, self.runtime = model, train, config, runtime
        self.per_epoch = steps_per_epoch(len(train), config.batch_size)
        self.total = self.per_epoch * config.epochs
        trainable = model.named_trainable()
        self.parameters = [parameter for _, parameter, _ in trainable]
        self.optimizer = make_optimizer(trainable, config)
        self.step = 0
        self.loss = torch.zeros((), device=runtime.device)
        self.since = 0
        self.tokens, self.padded = 0, 0
        self.forward, self.backward = model.layers_run(above=train.hidden is not None)
        self.check_every = _CUDA_CHECK_EVERY if runtime.device.type == "cuda" else 1
        self.random: tuple[Tensor, ...] = ()
        self.dropout_seed = derive_seed(config.seed, "dropout")

    @property
    def epoch(self) -> float:
        return self.step / self.per_epoch

    def restore(self, resume: Snapshot | None) -> None:
        """Start afresh from the trial's seed, or where a snapshot was taken."""
        if resume is None:
            torch.manual_seed(self.dropout_seed)
            self.model.module.train()
            return
        self.model.load_weights(resume.weights)
        # The optimizer takes the tensors over as they are and would write into the snapshot.
        self.optimizer.load_state_dict(copy.deepcopy(resume.optimizer))
        self.step = resume.step
        self.tokens, self.padded = (
            int(resume.progress["tokens"]),
            int(resume.progress["padded_tokens"]),
        )
        self.random = resume.random
        self.unpark()

    def advance(self, members: IntArray) -> None:
        """Take one optimizer step on the sequences `members`."""
        set_rates(self.optimizer, self.step, self.total, self.config)
        with memory_errors("trial.step"):
            self.loss += self._backward(members)
            if self.config.clip > 0:
                torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
            # The first step makes the optimizer's own tensors, often twice the size of what trains.
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.since += 1
        if self.step % self.check_every == 0:
            self._check_loss()

    def _backward(self, members: IntArray) -> Tensor:
        """Leave the gradient of the mean over the effective batch, whatever the micro-batches; return that mean."""
        size = self.runtime.micro_batch
        parts = [members[at : at + size] for at in range(0, len(members), size)]
        loss = torch.zeros((), device=self.runtime.device)
        count = torch.zeros((), device=self.runtime.device)
        for place, part in enumerate(parts):
            # A function of the step: whoever goes on from a snapshot draws the same.
            self.model.masks.begin(self.dropout_seed, self.step, place)
            batch = self.train.batch(part)
            self._count(part)
            with self.runtime.autocast():
                summed, labelled = self.model.loss(batch, self.config.label_smoothing)
            (summed if len(parts) > 1 else summed / labelled.clamp(min=1)).backward()
            loss += summed.detach()
            count += labelled
        count.clamp_(min=1)
        if len(parts) > 1:
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.grad.div_(count)
        return loss / count

    def _count(self, members: IntArray) -> None:
        lengths = self.train.lengths[members]
        self.tokens += int(lengths.sum())
        self.padded += len(lengths) * int(lengths.max())

    def _check_loss(self) -> None:
        mean = float(self.loss) / self.since
        if faults.reached("trial.loss") == "nan" or not math.isfinite(mean) or mean > _DIVERGED_LOSS:
            raise Diverged(f"step {self.step}: the train loss must be a finite number, got {mean:g}")

    def mean_loss(self) -> float:
        """Return the mean train loss since the last call."""
        self._check_loss()
        mean = float(self.loss) / max(1, self.since)
        self.loss.zero_()
        self.since = 0
        return mean

    def park(self) -> None:
        """Keep the random state, so that whatever the caller draws in between changes nothing."""
        self.random = _random_state(self.runtime.device)

    def unpark(self) -> None:
        """Train on, from the kept random state."""
        self.model.module.train()
        torch.set_rng_state(self.random[0])
        if len(self.random) > 1:
            torch.cuda.set_rng_state(self.random[1], self.runtime.device)

    def counts(self) -> dict[str, float]:
        return {
            "steps": self.step,
            "tokens": self.tokens,
            "padded_tokens": self.padded,
            "forwarded": self.tokens * self.forward,
            "backpropagated": self.tokens * self.backward,
        }

    def snapshot(self) -> Snapshot:
        """Copy everything that moves to the CPU."""
        state = self.optimizer.state_dict()
        moved = {
            key: {
                name: value.detach().cpu().clone() if isinstance(value, Tensor) else value
                for name, value in slots.items()
            }
            for key, slots in state["state"].items()
        }
        groups = [dict(group) for group in state["param_groups"]]
        return Snapshot(
            self.step,
            self.model.weights(),
            {"state": moved, "param_groups": groups},
            self.random,
            self.counts(),
        )


def _random_state(device: torch.device) -> tuple[Tensor, ...]:
    if device.type == "cuda":
        return torch.get_rng_state(), torch.cuda.get_rng_state(device)
    return (torch.get_rng_state(),)
