from __future__ import annotations

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial

from autoft.space.domains import Categorical, Constant, Domain, Float, Integer, Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.suggest import distribution_of, proposal_of, suggest_with

FULL: dict[str, Scalar] = {
    "train.dropout": 0.2,
    "train.epochs": 3,
    "method": "full",
    "method.full.learning_rate": 1e-4,
}


@pytest.mark.parametrize(
    ("domain", "distribution"),
    [
        (Categorical(("a", "b")), CategoricalDistribution(["a", "b"])),
        (Float(1e-5, 1e-3, log=True), FloatDistribution(1e-5, 1e-3, log=True)),
        (Float(0.0, 1.0, step=0.25), FloatDistribution(0.0, 1.0, step=0.25)),
        (Integer(2, 32, log=True), IntDistribution(2, 32, log=True)),
        (Integer(2, 8, step=2), IntDistribution(2, 8, step=2)),
        (Constant(3), None),
    ],
)
def test_domains_become_distributions(domain: Domain, distribution: object) -> None:
    assert distribution_of(domain) == distribution


def test_a_trial_chooses_a_configuration(space: SearchSpace) -> None:
    trial = FixedTrial({"train.dropout": 0.2, "method": "full", "method.full.learning_rate": 1e-4})
    assert space.sample(suggest_with(trial)) == FULL


def test_a_configuration_inside_the_space_shows_what_varies(space: SearchSpace) -> None:
    proposal = proposal_of(space, FULL)
    assert proposal.config == FULL
    assert list(proposal.parameters) == ["train.dropout", "method", "method.full.learning_rate"]
    assert proposal.distributions["train.dropout"] == FloatDistribution(0.0, 0.3)


@pytest.mark.parametrize(
    "change",
    [
        {"train.dropout": 0.5},
        {"train.epochs": 30},
        {"method.full.learning_rate": 1.0},
        {"method": "ia3"},
    ],
)
def test_a_configuration_outside_the_space_has_no_parameters(space: SearchSpace, change: dict[str, Scalar]) -> None:
    proposal = proposal_of(space, {**FULL, **change})
    assert proposal.config == {**FULL, **change}
    assert proposal.parameters == {}
    assert proposal.distributions == {}
