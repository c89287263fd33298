from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from autoft import faults
from autoft.errors import StorageError
from autoft.storage.database import Database
from autoft.storage.retries import Retry, retrying
from autoft.storage.studies import create_study, study_names

QUICK = Retry(seconds=0.3, first_delay=0.01, longest_delay=0.05)


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, times: int, text: str = "database is locked") -> None:
        self.left, self.text, self.calls = times, text, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.left:
            raise OperationalError("SELECT 1", None, sqlite3.OperationalError(self.text))
        return "answer"


@pytest.fixture
def no_faults() -> Iterator[None]:
    faults.reset()
    yield
    faults.reset()


def test_a_lock_is_waited_for() -> None:
    call = Failing(3)
    assert retrying(call, place="test", where="here", retry=QUICK)() == "answer"
    assert call.calls == 4


def test_used_up_retries_say_where_and_why() -> None:
    call = Failing(10**9)
    with pytest.raises(StorageError, match=r"^here: the database is locked by another process$"):
        retrying(call, place="test", where="here", retry=QUICK)()
    assert 3 < call.calls < 20


def test_what_will_not_pass_is_tried_once() -> None:
    call = Failing(1, "unable to open database file")
    with pytest.raises(StorageError, match="the database file cannot be opened"):
        retrying(call, place="test", where="here", retry=QUICK)()
    assert call.calls == 1


def test_broken_laws_of_the_tables_are_the_callers() -> None:
    def twice() -> None:
        raise IntegrityError("INSERT", None, sqlite3.IntegrityError("UNIQUE constraint failed"))

    with pytest.raises(IntegrityError):
        retrying(twice, place="test", where="here", retry=QUICK)()


@pytest.mark.usefixtures("no_faults")
def test_a_fault_in_a_write_is_survived(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOFT_FAULTS", "storage.write=error@1,storage.write=error@2,storage.read=error@2")
    create_study(database, "first", metric="f1", config="{}")
    assert study_names(database) == ("first",)


@pytest.mark.usefixtures("no_faults")
def test_optunas_own_calls_are_tried_again_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    study = create_study(database, "first", metric="f1", config="{}").optuna
    faults.reset()
    monkeypatch.setenv("AUTOFT_FAULTS", "storage.write=error@1,storage.read=error@1")
    study.set_user_attr("note", "kept")
    assert study.user_attrs == {"note": "kept"}
