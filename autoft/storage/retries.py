"""Bounded retries around database calls."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from autoft import faults
from autoft.errors import StorageError
from autoft.storage.causes import cause_of, is_passing

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """How long a database call is tried again.

    Attributes:
        seconds: Time after the first failure within which it is tried again.
        first_delay: Seconds before the second attempt; each delay is twice the one before.
        longest_delay: Seconds between two attempts at most.
    """

    seconds: float = 60.0
    first_delay: float = 0.1
    longest_delay: float = 2.0


def retrying(call: Callable[P, T], *, place: str, where: str, retry: Retry) -> Callable[P, T]:
    """Return `call` with retries around it.

    Args:
        call: Does one transaction; must be safe to repeat.
        place: The name under which the fault switch makes it fail.
        where: The database in messages, without its password.
        retry: How long.

    Returns:
        A function that raises StorageError where retries do not help, and lets broken laws of the
        tables (IntegrityError) pass: what they mean is the caller's to say.
    """

    @functools.wraps(call)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        began: float | None = None
        delay = retry.first_delay
        while True:
            try:
                if faults.reached(place) == "error":
                    raise _fault()
                return call(*args, **kwargs)
            except IntegrityError:
                raise
            except (StorageInternalError, SQLAlchemyError) as error:
                began = time.monotonic() if began is None else began
                cause = cause_of(error)
                if not is_passing(error) or time.monotonic() + delay - began > retry.seconds:
                    raise StorageError(f"{where}: {cause}") from error
                _log.warning("%s: %s, trying again in %.1f s", where, cause, delay)
            time.sleep(delay)
            delay = min(2 * delay, retry.longest_delay)

    return tried


def _fault() -> OperationalError:
    return OperationalError("fault", None, ConnectionError("the connection is lost"))
