"""What a worker does next in a search: asked of the strategy, claimed in the storage."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from autoft import faults
from autoft.storage.leases import Claim, LeaseLost
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import ask_trial, continue_paused, recover_lost
from autoft.strategy.moves import Begin, Continue, End, Move, Wait, next_move
from autoft.strategy.schedule import Schedule
from autoft.strategy.standing import Standing
from autoft.strategy.stopping import TimeLimit
from autoft.study.self_stop import Stopping, never
from autoft.study.wall_time import WallTime

logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.5
_LOST_RACES = 5


@dataclass(frozen=True, slots=True)
class Search:
    """A search as one of its workers sees it.

    Attributes:
        study: Where it is remembered.
        schedule: Who is continued.
        standings: Returns where configurations stand.
        trials: Configurations in total; None is no limit.
        worker: This process.
        stopping: Returns why nothing new is begun though fewer than `trials` were; None where it is.
        time: Where the worker's time goes.
    """

    study: StudyHandle
    schedule: Schedule
    standings: Callable[[Sequence[TrialRecord]], Sequence[Standing]]
    trials: int | None
    worker: str
    stopping: Stopping = never
    time: WallTime = field(default_factory=WallTime)


def run_search(
    search: Search,
    run: Callable[[Claim, TimeLimit], object],
    stop: threading.Event,
    limit: Callable[[], TimeLimit],
) -> bool:
    """Run one trial after another until nothing is left, time is over or the worker is to end.

    Args:
        search: The search.
        run: Runs what is claimed, until a limit.
        stop: Set when the worker is to end.
        limit: Returns when the time for trials is over: what is held back for the finalists is known better and better.

    Returns:
        Whether nothing is left: no worker of this study can begin or continue anything.
    """
    while not stop.is_set():
        ends = limit()
        if ends.is_over(time.time()):
            break
        with search.time.on("storage"):
            work = next_work(search)
        match work:
            case End():
                return True
            case Wait():
                with search.time.on("idle"):
                    stop.wait(_POLL_SECONDS)
            case Claim() as held:
                faults.reached("worker.trial")
                try:
                    run(held, ends)
                except LeaseLost as lost:
                    logger.warning("%s", lost)
    return not stop.is_set() and isinstance(_ask(search), End)


def next_work(search: Search) -> Claim | Wait | End:
    """Claim what is to be done next: a lost trial, a promotion, a new configuration; or wait, or end."""
    lost = recover_lost(search.study, search.worker)
    if lost is not None:
        return lost
    for _ in range(_LOST_RACES):
        match _ask(search):
            case Continue(promotion):
                held = continue_paused(search.study, promotion.number, promotion.rung, search.worker)
            case Begin():
                held = ask_trial(search.study, search.worker, limit=search.trials)
            case Wait() | End() as move:
                return move
        if held is not None:
            return held
    return Wait()


def _ask(search: Search) -> Move:
    records = read_trials(search.study)
    standings = search.standings(records)
    # Claims are read before trials: what was paused may have been claimed, and begun anew, in between.
    judged = {standing.number for standing in standings if standing.rungs}
    move = partial(
        next_move,
        search.schedule,
        standings,
        paused=[record.number for record in records if record.state == "paused" and record.number in judged],
        running=sum(record.state == "running" for record in records),
    )
    found = move(limit=search.trials)
    # What deserves to be continued comes first: it may be what the latest configurations gain.
    stops = isinstance(found, Begin) and search.stopping(records) is not None
    return move(limit=len(records)) if stops else found
