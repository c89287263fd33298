"""The one place where it is decided whether a configuration goes on, pauses or stops."""

from __future__ import annotations

import statistics
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from autoft.errors import ConfigError
from autoft.registry import Registry
from autoft.strategy.standing import Standing, climb_order, goodness_at, place_of, ranks_by_loss, rung_order
from autoft.strategy.steps import RUNGS


class Verdict(Enum):
    """What becomes of a configuration after an evaluation."""

    GO_ON = "go on"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict and why, in words that a trial's record can keep."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """A paused configuration that is to be continued from a rung."""

    number: int
    rung: int


_GO_ON = Ruling(Verdict.GO_ON, "")
# What a default configuration must be among to count as having climbed a rung.
_SHARE = 3


@dataclass(frozen=True, slots=True)
class Schedule(ABC):
    """Decides at rungs, as a pure function of what was reached there.

    The default configuration (number 0) is what all others are compared with: it never stops, and neither does the
    first that a portfolio gives (number 1). Its further ones go on while they are better than all of these. What a
    portfolio gives takes no place at a rung, so that it changes nothing for the others, however bad it is. Nothing
    stops at the last rung: it is complete there.

    Attributes:
        rungs: Ninths of a configuration's own schedule at which it is judged, rising.
        floor: The metric's value that any useless model reaches.
        given: How many configurations a portfolio gives, the numbers from 1 on.
    """

    rungs: tuple[int, ...] = RUNGS
    floor: float = 0.0
    given: int = 0

    def __post_init__(self) -> None:
        if not self.rungs or list(self.rungs) != sorted(set(self.rungs)):
            raise ConfigError(f"rungs: rising steps expected, got {self.rungs}")

    def verdict(self, mine: Standing, peers: Sequence[Standing], step: int, *, paused: Collection[int] = ()) -> Ruling:
        """Return what becomes of `mine`, just evaluated at `step`.

        Args:
            mine: The configuration, with the rungs that count for it.
            peers: All others of the study, whatever their state; `mine` among them is ignored.
            step: The ninth just evaluated.
            paused: The numbers of those that are paused.
        """
        first = mine.number == 1 and self.given > 0
        if mine.number == 0 or first or step not in mine.rungs or step not in self.rungs[:-1]:
            return _GO_ON
        if mine.number <= self.given:
            return self._judge_given(mine, [one for one in peers if one.number <= self.given], step)
        others = [one for one in self._competing(peers) if step in one.rungs and one.number != mine.number]
        return self._judge(mine, others, step, paused)

    def cost(self) -> Fraction:
        """Return which share of its training a configuration gets in the mean."""
        return Fraction(1)

    def cost_of_given(self, count: int) -> Fraction:
        """Return how many trainings `count` configurations of a portfolio take, if none is better than the default."""
        return Fraction(0) if count < 1 else 1 + (count - 1) * Fraction(self.rungs[0], self.rungs[-1])

    def order(self, standings: Sequence[Standing]) -> tuple[int, ...]:
        """Return the numbers of all that reached a rung, worst first: what a sampler learns from."""
        return climb_order(standings, self.rungs, self.floor, _SHARE, 1 + self.given)

    def promotable(
        self,
        paused: Sequence[Standing],  # noqa: ARG002
        peers: Sequence[Standing],  # noqa: ARG002
    ) -> list[Promotion]:
        """Return which of the `paused` are to be continued, best first; none where none pauses.

        Args:
            paused: Configurations that wait at the deepest rung of their standing.
            peers: All of the study, whatever their state, the `paused` among them.
        """
        return []

    def deserving(
        self,
        paused: Sequence[Standing],  # noqa: ARG002
        peers: Sequence[Standing],  # noqa: ARG002
    ) -> list[Promotion]:
        """Return which of the `paused` are still to be continued when nothing new is begun any more, best first."""
        return []

    def outlook(
        self,
        paused: Sequence[Standing],  # noqa: ARG002
        peers: Sequence[Standing],  # noqa: ARG002
    ) -> list[Promotion]:
        """Return all of the `paused`, from the likeliest to be continued to the one that hardly ever will be."""
        return []

    def _competing(self, peers: Sequence[Standing]) -> list[Standing]:
        """Return those that are compared at rungs."""
        return [one for one in peers if one.number > self.given]

    def _judge_given(self, mine: Standing, others: Sequence[Standing], rung: int) -> Ruling:
        """Judge a portfolio's further configuration among the default and what else was given."""
        there = [one for one in others if rung in one.rungs and one.number != mine.number]
        goodness = goodness_at([*there, mine], rung, self.floor)
        better = [one.number for one in there if goodness(one) >= goodness(mine)]
        if not better:
            return _GO_ON
        name = "the default" if better[0] == 0 else f"trial {better[0]}"
        return Ruling(Verdict.STOP, f"rung {rung}: no better than {name} was there")

    @abstractmethod
    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:
        """Judge `mine` at a rung before the last, among the others that reached it."""


@dataclass(frozen=True, slots=True)
class FullTraining(Schedule):
    """Trains every configuration to its end."""

    def cost_of_given(self, count: int) -> Fraction:
        """Return `count`."""
        return Fraction(count)

    def _judge_given(self, mine: Standing, others: Sequence[Standing], rung: int) -> Ruling:  # noqa: ARG002
        return _GO_ON

    def _judge(
        self,
        mine: Standing,  # noqa: ARG002
        others: list[Standing],  # noqa: ARG002
        rung: int,  # noqa: ARG002
        paused: Collection[int],  # noqa: ARG002
    ) -> Ruling:
        return _GO_ON


@dataclass(frozen=True, slots=True)
class StoppingHalving(Schedule):
    """Asynchronous successive halving that only stops: the best 1/eta of a rung so far goes on.

    Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning (ASHA), in the variant
    that decides at once instead of pausing.

    Attributes:
        eta: One of `eta` goes on.
        minimum: Configurations, mine among them, that must have reached a rung before it stops any.
        window: Compare with this many latest configurations; None is all. An improving sampler
            brings nearly every newcomer into the best third of all so far.
    """

    eta: int = 3
    minimum: int = 3
    window: int | None = None

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        if self.eta < 2 or self.minimum < 1 or (self.window is not None and self.window < 1):
            raise ConfigError(
                "eta of at least 2, minimum and window of at least 1 expected, "
                f"got eta={self.eta}, minimum={self.minimum}, window={self.window}"
            )

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:  # noqa: ARG002
        if self.window is not None:
            others = sorted(others, key=lambda one: one.number)[-self.window :]
        count = len(others) + 1
        if count < self.minimum:
            return _GO_ON
        place = place_of(mine, others, rung, self.floor)
        best = max(1, count // self.eta)
        if place <= best:
            return _GO_ON
        signal = "dev loss" if ranks_by_loss([*others, mine], rung, self.floor) else "metric"
        reason = f"rung {rung}: place {place} of {count} by {signal}, the best {best} go on"
        return Ruling(Verdict.STOP, reason)


@dataclass(frozen=True, slots=True)
class PromotionHalving(Schedule):
    """Asynchronous successive halving by promotion: each configuration pauses at a rung, the best go on.

    Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning (ASHA), with one difference: of n that
    reached a rung no more than n/eta are continued from it. By ASHA's own rule, the best third of all so far, a
    sampler that improves sees nearly every newcomer promoted at once, and what was saved at the rungs is spent on
    them.

    Attributes:
        eta: One of `eta` goes on.
    """

    eta: int = 3

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        if self.eta < 2:
            raise ConfigError(f"eta: at least 2 expected, got {self.eta}")

    def cost(self) -> Fraction:
        """Return which share of its training a configuration gets in the mean: one of `eta` goes on from each rung."""
        stretches = zip(self.rungs, (0, *self.rungs), strict=False)
        return sum(
            (
                Fraction(rung - before, self.rungs[-1] * self.eta**place)
                for place, (rung, before) in enumerate(stretches)
            ),
            Fraction(0),
        )

    def promotable(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return which of the `paused` are to be continued, the deepest rung first, the best of a rung first."""
        found = []
        for rung in reversed(self.rungs[:-1]):
            best = self._best_first(peers, rung)
            waiting = {one.number for one in paused if self._rung_of(one) == rung}
            free = len(best) // self.eta - sum(number not in waiting for number in best)
            found += [Promotion(number, rung) for number in best if number in waiting][: max(0, free)]
        return found

    def deserving(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return which of the `paused` are among the best 1/eta of their rung, whoever was continued before them.

        The best of a rung is always among them: a search of few configurations ends with a complete one too.
        """
        ranked = self._ranked(paused, peers)
        return [promotion for place, count, promotion in ranked if place <= max(1, count // self.eta)]

    def outlook(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return all of the `paused`, those with the best share of their rung first."""
        return [promotion for _, _, promotion in self._ranked(paused, peers)]

    def _ranked(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[tuple[int, int, Promotion]]:
        """Return place and count at its rung of each of the `paused`, the best share first, deeper rungs before."""
        ranked = []
        for rung in self.rungs[:-1]:
            best = self._best_first(peers, rung)
            waiting = [one.number for one in paused if self._rung_of(one) == rung]
            ranked += [(best.index(number) + 1, len(best), Promotion(number, rung)) for number in waiting]
        return sorted(ranked, key=lambda one: (one[0] / one[1], -one[2].rung, one[2].number))

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:
        goodness = goodness_at([*others, mine], rung, self.floor)
        waiting = [one for one in others if one.number in paused and self._rung_of(one) == rung]
        better = sum(goodness(one) > goodness(mine) for one in waiting)
        count, gone = len(others) + 1, len(others) - len(waiting)
        if better < count // self.eta - gone:
            return _GO_ON
        words = f"rung {rung}: place {place_of(mine, others, rung, self.floor)} of {count}"
        return Ruling(Verdict.PAUSE, f"{words}, {count // self.eta} may go on")

    def _best_first(self, peers: Sequence[Standing], rung: int) -> tuple[int, ...]:
        """Return the numbers of all that compete at a rung."""
        return rung_order(self._competing(peers), rung, self.floor)[::-1]

    def _rung_of(self, paused: Standing) -> int:
        """Return where a paused configuration waits: the deepest rung that it has reached."""
        return max(rung for rung in paused.rungs if rung in self.rungs)


@dataclass(frozen=True, slots=True)
class Median(Schedule):
    """Stops what is worse than the median of a rung.

    Golovin et al. 2017, Google Vizier: A Service for Black-Box Optimization; Optuna's MedianPruner.

    Attributes:
        minimum: Others that must have reached a rung before it stops any.
    """

    minimum: int = 5

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:  # noqa: ARG002
        if len(others) < self.minimum:
            return _GO_ON
        by_loss = ranks_by_loss([*others, mine], rung, self.floor)
        if by_loss:
            middle = statistics.median(one.rungs[rung].loss for one in others)
            worse, signal, got = mine.rungs[rung].loss > middle, "dev loss", mine.rungs[rung].loss
        else:
            middle = statistics.median(one.rungs[rung].value for one in others)
            worse, signal, got = mine.rungs[rung].value < middle, "metric", mine.rungs[rung].value
        if not worse:
            return _GO_ON
        return Ruling(Verdict.STOP, f"rung {rung}: {signal} {got:.4g} is worse than the median {middle:.4g}")


@dataclass(frozen=True, slots=True)
class TopThree(Schedule):
    """Trains everything to its first rung, and the three best of each dozen to their end.

    What a careful person does by hand; the rival that a cleverer schedule must beat.

    Attributes:
        dozen: How many share three places.
    """

    dozen: int = 12

    def promotable(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return the best three of each full dozen that are paused."""
        waiting = {one.number: one for one in paused}
        begun = sorted(self._competing(peers), key=lambda one: one.number)
        found = []
        for first in range(0, len(begun) - self.dozen + 1, self.dozen):
            group = begun[first : first + self.dozen]
            if all(one.rungs for one in group):
                rung = min(rung for one in group for rung in one.rungs)
                best = rung_order(group, rung, self.floor)[::-1][:3]
                found += [Promotion(number, max(waiting[number].rungs)) for number in best if number in waiting]
        return found

    def outlook(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return all of the `paused`, the best first."""
        order = self.order(peers)
        ranked = sorted(paused, key=lambda one: -order.index(one.number))
        return [Promotion(one.number, max(one.rungs)) for one in ranked]

    def _judge(
        self,
        mine: Standing,
        others: list[Standing],  # noqa: ARG002
        rung: int,
        paused: Collection[int],  # noqa: ARG002
    ) -> Ruling:
        if rung > min(mine.rungs):
            return _GO_ON
        return Ruling(Verdict.PAUSE, f"rung {rung}: waits for the dozen that it belongs to")


SCHEDULES: Registry[type[Schedule]] = Registry("schedule")
SCHEDULES.add("promotion", PromotionHalving)
SCHEDULES.add("stopping-halving", StoppingHalving)
SCHEDULES.add("top-three", TopThree)
SCHEDULES.add("full", FullTraining)
SCHEDULES.add("median", Median)
