"""A search that is stopped, killed or failing loses nothing and tells how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SEARCH = ("search", "ner", "--data", "corpus", "--model", "model", "--space", "slow.yaml", "--finalists", "0")
Wait = Callable[..., None]
Workers = Callable[[subprocess.Popen[str]], list[int]]


def scores(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(row["number"], row["state"], row["value"]) for row in rows]


def stop_in_the_middle(desk: Any, wait_until: Wait, study: str, number: signal.Signals) -> tuple[int, str]:
    """Send a signal to a search after its first trial is told; returns exit code and what it printed."""
    search = desk.start(*SEARCH, "--study", study, "--trials", "3")
    wait_until(lambda: desk.decided(study) or search.poll() is not None)
    search.send_signal(number)
    out, err = search.communicate(timeout=60)
    assert "Traceback" not in err
    return search.returncode, out


def test_ctrl_c_keeps_what_is_finished_and_tells_how_to_go_on(desk: Any, wait_until: Wait) -> None:
    code, out = stop_in_the_middle(desk, wait_until, "stopped", signal.SIGINT)
    assert code == 130
    assert "finished trials are kept. To go on:\n  autoft search ner --study stopped --trials 3 --finalists 0" in out
    before = desk.result("stopped")
    assert before["trials"]["complete"] >= 1
    desk.run("search", "ner", "--study", "stopped", "--trials", "3", "--finalists", "0")
    after = desk.result("stopped")
    assert after["trials"] == {"configurations": 3, "complete": 3, "pruned": 0, "failed": 0, "infeasible": 0}
    assert [row["number"] for row in desk.trials("stopped")] == ["0", "1", "2"]
    assert sorted(set(desk.decided("stopped"))) == [0, 1, 2]
    assert after["seconds"]["search"] > before["seconds"]["search"]


@pytest.mark.slow
def test_a_search_that_was_stopped_finds_what_it_would_have_found(desk: Any, wait_until: Wait) -> None:
    code, out = stop_in_the_middle(desk, wait_until, "ended", signal.SIGTERM)
    assert code == 143
    assert "autoft search ner --study ended --trials 3" in out
    desk.run("search", "ner", "--study", "ended", "--trials", "3", "--finalists", "0")
    desk.run(*SEARCH, "--study", "whole", "--trials", "3")
    assert scores(desk.trials("ended")) == scores(desk.trials("whole"))


@pytest.mark.slow
def test_a_killed_workers_trial_is_completed_by_the_next(desk: Any, wait_until: Wait, workers: Workers) -> None:
    search = desk.start(*SEARCH, "--study", "killed", "--trials", "3")
    wait_until(lambda: desk.decided("killed") or search.poll() is not None)
    (worker,) = workers(search)
    os.kill(worker, signal.SIGKILL)
    _, err = search.communicate(timeout=240)
    assert search.returncode == 0, err
    assert desk.result("killed")["trials"]["complete"] == 3
    assert [row["number"] for row in desk.trials("killed")] == ["0", "1", "2"]


@pytest.mark.slow
def test_workers_that_die_again_and_again_end_the_search(desk: Any) -> None:
    told = desk.run(*SEARCH, "--study", "dying", "--trials", "3", code=70, AUTOFT_FAULTS="worker.trial=kill@1")
    assert "worker 0 ended with exit code -9" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_a_killed_coordinators_workers_end_and_the_study_goes_on(desk: Any, wait_until: Wait, workers: Workers) -> None:
    search = desk.start(*SEARCH, "--study", "orphaned", "--trials", "3")
    wait_until(lambda: desk.decided("orphaned") or search.poll() is not None)
    (worker,) = workers(search)
    search.kill()
    search.communicate(timeout=60)
    wait_until(lambda: not Path(f"/proc/{worker}").exists())
    desk.run("search", "ner", "--study", "orphaned", "--trials", "3", "--finalists", "0")
    assert desk.result("orphaned")["trials"]["complete"] == 3


@pytest.mark.slow
def test_time_that_is_over_ends_the_search_within_a_trial(desk: Any) -> None:
    (desk.folder / "endless.yaml").write_text(
        "version: 1\ntask: ner\ntrain: {epochs: 100000, batch_size: 4}\nmethod: full\n", encoding="utf-8"
    )
    result = desk.search("timed", "--trials", "5", "--timeout", "8s", space="endless.yaml", code=1)
    assert result["best"] is None
    (row,) = desk.trials("timed")
    assert (row["state"], row["reason"]) == ("pruned", "the time given to the search was over")
    assert result["seconds"]["search"] < 60


@pytest.mark.slow
def test_two_workers_try_each_number_once(desk: Any) -> None:
    result = desk.search("shared", "--trials", "6", "--workers", "2")
    assert result["trials"]["configurations"] == 6
    assert [row["number"] for row in desk.trials("shared")] == list("012345")
    assert sorted(desk.decided("shared")) == list(range(6))


@pytest.mark.slow
def test_a_search_without_a_complete_trial_says_so(desk: Any) -> None:
    always = ",".join(f"trial.loss=nan@{arrival}" for arrival in range(1, 2000))
    result = desk.search("diverging", "--trials", "2", code=1, AUTOFT_FAULTS=always)
    assert result["best"] is None
    assert result["trials"]["pruned"] == 2
    assert all("the train loss must be a finite number" in row["reason"] for row in desk.trials("diverging"))
    assert not (desk.folder / "studies" / "diverging" / "best").exists()
    for command in ("test", "predict"):
        told = desk.run(command, "diverging", code=2)
        assert "a complete trial expected, found none, search longer" in told.stderr


@pytest.mark.slow
def test_memory_that_is_short_once_halves_the_micro_batch(desk: Any) -> None:
    """The timed steps of the plan are the first arrivals."""
    desk.search("short", "--trials", "1", AUTOFT_FAULTS="trial.step=oom@6")
    told = desk.run("replay", "short", "0", "--json")
    assert '"best_weights"' in told.stdout
    (row,) = desk.trials("short")
    assert row["state"] == "complete"


@pytest.mark.slow
def test_memory_that_is_always_short_makes_trials_infeasible(desk: Any) -> None:
    always = ",".join(f"trial.step=oom@{arrival}" for arrival in range(5, 60))
    result = desk.search("small", "--trials", "2", code=1, AUTOFT_FAULTS=always)
    assert result["trials"]["infeasible"] == 2


@pytest.mark.slow
def test_a_search_on_postgresql(desk: Any) -> None:
    url = os.environ.get("AUTOFT_TEST_POSTGRES")
    if not url:
        pytest.skip("AUTOFT_TEST_POSTGRES holds no URL, .ci/postgres.sh starts a server and prints one")
    study = f"flow-{os.getpid()}"
    desk.search(study, "--trials", "4", "--workers", "2", "--storage", url)
    assert [row["number"] for row in desk.trials(study)] == list("0123")
    assert not (desk.folder / "studies" / "autoft.db").exists() or study not in desk.run("ls").stdout
    desk.run("test", study, "--storage", url)
    desk.run("rm", study, "--storage", url)
    assert "unknown study" in desk.run("report", study, "--storage", url, code=2).stderr
