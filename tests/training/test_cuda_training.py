"""On a CUDA device: bfloat16 where it is safe, float32 where it counts, and snapshots that go on exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autoft.models.assembly import TrialModel
from autoft.models.base import Pristine
from autoft.models.methods.full import Full
from autoft.testing.fits import tiny_data, tiny_fit, tiny_runtime, tiny_trial
from autoft.training.config import FitConfig
from autoft.training.inference import run_model
from autoft.training.runtime import find_device, set_threads

pytestmark = pytest.mark.gpu
CONFIG = FitConfig(learning_rate=3e-3, epochs=4, batch_size=4)


@pytest.fixture
def device() -> torch.device:
    set_threads(1)
    return find_device("auto")


@pytest.fixture
def model(pristine: Pristine, device: torch.device) -> TrialModel:
    made = tiny_trial(pristine, Full(), dropout=0.2)
    made.module.to(device)
    return made


def test_forward_passes_compute_in_bfloat16_where_the_device_can(device: torch.device) -> None:
    runtime = tiny_runtime(device=device)
    with runtime.autocast():
        product = torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)
    wanted = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    assert product.dtype is wanted
    assert runtime.precision == str(wanted).removeprefix("torch.")


def test_a_step_moves_float32_weights_on_the_device(model: TrialModel, device: torch.device) -> None:
    before = model.sha256()
    list(tiny_fit(model, tiny_data(8, device=device), CONFIG, points={9: 1}))
    assert model.sha256() != before
    assert {(value.dtype, value.device.type) for _, value, _ in model.named_trainable()} == {(torch.float32, "cuda")}


def test_training_lowers_the_loss(model: TrialModel, device: torch.device) -> None:
    first, *_, last = tiny_fit(model, tiny_data(8, device=device), CONFIG)
    assert last.scores.loss < first.scores.loss


def test_scores_are_those_of_the_processor(pristine: Pristine, device: torch.device) -> None:
    processor = run_model(tiny_trial(pristine, Full()), tiny_data(8), tiny_runtime())
    other = tiny_trial(pristine, Full())
    other.module.to(device)
    found = run_model(other, tiny_data(8, device=device), tiny_runtime(device=device))
    for one, wanted in zip(found.scores, processor.scores, strict=True):
        # float32, in which evaluation is on every device, added up in another order.
        np.testing.assert_allclose(one, wanted, atol=1e-4, rtol=1e-3)


def test_resumed_goes_on_from_the_devices_random_state(pristine: Pristine, device: torch.device) -> None:
    # Some kernels of the backward pass add in no fixed order, so weights may differ; what was drawn may not.
    states, losses = [], []
    for stop in (False, True):
        model = tiny_trial(pristine, Full(), dropout=0.2)
        model.module.to(device)
        run = tiny_fit(model, tiny_data(10, device=device), CONFIG)
        if stop:
            snapshot = next(run).snapshot()
            torch.rand(9, device=device)
            model = tiny_trial(pristine, Full(), dropout=0.2)
            model.module.to(device)
            run = tiny_fit(model, tiny_data(10, device=device), CONFIG, resume=snapshot)
        *_, last = run
        states.append(torch.cuda.get_rng_state(device))
        losses.append(last.scores.loss)
    assert torch.equal(states[0], states[1])
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
