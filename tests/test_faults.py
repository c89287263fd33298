"""The fault switch fails exactly the arrivals that it names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoft import faults


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    faults.reset()
    yield
    faults.reset()


def test_off_in_ordinary_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOFT_FAULTS", raising=False)
    assert faults.reached("trial.step") is None


def test_only_the_named_arrival_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOFT_FAULTS", "trial.step=oom@3,other=nan")
    assert [faults.reached("trial.step") for _ in range(4)] == [None, None, "oom", None]


def test_several_faults_at_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOFT_FAULTS", "here=oom@1,here=nan@2")
    assert [faults.reached("here") for _ in range(3)] == ["oom", "nan", None]


def test_places_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOFT_FAULTS", "here=nan@2")
    assert [faults.reached(place) for place in ("there", "here", "here")] == [None, None, "nan"]
