"""The one place where it is decided whether a configuration goes on, pauses or stops."""

from __future__ import annotations

import statistics
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from autoft.errors import ConfigError
from autoft.registry import Registry
from autoft.strategy.standing import Standing, place_of, ranks_by_loss
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


@dataclass(frozen=True, slots=True)
class Schedule(ABC):
    """Decides at rungs, as a pure function of what was reached there.

    The default configuration (number 0) is what all others are compared with: it never stops.
    Nothing stops at the last rung: it is complete there.

    Attributes:
        rungs: Ninths of a configuration's own schedule at which it is judged, rising.
        floor: The metric's value that any useless model reaches.
    """

    rungs: tuple[int, ...] = RUNGS
    floor: float = 0.0

    def __post_init__(self) -> None:
        if not self.rungs or list(self.rungs) != sorted(set(self.rungs)):
            raise ConfigError(f"rungs: rising steps expected, got {self.rungs}")

    def verdict(self, mine: Standing, peers: Sequence[Standing], step: int) -> Ruling:
        """Return what becomes of `mine`, just evaluated at `step`.

        Args:
            mine: The configuration, with the rungs that count for it.
            peers: All others of the study, whatever their state; `mine` among them is ignored.
            step: The ninth just evaluated.
        """
        if mine.number == 0 or step not in mine.rungs or step not in self.rungs[:-1]:
            return _GO_ON
        others = [one for one in peers if step in one.rungs and one.number not in (0, mine.number)]
        return self._judge(mine, others, step)

    def promotable(
        self,
        paused: Sequence[Standing],  # noqa: ARG002
        peers: Sequence[Standing],  # noqa: ARG002
    ) -> list[Promotion]:
        """Return which of the `paused` are to be continued, best first; none where none pauses.

        Args:
            paused: Configurations that wait at the deepest rung of their standing.
            peers: All of the study, whatever their state; the `paused` may be among them.
        """
        return []

    def outlook(
        self,
        paused: Sequence[Standing],  # noqa: ARG002
        peers: Sequence[Standing],  # noqa: ARG002
    ) -> list[Promotion]:
        """Return all of the `paused`, from the likeliest to be continued to the one that hardly ever will be."""
        return []

    @abstractmethod
    def _judge(self, mine: Standing, others: list[Standing], rung: int) -> Ruling:
        """Judge `mine` at a rung before the last, among the others that reached it."""


@dataclass(frozen=True, slots=True)
class FullTraining(Schedule):
    """Trains every configuration to its end."""

    def _judge(self, mine: Standing, others: list[Standing], rung: int) -> Ruling:  # noqa: ARG002
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

    def _judge(self, mine: Standing, others: list[Standing], rung: int) -> Ruling:
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
    """Asynchronous successive halving by promotion: each configuration pauses at a rung, the best 1/eta go on.

    Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning (ASHA).

    Attributes:
        eta: One of `eta` goes on.
        window: Compare with this many latest configurations of a rung; None is all. An improving
            sampler brings nearly every newcomer into the best third of all so far.
    """

    eta: int = 3
    window: int | None = None

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        if self.eta < 2 or (self.window is not None and self.window < self.eta):
            raise ConfigError(
                f"eta of at least 2, window of at least eta expected, got eta={self.eta}, window={self.window}"
            )

    def promotable(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return which of the `paused` are to be continued, the deepest rung first, the best of a rung first."""
        return [promotion for promotion, place, count in self._placed(paused, peers) if place <= count // self.eta]

    def outlook(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[Promotion]:
        """Return all of the `paused`, those with the best share of their rung first."""
        placed = self._placed(paused, peers)
        return [promotion for promotion, _, _ in sorted(placed, key=lambda one: one[1] / one[2])]

    def _judge(self, mine: Standing, others: list[Standing], rung: int) -> Ruling:
        place, count = self._place(mine, others, rung)
        if place <= count // self.eta:
            return _GO_ON
        return Ruling(Verdict.PAUSE, f"rung {rung}: place {place} of {count}, the best {count // self.eta} go on")

    def _placed(self, paused: Sequence[Standing], peers: Sequence[Standing]) -> list[tuple[Promotion, int, int]]:
        """Return each paused configuration with its place and how many it is compared with, deepest and best first."""
        found = []
        for mine in paused:
            rung = max(rung for rung in mine.rungs if rung in self.rungs)
            others = [one for one in peers if rung in one.rungs and one.number not in (0, mine.number)]
            found.append((Promotion(mine.number, rung), *self._place(mine, others, rung)))
        return sorted(found, key=lambda one: (-one[0].rung, one[1], one[0].number))

    def _place(self, mine: Standing, others: list[Standing], rung: int) -> tuple[int, int]:
        if self.window is not None:
            others = sorted(others, key=lambda one: one.number)[-(self.window - 1) :]
        return place_of(mine, others, rung, self.floor), len(others) + 1


@dataclass(frozen=True, slots=True)
class Median(Schedule):
    """Stops what is worse than the median of a rung.

    Golovin et al. 2017, Google Vizier: A Service for Black-Box Optimization; Optuna's MedianPruner.

    Attributes:
        minimum: Others that must have reached a rung before it stops any.
    """

    minimum: int = 5

    def _judge(self, mine: Standing, others: list[Standing], rung: int) -> Ruling:
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


SCHEDULES: Registry[type[Schedule]] = Registry("schedule")
SCHEDULES.add("promotion", PromotionHalving)
SCHEDULES.add("stopping-halving", StoppingHalving)
SCHEDULES.add("full", FullTraining)
SCHEDULES.add("median", Median)
