"""Whether a worker may take another step on the trial that it holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autoft.errors import TimedOut
from autoft.storage.heartbeat import beating
from autoft.storage.leases import Claim, LeaseLost
from autoft.storage.studies import StudyHandle
from autoft.strategy.stopping import TimeLimit


class Interrupted(BaseException):
    """The coordinator is gone or asks to stop; the trial starts again when the study is resumed."""


@contextmanager
def holding(study: StudyHandle, held: Claim, stop: threading.Event, limit: TimeLimit) -> Iterator[Callable[[], None]]:
    """Keep a lease alive; yield what is called before each step.

    Args:
        study: Where the lease is stored.
        held: The lease.
        stop: Set when the worker is to end.
        limit: When the search's time is over.

    Yields:
        A function that returns, or raises Interrupted, LeaseLost or TimedOut.
    """
    with beating(study.database, held) as lost:

        def tick() -> None:
            if stop.is_set():
                raise Interrupted
            if lost.is_set():
                raise LeaseLost(f"trial {held.number}: another worker has taken it over")
            if limit.is_over(time.time()):
                raise TimedOut("the time given to the search was over")

        yield tick


def attempt(
    study: StudyHandle,
    held: Claim,
    stop: threading.Event,
    limit: TimeLimit,
    work: Callable[[Callable[[], None]], object],
) -> Exception | None:
    """Do a piece of work while its lease is kept alive; return what ended it before its end, None where nothing did.

    Args:
        study: Where the lease is stored.
        held: The lease.
        stop: Set when the worker is to end.
        limit: When the search's time is over.
        work: Is given what it calls before each step.

    Raises:
        Interrupted: If the worker is to end.
    """
    with holding(study, held, stop, limit) as tick:
        try:
            work(tick)
        except Exception as error:  # noqa: BLE001 - `outcome_of` says what it means, or raises it again
            return error
    return None
