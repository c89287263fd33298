"""Optimizers: groups by decay and depth, and the learning rate of each step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup
from transformers import get_linear_schedule_with_warmup as get_linear

from autoft.errors import ConfigError
from autoft.models.base import Pristine
from autoft.models.methods.full import Full
from autoft.testing.fits import tiny_trial
from autoft.training.config import OPTIMIZERS, AdamW, FitConfig, Sgd
from autoft.training.optimizers import NamedParameter, make_optimizer, rate_factor, set_rates, warmup_steps


def parameters() -> list[NamedParameter]:
    """A matrix and a bias at each depth from 0 to 3."""
    return [
        (f"layer{depth}.{name}", Parameter(torch.full(shape, 1.0)), depth)
        for depth in range(4)
        for name, shape in (("weight", (2, 3)), ("bias", (2,)))
    ]


def rates(optimizer: torch.optim.Optimizer) -> dict[int, float]:
    """Learning rate of each parameter, by identity."""
    return {id(value): group["lr"] for group in optimizer.param_groups for value in group["params"]}


def test_vectors_get_no_weight_decay() -> None:
    optimizer = make_optimizer(parameters(), FitConfig(weight_decay=0.3))
    decays = {value.ndim: group["weight_decay"] for group in optimizer.param_groups for value in group["params"]}
    assert decays == {1: 0.0, 2: 0.3}


def test_every_parameter_of_a_model_is_in_one_group(pristine: Pristine) -> None:
    trainable = tiny_trial(pristine, Full()).named_trainable()
    optimizer = make_optimizer(trainable, FitConfig(layer_decay=0.9))
    grouped = [id(value) for group in optimizer.param_groups for value in group["params"]]
    assert sorted(grouped) == sorted(id(value) for _, value, _ in trainable)


def test_without_layer_decay_there_are_two_groups(pristine: Pristine) -> None:
    assert len(make_optimizer(tiny_trial(pristine, Full()).named_trainable(), FitConfig()).param_groups) == 2


def test_learning_rate_falls_by_the_decay_for_each_unit_below_the_head() -> None:
    named = parameters()
    config = FitConfig(learning_rate=1e-3, layer_decay=0.5, warmup=0.0)
    optimizer = make_optimizer(named, config)
    set_rates(optimizer, 0, 10, config)
    found = rates(optimizer)
    for _, value, depth in named:
        assert found[id(value)] == pytest.approx(1e-3 * 0.5 ** (3 - depth), rel=1e-12)


def test_layer_decay_starts_at_the_highest_unit_that_trains() -> None:
    named = [entry for entry in parameters() if entry[2] <= 1]
    config = FitConfig(learning_rate=1e-3, layer_decay=0.5, warmup=0.0)
    optimizer = make_optimizer(named, config)
    set_rates(optimizer, 0, 10, config)
    assert sorted(set(rates(optimizer).values())) == [5e-4, 1e-3]


def test_sgd_steps_with_the_ratio_times_the_learning_rate() -> None:
    named = parameters()
    config = FitConfig(learning_rate=1e-4, optimizer=Sgd(learning_rate_ratio=200.0, momentum=0.5), warmup=0.0)
    optimizer = make_optimizer(named, config)
    set_rates(optimizer, 0, 10, config)
    assert isinstance(optimizer, torch.optim.SGD)
    assert set(rates(optimizer).values()) == {1e-4 * 200.0}
    assert {group["momentum"] for group in optimizer.param_groups} == {0.5}


def test_sgd_moves_by_the_gradient() -> None:
    named = parameters()[1:2]
    config = FitConfig(learning_rate=1e-3, optimizer=Sgd(learning_rate_ratio=100.0, momentum=0.0), warmup=0.0)
    optimizer = make_optimizer(named, config)
    set_rates(optimizer, 0, 10, config)
    named[0][1].grad = torch.full((2,), 2.0)
    optimizer.step()
    assert named[0][1].tolist() == pytest.approx([0.8, 0.8])


def test_adamw_moves_as_the_paper_says() -> None:
    # Loshchilov and Hutter 2019, algorithm 2: the first step is the sign of the gradient, the decay comes on top.
    named = parameters()[:1]
    config = FitConfig(learning_rate=0.1, weight_decay=0.5, warmup=0.0)
    optimizer = make_optimizer(named, config)
    set_rates(optimizer, 0, 10, config)
    named[0][1].grad = torch.tensor([[3.0, -3.0, 0.5], [1.0, 1.0, -1.0]])
    optimizer.step()
    decayed = 1.0 - 0.1 * 0.5
    expected = decayed - 0.1 * torch.tensor([[1.0, -1.0, 1.0], [1.0, 1.0, -1.0]])
    # Epsilon in the denominator takes 1e-8 / |gradient| of a step.
    torch.testing.assert_close(named[0][1].detach(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("cosine", [0.5, 1.0, 1.0, 0.9619398, 0.8535534, 0.6913417, 0.5, 0.3086583, 0.1464466, 0.0380602]),
    ],
)
def test_schedules_are_the_recorded_ones(schedule: str, expected: list[float]) -> None:
    config = FitConfig(warmup=0.2, schedule=schedule)
    assert [rate_factor(step, 10, config) for step in range(10)] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize(("total", "share"), [(10, 0.2), (97, 0.1), (30, 0.0), (7, 0.5)])
def test_schedules_equal_those_of_transformers(schedule: str, total: int, share: float) -> None:
    warm = warmup_steps(total, share)
    reference = torch.optim.SGD([Parameter(torch.zeros(1))], lr=1.0)
    theirs = {
        "linear": lambda: get_linear(reference, warm, total),
        "cosine": lambda: get_cosine_schedule_with_warmup(reference, warm, total),
        "constant": lambda: get_constant_schedule_with_warmup(reference, warm),
    }[schedule]().lr_lambdas[0]
    config = FitConfig(warmup=share, schedule=schedule)
    # transformers' first step of a warm-up has a rate of zero and moves nothing; here it is one step further on.
    expected = [theirs(step + 1 if step < warm else step) for step in range(total)]
    assert [rate_factor(step, total, config) for step in range(total)] == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from(["linear", "cosine", "constant"]))
def test_rates_lie_between_nothing_and_the_peak(total: int, share: float, schedule: str) -> None:
    config = FitConfig(warmup=share, schedule=schedule)
    factors = [rate_factor(step, total, config) for step in range(total)]
    assert all(0.0 < factor <= 1.0 for factor in factors)
    warm = warmup_steps(total, share)
    assert factors[:warm] == sorted(factors[:warm])
    assert factors[warm:] == sorted(factors[warm:], reverse=True)


@given(st.integers(1, 1000), st.floats(0, 1))
def test_warmup_is_its_share_of_the_steps(total: int, share: float) -> None:
    assert warmup_steps(total, share) == math.ceil(share * total)
    assert 0 <= warmup_steps(total, share) <= total


def test_every_registered_optimizer_can_be_made() -> None:
    for name in OPTIMIZERS.names():
        make_optimizer(parameters(), FitConfig(optimizer=OPTIMIZERS.get(name)()))


def test_all_problems_of_a_configuration_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        FitConfig(learning_rate=0.0, epochs=0, batch_size=0, warmup=1.5, schedule="step", layer_decay=0.0)
    assert len(caught.value.problems) == 6


def test_momentum_beyond_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="momentum"):
        Sgd(momentum=1.5)


def test_optimizers_are_equal_by_their_settings() -> None:
    assert AdamW() == AdamW()
    assert Sgd(momentum=0.5) != Sgd()
