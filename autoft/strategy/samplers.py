"""Samplers by name, asked as a pure function of the study so far, its seed and a number."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from autoft.registry import Registry
from autoft.space.domains import Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.standing import Evaluated
from autoft.strategy.suggest import Proposal, proposal_of, suggest_with

SAMPLERS: Registry[Callable[[int], BaseSampler]] = Registry("sampler", group="autoft.samplers")
# Optuna 5's own defaults: multivariate, with running trials as constant liars.
SAMPLERS.add("tpe", lambda seed: TPESampler(seed=seed))
SAMPLERS.add("random", lambda seed: RandomSampler(seed=seed))

_INFEASIBLE = "memory"

# Optuna announces every study that it makes, and one in memory is made for each configuration.
logging.getLogger("optuna.storages").setLevel(logging.WARNING)


class Seen(Protocol):
    """One configuration of the study as storage records it."""

    @property
    def number(self) -> int:
        """The configuration's number."""

    @property
    def state(self) -> str:
        """One of `running`, `paused`, `complete`, `pruned`, `failed`, `infeasible`."""

    @property
    def value(self) -> float | None:
        """The best evaluation so far."""

    @property
    def config(self) -> Mapping[str, Scalar]:
        """Path -> value; empty where none was chosen yet."""

    @property
    def evaluations(self) -> Iterable[Evaluated]:
        """All evaluations."""

    @property
    def constraints(self) -> Mapping[str, float]:
        """Name -> share above a limit: broken above 0, met at 0 and below."""


def make_sampler(name: str, *, seed: int, number: int) -> BaseSampler:
    """Return a sampler for one configuration.

    It is seeded by the study's seed and the configuration's number: a resumed study asks what an
    uninterrupted one would, and two workers never draw the same.

    Raises:
        UnknownNameError: If there is no such sampler.
    """
    digest = hashlib.sha256(f"sampler:{seed}:{number}".encode()).digest()
    return SAMPLERS.get(name)(int.from_bytes(digest[:4], "big"))


def propose(name: str, space: SearchSpace, seen: Iterable[Seen], *, seed: int, number: int) -> Proposal:
    """Ask a sampler for the configuration `number`.

    Args:
        name: A sampler's name.
        space: What may vary.
        seen: Every configuration of the study so far; `number` itself is ignored.
        seed: The study's.
        number: The configuration's.

    Raises:
        UnknownNameError: If there is no such sampler.
    """
    study = _view(space, (one for one in seen if one.number != number))
    study.sampler = make_sampler(name, seed=seed, number=number)
    trial = study.ask()
    config = space.sample(suggest_with(trial))
    return Proposal(dict(config), trial.params, trial.distributions)


def _view(space: SearchSpace, seen: Iterable[Seen]) -> optuna.Study:
    """Return a study in memory that holds what samplers may learn from, each configuration once.

    Failed configurations and those outside the space (a default may be) are not: they mislead.
    """
    study = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    for one in sorted(seen, key=lambda one: one.number):
        trial = _as_trial(space, one)
        if trial is not None:
            study.add_trial(trial)
    return study


def _as_trial(space: SearchSpace, one: Seen) -> FrozenTrial | None:
    proposal = proposal_of(space, one.config)
    state = {
        "running": TrialState.RUNNING,
        "paused": TrialState.PRUNED,
        "pruned": TrialState.PRUNED,
        "infeasible": TrialState.PRUNED,
        "complete": TrialState.COMPLETE,
    }.get(one.state)
    if state is None or not proposal.parameters:
        return None
    # A configuration is worth its best evaluation at the deepest step it has reached.
    deepest = max((evaluation.step for evaluation in one.evaluations), default=None)
    reached = {} if deepest is None or one.value is None else {deepest: one.value}
    return create_trial(
        state=state,
        value=one.value if state is not TrialState.RUNNING else None,
        params=dict(proposal.parameters),
        distributions=dict(proposal.distributions),
        intermediate_values=reached,
        constraints=_constraints(one),
    )


def _constraints(one: Seen) -> dict[str, float]:
    """Return the limits' amounts; whatever made a trial infeasible, at least one is broken."""
    broken = any(amount > 0 for amount in one.constraints.values())
    unnamed = {_INFEASIBLE: 1.0} if one.state == "infeasible" and not broken else {}
    return {**one.constraints, **unnamed}
