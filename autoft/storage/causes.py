"""Why a database call failed, in words, from what its driver said."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

LOCKED = "the database is locked by another process"
DISK_FULL = "the disk that holds the database is full"
NO_HOST = "no such host"
REFUSED = "the server refuses the user or password"
NO_DATABASE = "the server has no such database"
READ_ONLY = "the database may not be written"
CANNOT_OPEN = "the database file cannot be opened"
DAMAGED = "the database file is damaged"
DISK_ERROR = "the disk that holds the database reports an error"
NOT_LISTENING = "nothing listens there, is the server running"
LOST = "the server was lost"

# The first match counts, so the more telling come first.
_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (LOCKED, ("database is locked", "table is locked", "lock wait timeout", "deadlock")),
    (DISK_FULL, ("disk is full", "no space left", "disk full")),
    (
        NO_HOST,
        (
            "could not translate host name",
            "failed to resolve host",
            "name or service not known",
            "temporary failure in name resolution",
            "nodename nor servname",
            "unknown host",
            "unknown mysql server host",
        ),
    ),
    (REFUSED, ("password authentication failed", "access denied", "no password supplied")),
    (NO_DATABASE, ("does not exist", "unknown database")),
    (READ_ONLY, ("readonly database", "read-only", "permission denied")),
    (CANNOT_OPEN, ("unable to open database file",)),
    (DAMAGED, ("malformed", "not a database")),
    (DISK_ERROR, ("disk i/o error",)),
    (NOT_LISTENING, ("connection refused", "can't connect to mysql server")),
    (
        LOST,
        (
            "terminat",
            "server closed",
            "gone away",
            "lost connection",
            "connection is lost",
            "connection reset",
            "connection is closed",
            "consuming input failed",
            "broken pipe",
            "ssl connection",
            "starting up",
            "shutting down",
            "recovery mode",
            "not accepting",
            "timeout",
            "timed out",
        ),
    ),
)
_FOR_GOOD = frozenset({REFUSED, NO_DATABASE, READ_ONLY, CANNOT_OPEN, DAMAGED, DISK_ERROR})


def cause_of(error: BaseException) -> str:
    """Return in words why a database call failed; the driver's own where they are not known.

    Optuna's text speaks of invalid data whatever happened; the driver's stands further down the
    chain of causes.
    """
    message = _driver_message(error)
    lowered = message.lower()
    for words, signs in _SIGNS:
        if any(sign in lowered for sign in signs):
            return words
    return message


def is_passing(error: BaseException) -> bool:
    """Tell whether trying again may help: a lost connection, a lock, a full disk."""
    for link in _chain(error):
        if isinstance(link, DBAPIError):
            lost = link.connection_invalidated or isinstance(link, OperationalError)
            return lost and cause_of(link) not in _FOR_GOOD
        if isinstance(link, PoolTimeoutError):
            return True
    return False


def _driver_message(error: BaseException) -> str:
    links = _chain(error)
    for link in links:
        if isinstance(link, DBAPIError) and link.orig is not None:
            return " ".join(str(link.orig).split()) or type(link.orig).__name__
    return " ".join(str(links[-1]).split()) or type(links[-1]).__name__


def _chain(error: BaseException) -> list[BaseException]:
    links = [error]
    while (cause := links[-1].__cause__) is not None:
        links.append(cause)
    return links
