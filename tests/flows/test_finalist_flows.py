"""Finalists from the command line: run once each by all workers, resumed, stopped by a signal or by the time."""

from __future__ import annotations

import collections
import signal
from collections.abc import Callable
from typing import Any

import pytest

from autoft.files import check_manifest

Wait = Callable[..., None]
SEARCH = ("search", "ner", "--data", "corpus", "--model", "model")
FINALISTS = ("--finalists", "2", "--seeds", "2")


def runs(desk: Any, study: str) -> list[tuple[int, int]]:
    """Return trial and seed of each run that was told, in its order."""
    return [(event["number"], event["seed"]) for event in desk.events(study) if event["event"] == "finalist"]


@pytest.fixture(scope="module")
def checked(desk: Any) -> Any:
    """A search of four trials by two workers, its finalists on two seeds."""
    return desk.search("checked", "--trials", "4", "--workers", "2", *FINALISTS)


def test_two_workers_run_each_finalist_once_on_each_seed(desk: Any, checked: Any) -> None:
    told = runs(desk, "checked")
    assert len(told) == len(set(told)) == 2 * len(checked["finalists"]["ran"])
    assert {seed for _, seed in told} == {1, 2} == set(checked["finalists"]["seeds"])
    assert checked["seed"] not in checked["finalists"]["seeds"]


def test_the_best_is_the_finalist_with_the_best_mean(desk: Any, checked: Any) -> None:
    ran = checked["finalists"]["ran"]
    assert 0 in [one["trial"] for one in ran]
    assert checked["best"]["trial"] == max(ran, key=lambda one: (one["dev_mean"], -one["trial"]))["trial"]
    assert checked["gain"]["mean"] == pytest.approx(checked["best"]["dev_mean"] - checked["default"]["dev_mean"])
    facts = check_manifest(desk.folder / "studies" / "checked" / "best")
    assert facts["trial"] == checked["best"]["trial"]
    assert facts["fresh_seeds"]["dev"] == checked["best"]["dev_seeds"]


def test_resuming_runs_only_what_is_missing(desk: Any, checked: Any) -> None:
    before = runs(desk, "checked")
    more = desk.search("checked", "--trials", "5", "--finalists", "2", "--seeds", "3")
    told = runs(desk, "checked")
    assert told[: len(before)] == before
    assert max(collections.Counter(told).values()) == 1
    assert more["finalists"]["seeds"] == [1, 2, 3]
    assert more["seconds"]["finalists"] > checked["seconds"]["finalists"]


def test_without_finalists_the_winner_is_not_checked(desk: Any) -> None:
    result = desk.search("unchecked", "--trials", "2", "--finalists", "0")
    assert runs(desk, "unchecked") == []
    assert (result["best"]["dev_seeds"], result["gain"], result["finalists"]) == ([], None, None)
    assert result["seconds"]["finalists"] == 0.0


def test_ctrl_c_among_the_finalists_loses_nothing(desk: Any, wait_until: Wait) -> None:
    """Whole seeds are reported, and the command that is printed goes on with what is missing."""
    asked = ("--study", "stopped", "--trials", "2", "--finalists", "1", "--seeds", "3")
    search = desk.start(*SEARCH, "--space", "space.yaml", *asked)
    wait_until(lambda: len(runs(desk, "stopped")) >= 2 or search.poll() is not None)
    search.send_signal(signal.SIGINT)
    out, err = search.communicate(timeout=120)
    assert (search.returncode, "Traceback" in err) == (130, False)
    assert "autoft search ner --study stopped --trials 2 --finalists 1 --seeds 3" in out
    before = desk.result("stopped")
    assert len(before["best"]["dev_seeds"]) == len(before["default"]["dev_seeds"]) >= 1
    desk.run("search", "ner", *asked)
    assert sorted(runs(desk, "stopped")) == [(number, seed) for number in (0, 1) for seed in (1, 2, 3)]
    assert desk.result("stopped")["finalists"]["seeds"] == [1, 2, 3]


@pytest.mark.slow
def test_time_is_held_back_for_the_finalists(desk: Any) -> None:
    """Trials without end would leave none: they end early enough for at least one whole seed."""
    result = desk.search(
        "timed", "--trials", "500", "--timeout", "60s", "--finalists", "1", "--seeds", "2", space="space.yaml"
    )
    assert result["trials"]["configurations"] < 500
    assert len(result["best"]["dev_seeds"]) >= 1
    assert result["gain"] is not None
