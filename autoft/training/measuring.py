"""What a model costs: the memory that training it takes, and the time that the merged model takes for a sequence."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from autoft.models.assembly import TrialModel
from autoft.training.batches import IntArray, Sequences
from autoft.training.config import AdamW, FitConfig, Sgd
from autoft.training.runtime import Runtime, memory_errors
from autoft.training.seeds import generator

_SAMPLE = 5
_FEWEST_ROUNDS, _MOST_ROUNDS, _SECONDS = 3, 20, 0.5
_MIB = 2**20


def training_memory(
    model: TrialModel,
    train: Sequences,
    config: FitConfig,
    runtime: Runtime,
    *,
    beside: Sequence[TrialModel] = (),
) -> float:
    """Return the MiB that training needs at its largest batch, by counting what a step must hold.

    Weights, and for what trains gradients and the optimizer's state, plus what the forward pass keeps for the backward
    pass. The count is the same on every machine and known before the first step. It leaves out what does not depend on
    the trial (libraries, data, the pristine base model) and what a kernel holds for a moment.

    What the forward pass keeps is counted exactly for one and for two of the longest sequences, and grows by the same
    amount with every further one.

    Args:
        model: As it is before training; not changed, and no randomness is consumed.
        train: The train split.
        config: Batch size and optimizer.
        runtime: Device and micro-batch.
        beside: Models of the same shape that wait meanwhile, with their optimizer's state but without gradients.

    Raises:
        OutOfMemory: If two sequences do not fit.
    """
    trained = _storage_bytes(parameter for _, parameter, _ in model.named_trainable())
    weights = _weights([model])
    count = min(runtime.micro_batch, config.batch_size, len(train))
    longest = np.array([int(np.argmax(train.lengths))] * 2, dtype=np.int64)
    with _own_randomness(runtime.device), memory_errors("trial.measure"):
        model.module.train()
        one, two = (_kept_bytes(model, train, longest[:size], weights, config, runtime) for size in (1, 2))
    kept = 1 + _optimizer_slots(config) * (1 + len(beside))
    held = _storage_bytes(_weights([model, *beside])) + kept * trained
    return (held + one + (count - 1) * (two - one)) / _MIB


def weights_memory(models: Sequence[TrialModel]) -> float:
    """Return the MiB of models' weights, which are taken as soon as they are assembled."""
    return _storage_bytes(_weights(models)) / _MIB


def sequence_latency(model: PreTrainedModel, inputs: Sequence[str], data: Sequences, runtime: Runtime) -> float:
    """Return the milliseconds that a model takes for one sequence, alone in its batch.

    The mean over a fixed sample of sequences of the fastest of several rounds, after a warm-up: whatever else the
    machine does only ever adds time, so the fastest round says most about the model. On one thread of a CPU the
    thread's own time is taken, which does not count what other processes do meanwhile.

    Args:
        model: The merged model, on the device.
        inputs: Columns that its forward pass takes.
        data: A split.
        runtime: Device and threads.

    Raises:
        OutOfMemory: If a sequence does not fit.
    """
    chosen = generator(0, "latency").permutation(len(data))[:_SAMPLE]
    model.eval()
    with torch.inference_mode(), memory_errors("trial.measure"):
        columns = [data.batch(np.array([member])) for member in chosen]
        batches = [{word: one[word] for word in inputs if word in one} for one in columns]
        model(**batches[0])
        fastest = [math.inf] * len(batches)
        end = time.perf_counter() + _SECONDS
        for turn in range(_MOST_ROUNDS):
            if turn >= _FEWEST_ROUNDS and time.perf_counter() > end:
                break
            runtime.tick()
            for place, batch in enumerate(batches):
                fastest[place] = min(fastest[place], _seconds(model, batch, runtime))
    return 1000.0 * sum(fastest) / len(fastest)


def _weights(models: Iterable[TrialModel]) -> list[Tensor]:
    return [value for model in models for value in (*model.module.parameters(), *model.module.buffers())]


def _seconds(model: PreTrainedModel, batch: dict[str, Tensor], runtime: Runtime) -> float:
    alone = runtime.device.type == "cpu" and runtime.threads == 1
    clock = time.thread_time if alone else time.perf_counter
    _wait(runtime.device)
    started = clock()
    model(**batch)
    _wait(runtime.device)
    return clock() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _kept_bytes(
    model: TrialModel,
    train: Sequences,
    members: IntArray,
    weights: Iterable[Tensor],
    config: FitConfig,
    runtime: Runtime,
) -> int:
    """Return the bytes that a forward pass keeps for the backward pass, besides the weights."""
    own = {value.untyped_storage().data_ptr() for value in weights}
    kept: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        # Held by the graph until the pass is counted, so that no address is used twice; detached, since a result that
        # holds the step that made it, which holds the result, is never freed.
        return value.detach()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value), runtime.autocast():
        summed, _ = model.loss(train.batch(members), config.label_smoothing)
    total = sum(kept.values())
    del summed
    return total


def _storage_bytes(values: Iterable[Tensor]) -> int:
    """Return the bytes of tensors, shared memory once."""
    storages = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in values}
    return sum(storages.values())


def _optimizer_slots(config: FitConfig) -> int:
    """Return how many numbers the optimizer keeps for each one that trains."""
    match config.optimizer:
        case AdamW():
            return 2
        case Sgd(momentum=momentum):
            return 1 if momentum > 0 else 0
    return 0


@contextlib.contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    """Leave the random state as it was."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
