from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from autoft.errors import ConfigError, StorageError
from autoft.storage import tables
from autoft.storage.database import Database, open_database
from autoft.storage.retries import Retry
from autoft.storage.studies import create_study, study_names

AT_ONCE = Retry(seconds=0.0)
OPEN = """
import sys
import time
from pathlib import Path
from autoft.storage.database import open_database
open_database(sys.argv[1] or None, Path(sys.argv[2])).close()
"""


def test_sqlite_writes_ahead(database: Database) -> None:
    with database.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1


def test_a_transaction_locks_when_it_begins(database: Database, folder: Path) -> None:
    other = sqlite3.connect(folder / "autoft.db", timeout=0, isolation_level=None)
    with database.engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_half_a_transaction_is_none(database: Database) -> None:
    def half(session: object) -> None:
        session.execute(update(tables.schema).values(version=99))  # type: ignore[attr-defined]
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        database.write(half)
    assert database.read(lambda session: session.scalar(tables.schema.select())) == tables.SCHEMA_VERSION


def test_the_databases_clock_is_right(url: str | None, folder: Path) -> None:
    database = open_database(url, folder)
    now = database.read(lambda session: session.scalar(select(tables.epoch())))
    database.close()
    assert now == pytest.approx(time.time(), abs=5)


def test_a_second_opening_finds_what_the_first_wrote(url: str | None, folder: Path) -> None:
    first = open_database(url, folder)
    create_study(first, "kept", metric="f1", config="{}")
    first.close()
    second = open_database(url, folder)
    assert study_names(second) == ("kept",)
    second.close()


def test_a_folder_with_braces_and_blanks_holds_a_database(tmp_path: Path) -> None:
    database = open_database(None, tmp_path / "my {studies} 100%")
    create_study(database, "kept", metric="f1", config="{}")
    database.close()
    assert (tmp_path / "my {studies} 100%" / "autoft.db").is_file()


def test_tables_of_another_version_are_refused(folder: Path, database: Database) -> None:
    database.write(lambda session: session.execute(update(tables.schema).values(version=99)))
    with pytest.raises(ConfigError, match="tables of version 1 expected, got 99"):
        open_database(None, folder)


def test_a_file_that_is_no_database_is_named(folder: Path) -> None:
    folder.mkdir()
    (folder / "autoft.db").write_text("no database at all, but longer than a header of SQLite")
    with pytest.raises(StorageError, match=r"autoft\.db: the database file is damaged"):
        open_database(None, folder)


def test_a_missing_driver_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no driver for mysql is installed, pip install pymysql"):
        open_database("mysql://u:secret@localhost/d", folder)


def test_a_server_that_does_not_listen_is_named_without_its_password(folder: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgresql` is not installed")
    with pytest.raises(StorageError, match="nothing listens there") as caught:
        open_database("postgresql://u:secret@127.0.0.1:1/d", folder, opening=AT_ONCE)
    assert "secret" not in str(caught.value)
    assert "u:***@127.0.0.1:1/d" in str(caught.value)


def test_a_host_that_does_not_exist_is_named(folder: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgresql` is not installed")
    with pytest.raises(StorageError, match="no such host"):
        open_database("postgresql://u@nowhere.invalid/d", folder, opening=AT_ONCE)


def test_several_processes_create_one_database(url: str | None, folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", OPEN, url or "", str(folder)]
    openings = [subprocess.Popen(command) for _ in range(3)]
    assert [opening.wait(60) for opening in openings] == [0, 0, 0]
    database = open_database(url, folder)
    versions = database.read(lambda session: session.scalars(tables.schema.select()).all())
    database.close()
    assert versions == [tables.SCHEMA_VERSION]
