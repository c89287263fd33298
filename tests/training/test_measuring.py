"""What a model costs: counted bytes and fastest rounds, without a trace in what is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.base import Pristine
from autoft.models.heads import Linear
from autoft.models.methods import METHODS
from autoft.testing.tiny import tiny_pristine
from autoft.training.batches import Sequences
from autoft.training.config import AdamW, FitConfig, Optimizer, Sgd
from autoft.training.measuring import sequence_latency, training_memory, weights_memory
from autoft.training.runtime import Runtime

CPU = torch.device("cpu")
LENGTHS = np.array([5, 9, 12, 7, 12, 12, 6, 12])


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Pristine:
    return tiny_pristine(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def data() -> Sequences:
    total = int(LENGTHS.sum())
    flat = {
        "input_ids": torch.arange(total) % 20 + 5,
        "attention_mask": torch.ones(total, dtype=torch.long),
        "labels": torch.zeros(total, dtype=torch.long),
    }
    starts = np.cumsum(LENGTHS) - LENGTHS
    return Sequences(flat, starts, LENGTHS, {"input_ids": 0, "attention_mask": 0, "labels": -100}, CPU)


def made(pristine: Pristine, method: str = "full", freeze: float = 0.0) -> TrialModel:
    return assemble(pristine, Recipe(Linear(), METHODS.get(method)(), freeze, dropout=0.1), 1)


def memory(
    model: TrialModel, data: Sequences, batch: int = 4, micro: int = 64, optimizer: Optimizer | None = None
) -> float:
    config = FitConfig(batch_size=batch, optimizer=optimizer or AdamW())
    return training_memory(model, data, config, Runtime(device=CPU, micro_batch=micro)) * 2**20


def counted(model: TrialModel, data: Sequences, members: list[int]) -> int:
    """Count what a whole batch keeps for its backward pass, storage by storage."""
    own = {value.untyped_storage().data_ptr() for value in (*model.module.parameters(), *model.module.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(value: Tensor) -> Tensor:
        kept[value.untyped_storage().data_ptr()] = value
        return value

    model.module.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        loss, _ = model.loss(data.batch(np.array(members)), 0.0)
    del loss
    return sum(value.untyped_storage().nbytes() for pointer, value in kept.items() if pointer not in own)


@pytest.mark.parametrize("method", ["full", "lora", "adapter"])
def test_memory_is_what_a_whole_batch_holds(pristine: Pristine, data: Sequences, method: str) -> None:
    model = made(pristine, method)
    weights = {v.untyped_storage().data_ptr(): v.untyped_storage().nbytes() for v in model.module.parameters()}
    weights |= {v.untyped_storage().data_ptr(): v.untyped_storage().nbytes() for v in model.module.buffers()}
    trained = sum(value.numel() * 4 for _, value, _ in model.named_trainable())
    expected = sum(weights.values()) + 3 * trained + counted(model, data, [2, 4, 5, 7])
    assert memory(model, data) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_models_that_wait_add_their_own_weights_and_the_optimizer_state(
    pristine: Pristine, data: Sequences, method: str
) -> None:
    """What does not train is shared by all, and only one has gradients at a time."""
    one, *others = (made(pristine, method, freeze=0.5) for _ in range(4))
    config, runtime = FitConfig(batch_size=4, optimizer=AdamW()), Runtime(device=CPU, micro_batch=64)
    alone = training_memory(one, data, config, runtime)
    trained = sum(value.numel() * 4 for _, value, _ in one.named_trainable()) / 2**20
    together = training_memory(one, data, config, runtime, beside=others)
    own = weights_memory([one, *others]) - weights_memory([one])
    assert together - alone == pytest.approx(own + 2 * 3 * trained, rel=1e-9)
    # PEFT keeps a copy of the head besides.
    assert 3 * trained <= own <= 3.5 * trained
    assert own < weights_memory([one])


def test_what_trains_less_needs_less(pristine: Pristine, data: Sequences) -> None:
    full, frozen, head = made(pristine), made(pristine, freeze=0.7), made(pristine, "head")
    assert memory(full, data) > memory(frozen, data) > memory(head, data)


def test_a_batch_counts_as_far_as_it_is_one(pristine: Pristine, data: Sequences) -> None:
    model = made(pristine)
    assert memory(model, data, batch=2) < memory(model, data, batch=4)
    assert memory(model, data, batch=4, micro=2) == memory(model, data, batch=2)
    assert memory(model, data, batch=64) == memory(model, data, batch=len(LENGTHS))


def test_the_optimizer_counts(pristine: Pristine, data: Sequences) -> None:
    model = made(pristine)
    trained = sum(value.numel() * 4 for _, value, _ in model.named_trainable())
    adamw, sgd = memory(model, data), memory(model, data, optimizer=Sgd())
    assert adamw - sgd == pytest.approx(trained)
    assert sgd - memory(model, data, optimizer=Sgd(momentum=0.0)) == pytest.approx(trained)


def test_measuring_leaves_model_and_randomness_alone(pristine: Pristine, data: Sequences) -> None:
    model = made(pristine)
    digest, state = model.sha256(), torch.get_rng_state()
    memory(model, data)
    sequence_latency(model.merged(), model.anatomy.inputs, data, Runtime(device=CPU, micro_batch=4))
    assert model.sha256() == digest
    assert torch.equal(torch.get_rng_state(), state)
    assert [name for name, value in model.module.named_parameters() if value.grad is not None] == []


def test_latency_is_a_time_for_a_sequence(pristine: Pristine, data: Sequences) -> None:
    model = made(pristine)
    found = sequence_latency(model.merged(), model.anatomy.inputs, data, Runtime(device=CPU, micro_batch=4))
    assert 0 < found < 1000


def test_a_search_that_is_to_end_does_not_wait_for_a_measure(pristine: Pristine, data: Sequences) -> None:
    def tick() -> None:
        raise KeyboardInterrupt

    model = made(pristine)
    with pytest.raises(KeyboardInterrupt):
        sequence_latency(model.merged(), model.anatomy.inputs, data, Runtime(device=CPU, micro_batch=4, tick=tick))
