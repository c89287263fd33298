"""Failures of a trial: divergence within few steps, out of memory in words of autoft, everything else as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from autoft.errors import ConfigError, Diverged, OutOfMemory, TimedOut
from autoft.models.base import Pristine
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.testing.fits import CPU, tiny_data, tiny_fit, tiny_runtime, tiny_trial
from autoft.training.config import FitConfig, Sgd
from autoft.training.inference import run_model
from autoft.training.runtime import Runtime, find_device, memory_errors, set_threads
from autoft.training.trainer import Evaluation, Scores

CONFIG = FitConfig(epochs=6, batch_size=4)  # 12 steps of 8 sequences
MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] data. DefaultCPUAllocator: not enough memory: you tried to allocate"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


def run(pristine: Pristine, config: FitConfig = CONFIG, runtime: Runtime | None = None) -> list[Evaluation[Scores]]:
    return list(tiny_fit(tiny_trial(pristine, HeadOnly()), tiny_data(8), config, runtime=runtime))


def test_a_loss_that_is_no_number_ends_the_trial_at_once(pristine: Pristine, set_fault: Callable[[str], None]) -> None:
    set_fault("trial.loss=nan@3")
    with pytest.raises(Diverged, match=r"^step 3: the train loss must be a finite number, got"):
        run(pristine)


def test_weights_that_are_no_numbers_end_the_trial_at_the_first_step(pristine: Pristine) -> None:
    model = tiny_trial(pristine, Full())
    model.load_weights({name: value * math.nan for name, value in model.weights().items()})
    with pytest.raises(Diverged, match=r"^step 1: .* got nan$"):
        list(tiny_fit(model, tiny_data(8), CONFIG))


def test_a_huge_learning_rate_diverges_within_few_steps(pristine: Pristine) -> None:
    huge = FitConfig(learning_rate=1e6, optimizer=Sgd(), epochs=30, batch_size=4, clip=0.0, warmup=0.0)
    with pytest.raises(Diverged) as caught:
        list(tiny_fit(tiny_trial(pristine, Full()), tiny_data(8), huge))
    assert int(str(caught.value).split()[1].rstrip(":")) <= 5


def test_out_of_memory_in_a_step_is_told(pristine: Pristine, set_fault: Callable[[str], None]) -> None:
    set_fault("trial.step=oom@2")
    with pytest.raises(OutOfMemory, match=r"^trial\.step: the device has no memory left$"):
        run(pristine)


def test_out_of_memory_in_an_evaluation_is_told(pristine: Pristine, set_fault: Callable[[str], None]) -> None:
    set_fault("trial.evaluate=oom@1")
    with pytest.raises(OutOfMemory, match=r"^trial\.evaluate: the device has no memory left$"):
        run(pristine)


@pytest.fixture
def full_optimizer() -> Iterator[None]:
    """The optimizer's own tensors, made at its first step, do not fit."""

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    hook = register_optimizer_step_pre_hook(fail)
    yield
    hook.remove()


@pytest.mark.usefixtures("full_optimizer")
def test_out_of_memory_in_the_optimizer_is_told(pristine: Pristine) -> None:
    # It used to end the trial as failed, so that samplers did not learn from it.
    with pytest.raises(OutOfMemory, match=r"^trial\.step: "):
        run(pristine)


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: str(error)[:30])
def test_every_way_to_be_out_of_memory_is_translated(error: Exception) -> None:
    with (
        pytest.raises(OutOfMemory, match=r"^trial\.step: the \w+ has no memory left$") as caught,
        memory_errors("trial.step"),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_a_real_allocation_that_does_not_fit_is_translated() -> None:
    # A petabyte of float32.
    with pytest.raises(OutOfMemory), memory_errors("trial.step"):
        torch.empty(2**50)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), KeyError("labels")])
def test_other_errors_stay_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, memory_errors("trial.step"):
        raise error
    assert caught.value is error


def test_the_fault_of_another_place_does_nothing(pristine: Pristine, set_fault: Callable[[str], None]) -> None:
    set_fault("storage.write=error@1,trial.step=oom@1000")
    assert len(run(pristine)) == 3


def test_a_tick_ends_the_trial_between_steps(pristine: Pristine) -> None:
    ticks: list[None] = []

    def tick() -> None:
        ticks.append(None)
        if len(ticks) == 3:
            raise TimedOut("the time is over")

    model = tiny_trial(pristine, HeadOnly())
    runtime = Runtime(device=CPU, micro_batch=4, tick=tick)
    with pytest.raises(TimedOut):
        list(tiny_fit(model, tiny_data(8), CONFIG, runtime=runtime))
    other = tiny_trial(pristine, HeadOnly())
    list(tiny_fit(other, tiny_data(8), CONFIG, points={1: 2}))
    assert model.sha256() == other.sha256()


def test_a_tick_comes_before_each_step_and_each_batch_of_an_evaluation(pristine: Pristine) -> None:
    ticks: list[None] = []
    runtime = Runtime(device=CPU, micro_batch=4, evaluation_tokens=1, tick=lambda: ticks.append(None))
    run(pristine, runtime=runtime)
    assert len(ticks) == 12 + 3 * 8


def test_a_failed_fit_leaves_the_base_model_alone(pristine: Pristine, set_fault: Callable[[str], None]) -> None:
    before = {name: value.clone() for name, value in pristine.model.state_dict().items()}
    set_fault("trial.step=oom@2")
    with pytest.raises(OutOfMemory):
        list(tiny_fit(tiny_trial(pristine, Full()), tiny_data(8), CONFIG))
    assert all(torch.equal(value, before[name]) for name, value in pristine.model.state_dict().items())


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="'cuda' needs a CUDA device, found none"):
        find_device("cuda")
    assert find_device("auto") == CPU


def test_the_processor_computes_in_float32() -> None:
    runtime = tiny_runtime()
    with runtime.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is torch.float32
    assert runtime.precision == "float32"


def test_the_record_holds_what_a_replay_needs() -> None:
    record = tiny_runtime(micro_batch=4).record()
    assert record.items() >= {"device": "cpu", "precision": "float32", "threads": 1, "micro_batch": 4}.items()
    assert record["device_name"]


def test_threads_are_fixed() -> None:
    set_threads(1)
    assert torch.get_num_threads() == 1


def test_an_empty_split_has_no_loss(pristine: Pristine) -> None:
    outputs = run_model(tiny_trial(pristine, HeadOnly()), tiny_data(0), tiny_runtime())
    assert outputs.scores == []
    assert math.isnan(outputs.loss)
