"""Samplers by name, asked as a pure function of the study so far, its seed and a number."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from autoft.registry import Registry
from autoft.space.domains import Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.standing import Evaluated
from autoft.strategy.suggest import Proposal, proposal_of, suggest_with
from autoft.strategy.surrogate import Ranked, promising

_INFEASIBLE = "memory"
_NEVER_LEARNED_FROM = ("failed", "running")

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


class Proposer(Protocol):
    """Chooses a configuration; the same call gives the same configuration."""

    def __call__(self, space: SearchSpace, seen: Sequence[Seen], order: Sequence[int], seed: int) -> Proposal:
        """Return the next configuration.

        Args:
            space: What may vary.
            seen: Every configuration of the study so far, whatever its state.
            order: The numbers of those that reached a rung, worst first.
            seed: From which all randomness comes.
        """


def propose(
    name: str,
    space: SearchSpace,
    seen: Iterable[Seen],
    *,
    order: Sequence[int] = (),
    seed: int,
    number: int,
    given: int = 0,
) -> Proposal:
    """Ask a sampler for the configuration `number`.

    It is seeded by the study's seed and the configuration's number: a resumed study asks what an
    uninterrupted one would, and two workers never draw the same. What a portfolio gave does not count: what is drawn by
    chance is drawn with it and without.

    Args:
        name: A sampler's name.
        space: What may vary.
        seen: Every configuration of the study so far; `number` itself is ignored.
        order: The numbers of those that reached a rung, worst first: `climb_order` of their standings.
        seed: The study's.
        number: The configuration's.
        given: How many configurations before it a portfolio gave.

    Raises:
        UnknownNameError: If there is no such sampler.
    """
    digest = hashlib.sha256(f"sampler:{seed}:{number - given}".encode()).digest()
    others = sorted((one for one in seen if one.number != number), key=lambda one: one.number)
    return SAMPLERS.get(name)(space, others, order, int.from_bytes(digest[:4], "big"))


def _by_surrogate(space: SearchSpace, seen: Sequence[Seen], order: Sequence[int], seed: int) -> Proposal:
    """Ask a Gaussian process over the order of all that was seen."""
    inside = {one.number: one for one in seen if space.contains(one.config)}
    feasible = {n: None for n in order if n in inside and inside[n].state != "failed" and _excess(inside[n]) <= 0}
    # Out of memory, over a limit, or diverged before the first rung: worse than whatever reached it.
    worst = [n for n, one in inside.items() if n not in feasible and one.state not in _NEVER_LEARNED_FROM]
    worst.sort(key=lambda n: (-_excess(inside[n]), n))
    told = [inside[n].config for n in (*worst, *feasible)]
    placed = set(order)
    pending = [one.config for n, one in inside.items() if one.state == "running" and n not in placed]
    return proposal_of(space, promising(space, Ranked(told, pending), np.random.default_rng(seed)))


def _excess(one: Seen) -> float:
    """Return by how much a configuration breaks the limit that it breaks most, at most 0 where it keeps all."""
    return max((0.0, *one.constraints.values()))


def _by_tpe(space: SearchSpace, seen: Sequence[Seen], order: Sequence[int], seed: int) -> Proposal:  # noqa: ARG001
    """Ask Optuna's TPE with its own defaults: multivariate, with running trials as constant liars."""
    return _asked(_view(space, seen), space, TPESampler(seed=seed))


def _by_chance(space: SearchSpace, seen: Sequence[Seen], order: Sequence[int], seed: int) -> Proposal:  # noqa: ARG001
    return _asked(_view(space, ()), space, RandomSampler(seed=seed))


def _asked(study: optuna.Study, space: SearchSpace, sampler: BaseSampler) -> Proposal:
    study.sampler = sampler
    trial = study.ask()
    config = space.sample(suggest_with(trial))
    return Proposal(dict(config), trial.params, trial.distributions)


SAMPLERS: Registry[Proposer] = Registry("sampler", group="autoft.samplers")
SAMPLERS.add("gp", _by_surrogate)
SAMPLERS.add("tpe", _by_tpe)
SAMPLERS.add("random", _by_chance)


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
