from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from autoft.storage.database import Database, open_database
from autoft.storage.studies import StudyHandle, create_study

KINDS = ("sqlite", "postgresql")
NO_POSTGRES = "AUTOFT_TEST_POSTGRES holds no URL, .ci/postgres.sh starts a server and prints one"


@contextmanager
def empty_schema() -> Iterator[str]:
    """The URL of an empty schema on PostgreSQL."""
    url = os.environ.get("AUTOFT_TEST_POSTGRES")
    if not url:
        pytest.skip(NO_POSTGRES)
    schema = f"test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    made = make_url(url).update_query_dict({"options": f"-csearch_path={schema}", "application_name": schema})
    yield made.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@contextmanager
def empty_place(kind: str) -> Iterator[str | None]:
    """The URL of an empty database of a kind; None is the default SQLite file."""
    if kind == "sqlite":
        yield None
    else:
        with empty_schema() as url:
            yield url


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of an empty schema on PostgreSQL."""
    with empty_schema() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of studies, made on demand."""
    return tmp_path / "studies"


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    """An empty database in its own SQLite file."""
    opened = open_database(None, folder)
    yield opened
    opened.close()


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where to make a database, of each kind."""
    with empty_place(request.param) as place:
        yield place


@pytest.fixture(scope="session", params=KINDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of each kind, for tests that look at their own study alone."""
    with empty_place(request.param) as place:
        opened = open_database(place, tmp_path_factory.mktemp("shared"))
        yield opened
        opened.close()


@pytest.fixture
def study(shared: Database) -> StudyHandle:
    """An empty study in a database of each kind."""
    return create_study(shared, f"study-{uuid.uuid4().hex[:8]}", metric="f1", config="{}")
