"""Searches replayed on known curves, in simulated time, with several simulated workers.

autoft's own searches are replayed by the code that runs real studies: `next_move`, the schedule, `propose`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autoft.space.domains import Scalar
from autoft.strategy.moves import Begin, Continue, Move, next_move
from autoft.strategy.samplers import propose
from autoft.strategy.schedule import SCHEDULES, Schedule, Verdict
from autoft.strategy.standing import Standing, standing_of
from autoft.strategy.steps import evaluation_steps
from autoft.strategy.stopping import standstill
from benchmarks.tables import Config, Curve, Table

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Job:
    """One stretch of training.

    Attributes:
        number: The configuration's.
        curve: What it reaches after each epoch, [E].
        at: Epochs done already.
        points: Epochs after which it is evaluated, rising, all beyond `at`.
    """

    number: int
    curve: Array
    at: int
    points: tuple[int, ...]


class Searcher(Protocol):
    """A search that is replayed."""

    def begin(self) -> Job | None:
        """Return what a free worker trains next; None where it must wait for the others."""

    def evaluated(self, number: int, epoch: int) -> bool:
        """Take in that a configuration was trained to `epoch`; return whether it goes on."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The best value so far, each time that it rose.

    Attributes:
        times: Epochs of simulated time, rising.
        values: Best value from then on.
        configurations: How many were begun.
    """

    times: tuple[int, ...]
    values: tuple[float, ...]
    configurations: int


def replay(searcher: Searcher, *, budget: int, workers: int) -> Trace:
    """Run a search until its workers have together spent `budget` epochs.

    Args:
        searcher: What decides.
        budget: Epochs of training.
        workers: How many train at the same time, each an epoch a unit of time.
    """
    times: list[int] = []
    values: list[float] = []
    begun: set[int] = set()
    horizon = budget // workers
    # (time, order of arrival): equal times are served in the order in which they were reached.
    events: list[tuple[int, int, int, Job | None, int]] = [(0, worker, worker, None, 0) for worker in range(workers)]
    arrivals = workers
    idle: list[int] = []
    while events:
        now, _, worker, job, place = heapq.heappop(events)
        if now > horizon:
            break
        if job is not None:
            epoch = job.points[place]
            value = float(job.curve[:epoch].max())
            if not values or value > values[-1]:
                times.append(now)
                values.append(value)
            goes_on = searcher.evaluated(job.number, epoch)
            if goes_on and place + 1 < len(job.points):
                step = job.points[place + 1] - epoch
                heapq.heappush(events, (now + step, arrivals, worker, job, place + 1))
                arrivals += 1
                continue
        # Whoever waited may find something to do, now that another has ended a stretch.
        waiting, idle = [worker, *idle], []
        for free in waiting:
            fresh = searcher.begin()
            if fresh is None:
                idle.append(free)
                continue
            begun.add(fresh.number)
            heapq.heappush(events, (now + fresh.points[0] - fresh.at, arrivals, free, fresh, 0))
            arrivals += 1
    return Trace(tuple(times), tuple(values), len(begun))


@dataclass(frozen=True, slots=True)
class Point:
    """One evaluation."""

    step: int
    value: float
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class One:
    """One configuration as the strategy sees it."""

    number: int
    state: str
    value: float | None
    config: dict[str, Scalar]
    evaluations: tuple[Point, ...] = ()
    constraints: dict[str, float] = field(default_factory=dict)


def schedule_on(table: Table, name: str, *, given: int = 0) -> Schedule:
    """Return a schedule as a study on these data would have it.

    Args:
        table: The task.
        name: A registered schedule.
        given: How many configurations a portfolio gives.
    """
    return SCHEDULES.get(name)(rungs=table.rungs, floor=table.floor, given=given)


@dataclass
class Autoft:
    """A study of autoft, without the training.

    Attributes:
        table: The task.
        schedule: Who goes on.
        sampler: Who proposes.
        seed: The study's.
        trials: Configurations in total; None is no limit.
        units: What is scored one by one on dev, where the search may stop by itself; None where it may not.
        portfolio: What is tried first.
    """

    table: Table
    schedule: Schedule
    sampler: str
    seed: int
    trials: int | None = None
    units: int | None = None
    portfolio: Sequence[Config] = ()
    _ask: Callable[[dict[str, Scalar]], Curve] = field(init=False)
    _seen: dict[int, One] = field(init=False, default_factory=dict)
    _curves: dict[int, Curve] = field(init=False, default_factory=dict)
    _standings: dict[int, Standing] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._ask = self.table.open()
        # Number 0 is the default configuration, which not all tables have.
        first = (self.table.default, *self.portfolio)
        self._given = {number: config for number, config in enumerate(first) if config is not None}
        self._first = 0 if 0 in self._given else 1
        self._ninths = evaluation_steps(self.table.epochs)
        self._ninth_at = {epoch: ninth for ninth, epoch in self._ninths.items()}

    def begin(self) -> Job | None:
        """Continue what is paused, or begin what the sampler proposes."""
        move = self._move()
        if isinstance(move, Begin) and self._stands_still():
            self.trials = len(self._seen)
            move = self._move()
        match move:
            case Continue(promotion):
                return self._job(promotion.number, self._ninths[promotion.rung])
            case Begin():
                number = len(self._seen) + self._first
                config = self._config(number)
                self._seen[number] = One(number, "running", None, config)
                self._standings[number] = Standing(number, {})
                self._curves[number] = self._ask(config)
                return self._job(number, 0)
        return None

    def _config(self, number: int) -> dict[str, Scalar]:
        if number in self._given:
            return dict(self._given[number])
        proposal = propose(
            self.sampler,
            self.table.space,
            self._seen.values(),
            order=self.schedule.order(list(self._standings.values())),
            seed=self.seed,
            number=number,
            given=len(self.portfolio),
        )
        return dict(proposal.config)

    def evaluated(self, number: int, epoch: int) -> bool:
        """Judge a configuration at a ninth of its schedule."""
        ninth, mine = self._ninth_at[epoch], self._seen[number]
        curve = self._curves[number]
        value, loss = float(curve.values[:epoch].max()), float(curve.losses[:epoch].min())
        evaluations = (*mine.evaluations, Point(ninth, value, loss))
        standing = self._standings[number] = standing_of(number, evaluations, self.schedule.rungs)
        state = "complete" if epoch == self.table.epochs else "running"
        peers = list(self._standings.values())
        match self.schedule.verdict(standing, peers, ninth, paused=self._paused()).verdict:
            case Verdict.PAUSE:
                state = "paused"
            case Verdict.STOP:
                state = "pruned"
        self._seen[number] = replace(mine, state=state, value=value, evaluations=evaluations)
        return state == "running"

    def spent(self) -> int:
        """Return the epochs trained so far."""
        return sum(self._ninths[one.evaluations[-1].step] for one in self._seen.values() if one.evaluations)

    def _move(self) -> Move:
        running = sum(one.state == "running" for one in self._seen.values())
        standings = list(self._standings.values())
        return next_move(self.schedule, standings, paused=self._paused(), running=running, limit=self.trials)

    def _stands_still(self) -> bool:
        if self.units is None:
            return False
        # The default counts as begun, as a study counts it, where the table has none too.
        complete = {one.number: one.value for one in self._seen.values() if one.state == "complete"}
        known = {number: value for number, value in complete.items() if value is not None}
        return standstill(len(self._seen) + self._first, known, units=self.units, floor=0.0) is not None

    def _paused(self) -> set[int]:
        return {number for number, one in self._seen.items() if one.state == "paused"}

    def _job(self, number: int, at: int) -> Job:
        self._seen[number] = replace(self._seen[number], state="running")
        points = tuple(epoch for epoch in self._ninths.values() if epoch > at)
        return Job(number, self._curves[number].values, at, points)


def reached(trace: Trace, target: float) -> float:
    """Return when the best value was `target` or better, infinity where it never was."""
    return next((time for time, value in zip(trace.times, trace.values, strict=True) if value >= target), math.inf)


def value_at(trace: Trace, time: float) -> float:
    """Return the best value by a time; minus infinity before the first evaluation."""
    found = [value for at, value in zip(trace.times, trace.values, strict=True) if at <= time]
    return found[-1] if found else -math.inf
