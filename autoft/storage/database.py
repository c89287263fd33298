"""The database of studies: one engine that Optuna's storage and autoft's own tables share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import optuna
from sqlalchemy import Connection, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import URL, Engine
from sqlalchemy.orm import Session

from autoft.errors import ConfigError, StorageError
from autoft.storage import tables
from autoft.storage.rdb import StudyStorage, create_optuna_tables
from autoft.storage.retries import Retry, retrying
from autoft.storage.urls import database_url, shown

T = TypeVar("T")

_OPENING = Retry(seconds=8.0)
_LOCK_SECONDS = 60
_ADVISORY_LOCK = 0x6175746F6674  # "autoft"
_DRIVER_HINTS = {
    "postgresql": "pip install autoft[postgresql]",
    "mysql": "pip install pymysql and write mysql+pymysql://…",
    "mariadb": "pip install pymysql and write mariadb+pymysql://…",
}


@dataclass(frozen=True, slots=True)
class Database:
    """An open database of studies.

    Attributes:
        storage: Optuna's storage; every call of it is retried.
        where: The URL without its password, for messages.
        retry: How long a failing transaction is tried again.
    """

    storage: StudyStorage
    where: str
    retry: Retry

    @property
    def engine(self) -> Engine:
        """The one engine, of Optuna's tables and autoft's own."""
        return self.storage.engine

    def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction that writes nothing.

        Raises:
            StorageError: If the retries are used up.
        """
        return self._transact(work, "storage.read")

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction: all of it is stored, or nothing.

        Args:
            work: Is repeated after a lost connection, perhaps after a run that was stored: it must
                find out.

        Raises:
            StorageError: If the retries are used up.
        """
        return self._transact(work, "storage.write")

    def close(self) -> None:
        """Close all connections."""
        self.storage.remove_session()
        self.engine.dispose()

    def _transact(self, work: Callable[[Session], T], place: str) -> T:
        def once() -> T:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                return work(session)

        return retrying(once, place=place, where=self.where, retry=self.retry)()


def open_database(
    url: str | None, studies_dir: Path, *, retry: Retry | None = None, opening: Retry = _OPENING
) -> Database:
    """Open the database of studies; create it where it is missing.

    Args:
        url: The database, None for `autoft.db` in `studies_dir`.
        studies_dir: Where studies live.
        retry: How long a call that fails later is tried again.
        opening: How long opening is tried again.

    Raises:
        ConfigError: If the URL is wrong, its driver is missing or another autoft wrote the tables.
        StorageError: If the database cannot be reached.
    """
    _quiet_optuna()
    full = database_url(url, studies_dir)
    where = shown(full)
    if full.get_backend_name() == "sqlite":
        _make_folder(Path(str(full.database)).parent)
    retry = retry or Retry()
    storage = retrying(lambda: _open(full, where, retry), place="storage.open", where=where, retry=opening)()
    return Database(storage, where, retry)


def _open(url: URL, where: str, retry: Retry) -> StudyStorage:
    engine = _make_engine(url)
    try:
        if not _has_tables(engine):
            with _creation_lock(engine, url):
                _create_tables(engine)
                storage = _make_storage(url, where, retry)
                _stamp(engine)
        else:
            storage = _make_storage(url, where, retry)
    finally:
        engine.dispose()
    return storage


def _make_engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, **_engine_options(url))
    except ImportError as error:
        hint = _DRIVER_HINTS[url.get_backend_name()]
        raise ConfigError(f"{shown(url)}: no driver for {url.drivername} is installed, {hint}") from error
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine)
    return engine


def _engine_options(url: URL) -> dict[str, Any]:
    match url.get_backend_name():
        case "sqlite":
            return {"connect_args": {"timeout": _LOCK_SECONDS}}
        case "postgresql":
            return {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
        case _:
            return {"pool_pre_ping": True, "pool_recycle": 3600}


def _prepare_sqlite(engine: Engine) -> None:
    """Take the write lock when a transaction begins: none reads what another is about to change.

    Deferred transactions, the driver's default, hand one trial to two workers.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()


def _make_storage(url: URL, where: str, retry: Retry) -> StudyStorage:
    text_url = url.render_as_string(hide_password=False)
    try:
        storage = StudyStorage(text_url, where=where, engine_kwargs=_engine_options(url), retry=retry)
    except RuntimeError as error:
        raise ConfigError(f"{where}: another version of Optuna wrote these tables, {error}") from error
    if url.get_backend_name() == "sqlite":
        storage.remove_session()
        _prepare_sqlite(storage.engine)
    return storage


def _has_tables(engine: Engine) -> bool:
    """Tell whether the tables are complete: the row with their version is written last."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(tables.schema.name):
            return False
        version = connection.execute(select(tables.schema.c.version)).scalar()
    if version not in {None, tables.SCHEMA_VERSION}:
        raise ConfigError(
            f"{shown(engine.url)}: tables of version {tables.SCHEMA_VERSION} expected, "
            f"got {version}, another version of autoft wrote them"
        )
    return version is not None


def _create_tables(engine: Engine) -> None:
    create_optuna_tables(engine)
    tables.metadata.create_all(engine)


def _stamp(engine: Engine) -> None:
    with engine.begin() as connection:
        if connection.execute(select(tables.schema.c.version)).scalar() is None:
            connection.execute(insert(tables.schema).values(version=tables.SCHEMA_VERSION))


@contextmanager
def _creation_lock(engine: Engine, url: URL) -> Iterator[None]:
    """Let one process create tables: servers refuse, or half-do, the same from several."""
    match url.get_backend_name():
        case "sqlite":
            with _folder_lock(Path(str(url.database)).parent):
                yield
        case "postgresql":
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
                try:
                    yield
                finally:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        case _:
            with engine.connect() as connection:
                connection.execute(text("SELECT GET_LOCK('autoft', :wait)"), {"wait": _LOCK_SECONDS})
                try:
                    yield
                finally:
                    connection.execute(text("SELECT RELEASE_LOCK('autoft')"))


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: the folder of studies cannot be made, {error.strerror}") from error


def _quiet_optuna() -> None:
    """Let Optuna's warnings go where autoft's go, instead of to a handler of its own."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
