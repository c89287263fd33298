"""Where paused configurations wait: in memory, on disk, or nowhere, to be trained again."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence

from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.records import EvaluationRecord
from autoft.study.config import StudyConfig
from autoft.study.execution import PausedState
from autoft.study.packing import pack, size_of, unpack
from autoft.study.room import disk_room, memory_room
from autoft.study.trial_weights import study_folder

logger = logging.getLogger(__name__)
Place = tuple[int, int]


class PausedStates(ABC):
    """Keeps the states of paused configurations within a budget; what is dropped is trained again."""

    @abstractmethod
    def keep(self, number: int, state: PausedState, order: Sequence[int]) -> None:
        """Keep a state where there is room, dropping what comes last in `order`.

        Args:
            number: The configuration's.
            state: Where it paused.
            order: Paused configurations, those first that will likeliest be continued; others that are kept train at
                this moment and come before all of them.
        """

    @abstractmethod
    def find(self, number: int, evaluation: EvaluationRecord) -> PausedState | None:
        """Return the state in which a configuration paused at `evaluation`, None where it is gone."""

    @abstractmethod
    def drop(self, number: int, *, below: int | None = None) -> None:
        """Forget a configuration's states; those at rungs below one only, where it is given."""

    @abstractmethod
    def tidy(self, open_numbers: Collection[int]) -> None:
        """Forget the states of all configurations but those that are not decided."""

    @abstractmethod
    def close(self, order: Sequence[int], hurried: Callable[[], bool]) -> None:
        """Bring what is kept to where another process finds it, the first of `order` first, until `hurried`."""


class OnDisk(PausedStates):
    """States as checkpoints in a folder, which every worker of the machine reads.

    Args:
        store: The folder.
        budget: Bytes that they may take.
    """

    def __init__(self, store: CheckpointStore, budget: int) -> None:
        self._store, self._budget = store, budget

    def keep(self, number: int, state: PausedState, order: Sequence[int]) -> None:
        """Write a state, or leave it where the disk has no room."""
        rung, place = state.evaluation.step, (number, state.evaluation.step)
        sizes = {(one.number, one.rung): one.size for one in self._store.stored()}
        dropped = too_much({**sizes, place: size_of(state)}, order, self._budget)
        for its_number, its_rung in dropped:
            self._store.drop(its_number, its_rung)
        if place in dropped:
            return
        try:
            self._store.save(number, rung, pack(state))
        except OSError as error:
            self._store.drop(number, rung)
            logger.warning("trial %d: its checkpoint cannot be written, %s", number, error)

    def find(self, number: int, evaluation: EvaluationRecord) -> PausedState | None:
        """Read a state; None where it is gone, damaged, or of another study or version."""
        checkpoint = self._store.load(number, evaluation.step)
        state = unpack(checkpoint) if checkpoint is not None else None
        return state if state is not None and same_scores(state.evaluation, evaluation) else None

    def drop(self, number: int, *, below: int | None = None) -> None:
        """Remove a configuration's checkpoints."""
        for one in self._store.stored():
            if one.number == number and (below is None or one.rung < below):
                self._store.drop(one.number, one.rung)

    def tidy(self, open_numbers: Collection[int]) -> None:
        """Remove the checkpoints of what is decided."""
        for one in self._store.stored():
            if one.number not in open_numbers:
                self._store.drop(one.number, one.rung)

    def close(self, order: Sequence[int], hurried: Callable[[], bool]) -> None:
        """Do nothing: all lies on disk already."""


class InMemory(PausedStates):
    """States in the memory of the only worker; what does not fit goes to disk.

    Args:
        disk: Takes what memory cannot hold, and all when the worker ends.
        budget: Bytes that they may take.
    """

    def __init__(self, disk: PausedStates, budget: int) -> None:
        self._disk, self._budget = disk, budget
        self._states: dict[Place, PausedState] = {}

    def keep(self, number: int, state: PausedState, order: Sequence[int]) -> None:
        """Keep a state in memory; move to disk what comes last in `order`."""
        # An older one of the same place, left on disk by an attempt that was lost, is not asked any more.
        self._states[number, state.evaluation.step] = state
        sizes = {place: size_of(one) for place, one in self._states.items()}
        for place in too_much(sizes, order, self._budget):
            self._disk.keep(place[0], self._states.pop(place), order)

    def find(self, number: int, evaluation: EvaluationRecord) -> PausedState | None:
        """Return a state from memory, or from disk."""
        state = self._states.get((number, evaluation.step))
        if state is not None and same_scores(state.evaluation, evaluation):
            return state
        return self._disk.find(number, evaluation)

    def drop(self, number: int, *, below: int | None = None) -> None:
        """Forget a configuration's states, here and on disk."""
        for place in [one for one in self._states if one[0] == number and (below is None or one[1] < below)]:
            del self._states[place]
        self._disk.drop(number, below=below)

    def tidy(self, open_numbers: Collection[int]) -> None:
        """Forget the states of what is decided, here and on disk."""
        for place in [one for one in self._states if one[0] not in open_numbers]:
            del self._states[place]
        self._disk.tidy(open_numbers)

    def close(self, order: Sequence[int], hurried: Callable[[], bool]) -> None:
        """Write to disk what lies in memory, the likeliest to be continued first."""
        for place in by_order(self._states, order):
            if hurried():
                logger.warning("%d paused configurations are not written to disk", len(self._states))
                return
            self._disk.keep(place[0], self._states.pop(place), order)


def by_order(places: Collection[Place], order: Sequence[int]) -> list[Place]:
    """Return places sorted as `order` has their numbers; numbers that it lacks come first."""
    at = {number: position for position, number in enumerate(order)}
    return sorted(places, key=lambda place: (at.get(place[0], -1), place))


def too_much(sizes: Mapping[Place, int], order: Sequence[int], budget: int) -> list[Place]:
    """Return what to drop so that the rest fits: the last of `order` first."""
    total, dropped = sum(sizes.values()), []
    for place in reversed(by_order(sizes, order)):
        if total <= budget:
            break
        total -= sizes[place]
        dropped.append(place)
    return dropped


def same_scores(one: EvaluationRecord, other: EvaluationRecord) -> bool:
    """Tell whether two evaluations of a configuration are the same, to the last bit."""

    def numbers(record: EvaluationRecord) -> list[float | None]:
        # Storage has one word for all that is not finite.
        found = (record.step, record.epoch, record.value, record.loss, record.train_loss)
        return [number if math.isfinite(number) else None for number in found]

    return numbers(one) == numbers(other)


def paused_states(config: StudyConfig) -> PausedStates:
    """Return where the states of a study's paused configurations wait: in memory where one worker trains all."""
    folder, budget = study_folder(config) / "checkpoints" / "paused", config.budget
    disk = OnDisk(CheckpointStore(folder), disk_room(folder) if budget.disk is None else budget.disk)
    if budget.workers > 1:
        return disk
    return InMemory(disk, memory_room() if budget.memory is None else budget.memory)
