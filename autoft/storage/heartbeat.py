"""A thread that renews a lease while its worker trains."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from autoft.errors import StorageError
from autoft.storage.database import Database
from autoft.storage.leases import LEASE_SECONDS, Claim, renew

_log = logging.getLogger(__name__)


@contextmanager
def beating(database: Database, held: Claim, *, seconds: float = LEASE_SECONDS) -> Iterator[threading.Event]:
    """Renew a lease, thrice in its time, until the block is left.

    A database that is away is waited for: the worker trains on meanwhile, and its next report says
    whether the lease still stood.

    Args:
        database: Where the lease lies.
        held: The lease.
        seconds: How long it holds without a renewal.

    Yields:
        An event that is set where another worker has taken the trial over: stop training it.
    """
    lost, left = threading.Event(), threading.Event()

    def beat() -> None:
        while not left.wait(seconds / 3) and not lost.is_set():
            try:
                if not renew(database, held, seconds=seconds) and not left.is_set():
                    lost.set()
            except StorageError as error:
                _log.warning("trial %d: its lease could not be renewed, %s", held.number, error)
        database.storage.remove_session()

    thread = threading.Thread(target=beat, name=f"lease of trial {held.number}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        left.set()
        thread.join()
