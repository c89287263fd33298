from __future__ import annotations

import sqlite3

import psycopg
import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from autoft.storage import causes
from autoft.storage.causes import cause_of, is_passing


def failed(said: Exception) -> StorageInternalError:
    """What Optuna raises: a text about invalid data, and the truth two links down."""
    error = StorageInternalError("This typically happens due to invalid data in the commit.")
    error.__cause__ = OperationalError("SELECT 1", None, said)
    error.__cause__.__cause__ = said
    return error


# Texts as SQLite 3.40, PostgreSQL 15 with psycopg 3.3, and MySQL say them.
NO_SPACE = 'could not extend file "base/5/1": No space left on device'
UNKNOWN_HOST = "failed to resolve host 'nowhere': [Errno -2] Name or service not known"
NOT_LISTENING = 'connection to server at "127.0.0.1", port 1 failed: Connection refused'
CLOSED = "consuming input failed: server closed the connection unexpectedly"
MYSQL_LOST = "(2013, 'Lost connection to MySQL server during query')"
SHUTDOWN = "terminating connection due to administrator command"
SAID = [
    (sqlite3.OperationalError("database is locked"), causes.LOCKED, True),
    (psycopg.errors.DeadlockDetected("deadlock detected"), causes.LOCKED, True),
    (sqlite3.OperationalError("database or disk is full"), causes.DISK_FULL, True),
    (psycopg.errors.DiskFull(NO_SPACE), causes.DISK_FULL, True),
    (psycopg.OperationalError(UNKNOWN_HOST), causes.NO_HOST, True),
    (psycopg.OperationalError("password authentication failed"), causes.REFUSED, False),
    (psycopg.OperationalError('database "d" does not exist'), causes.NO_DATABASE, False),
    (sqlite3.OperationalError("attempt to write a readonly database"), causes.READ_ONLY, False),
    (sqlite3.OperationalError("unable to open database file"), causes.CANNOT_OPEN, False),
    (sqlite3.OperationalError("disk I/O error"), causes.DISK_ERROR, False),
    (psycopg.OperationalError(NOT_LISTENING), causes.NOT_LISTENING, True),
    (psycopg.errors.AdminShutdown(SHUTDOWN), causes.LOST, True),
    (psycopg.OperationalError(CLOSED), causes.LOST, True),
    (psycopg.errors.CannotConnectNow("the database system is starting up"), causes.LOST, True),
    (Exception(MYSQL_LOST), causes.LOST, True),
]


@pytest.mark.parametrize(("said", "cause", "passing"), SAID)
def test_the_drivers_text_says_why(said: Exception, cause: str, passing: bool) -> None:
    error = failed(said)
    assert cause_of(error) == cause
    assert is_passing(error) is passing


def test_an_unknown_cause_is_quoted() -> None:
    assert cause_of(failed(sqlite3.OperationalError("no such\n  column: x"))) == "no such column: x"


def test_a_broken_statement_does_not_pass() -> None:
    assert not is_passing(ProgrammingError("SELEC 1", None, sqlite3.OperationalError("syntax error")))
    assert not is_passing(IntegrityError("INSERT", None, sqlite3.IntegrityError("UNIQUE failed")))


def test_a_pool_without_a_free_connection_passes() -> None:
    assert is_passing(PoolTimeoutError("QueuePool limit of size 5 overflow 10 reached"))
