"""What one configuration has reached, and how those that reached a rung are ranked there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

# Early on the metric says nothing about a rung where more than this share of the trials stands at its floor.
_BLIND_SHARE = 1 / 3
# From a third of the schedule on it ranks better than dev loss there too (studies/reference).
_SEEING = 3


class Evaluated(Protocol):
    """One evaluation on dev, as storage records it."""

    @property
    def step(self) -> int:
        """The ninth of the schedule."""

    @property
    def value(self) -> float:
        """The metric; larger is better."""

    @property
    def loss(self) -> float:
        """Mean dev loss."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The best that a configuration had reached at a rung: metric and dev loss, each on its own."""

    value: float
    loss: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One configuration at the rungs it has reached.

    Attributes:
        number: The configuration's number; 0 is the default.
        rungs: Rung -> what it had reached there; rungs that do not count for it are missing.
    """

    number: int
    rungs: Mapping[int, Reached]


def standing_of(number: int, evaluations: Iterable[Evaluated], rungs: Sequence[int]) -> Standing:
    """Return the standing of a configuration at those of `rungs` where it has been evaluated."""
    reached: dict[int, Reached] = {}
    value, loss = -math.inf, math.inf
    for evaluation in sorted(evaluations, key=lambda one: one.step):
        # max and min keep their first argument when compared with NaN.
        value, loss = max(value, evaluation.value), min(loss, evaluation.loss)
        if evaluation.step in rungs:
            reached[evaluation.step] = Reached(value, loss)
    return Standing(number, reached)


def ranks_by_loss(standings: Iterable[Standing], rung: int, floor: float) -> bool:
    """Tell whether a rung is blind by metric: an early one, where it stands at its floor for more than a third."""
    if rung >= _SEEING:
        return False
    values = [one.rungs[rung].value for one in standings if rung in one.rungs]
    return sum(value <= floor for value in values) > _BLIND_SHARE * len(values)


def place_of(mine: Standing, standings: Iterable[Standing], rung: int, floor: float) -> int:
    """Return how many of `standings` are strictly better than `mine` at `rung`, plus one."""
    at_rung = [one for one in standings if rung in one.rungs and one.number != mine.number]
    goodness = goodness_at([*at_rung, mine], rung, floor)
    return 1 + sum(goodness(one) > goodness(mine) for one in at_rung)


def goodness_at(standings: Iterable[Standing], rung: int, floor: float) -> Callable[[Standing], tuple[float, float]]:
    """Return what orders `standings` at a rung that all of them reached, the greater the better."""
    by_loss = ranks_by_loss(standings, rung, floor)

    def goodness(one: Standing) -> tuple[float, float]:
        reached = one.rungs[rung]
        return (-reached.loss, reached.value) if by_loss else (reached.value, -reached.loss)

    return goodness


def rung_order(standings: Iterable[Standing], rung: int, floor: float) -> tuple[int, ...]:
    """Return the numbers of all that reached a rung, the worst there first; of equals the lower number is better."""
    at_rung = [one for one in standings if rung in one.rungs]
    goodness = goodness_at(at_rung, rung, floor)
    return tuple(one.number for one in sorted(at_rung, key=lambda one: (goodness(one), -one.number)))


def climb_order(
    standings: Iterable[Standing], rungs: Sequence[int], floor: float, share: int, exempt: int = 1
) -> tuple[int, ...]:
    """Return the numbers of all that reached a rung, worst first.

    Who climbed to a later rung stands above who did not: those who were not continued had been compared there and
    found worse. Who climbs without being compared, as the default does, is worth what its rungs say: where it is not
    among the best 1/`share`, it stands as if it had stayed there.

    Args:
        standings: Each configuration once.
        rungs: Those at which configurations are compared, rising.
        floor: The metric's value of a useless model.
        share: One of so many goes on.
        exempt: Numbers below this one climb without being compared.
    """
    everyone = [one for one in standings if any(rung in one.rungs for rung in rungs)]

    def height(one: Standing) -> int:
        reached = [rung for rung in rungs if rung in one.rungs]
        if one.number < exempt:
            for rung in reached[:-1]:
                peers = [other for other in everyone if rung in other.rungs]
                if place_of(one, peers, rung, floor) > max(1, len(peers) // share):
                    return rung
        return reached[-1]

    heights = {one.number: height(one) for one in everyone}
    return tuple(n for rung in rungs for n in rung_order(everyone, rung, floor) if heights[n] == rung)
