"""The bridge from the search space to Optuna: domains as distributions, values as parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from autoft.space.domains import Categorical, Constant, Domain, Float, Integer, Scalar
from autoft.space.search_space import SearchSpace

Suggest = Callable[[str, Domain], Scalar]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration to be tried, and the part of it that samplers may learn from.

    Attributes:
        config: Path -> value, constants included.
        parameters: What varies, path -> value; empty where a value lies outside the search space.
        distributions: The distribution of each of `parameters`.
    """

    config: Mapping[str, Scalar]
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)


def distribution_of(domain: Domain) -> BaseDistribution | None:
    """Return a domain as Optuna's distribution, None for a constant."""
    match domain:
        case Categorical():
            return CategoricalDistribution(domain.choices)
        case Float():
            return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
        case Integer():
            return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step or 1)
        case Constant():
            return None


def suggest_with(trial: BaseTrial) -> Suggest:
    """Return the function that lets an Optuna trial choose the value of each domain."""

    def suggest(path: str, domain: Domain) -> Scalar:
        match domain:
            case Categorical():
                value: Scalar = cast(Scalar, trial.suggest_categorical(path, domain.choices))
            case Float():
                value = trial.suggest_float(path, domain.low, domain.high, log=domain.log, step=domain.step)
            case Integer():
                value = trial.suggest_int(path, domain.low, domain.high, log=domain.log, step=domain.step or 1)
            case Constant():
                value = domain.value
        return value

    return suggest


def proposal_of(space: SearchSpace, config: Mapping[str, Scalar]) -> Proposal:
    """Return a given configuration (the default, a portfolio's) as a proposal.

    Its parameters are kept from samplers unless the whole of it lies inside the space.
    """
    if not space.contains(config):
        return Proposal(dict(config))
    distributions: dict[str, BaseDistribution] = {}

    def suggest(path: str, domain: Domain) -> Scalar:
        distribution = distribution_of(domain)
        if distribution is not None:
            distributions[path] = distribution
        return config[path]

    space.sample(suggest)
    parameters = {path: config[path] for path in distributions}
    return Proposal(dict(config), parameters, distributions)
