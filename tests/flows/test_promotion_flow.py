"""A search in which trials pause and go on, from the command line to its files, with one worker and with two."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Long enough for rung 3 to count: its step lies ten after warm-up.
SPACE = """
version: 1
task: ner
train: {batch_size: 4, epochs: 4, warmup: 0.0, dropout: {low: 0.0, high: 0.1}}
method:
  full: {learning_rate: {low: 1e-4, high: 2e-2, log: true}}
  lora: {learning_rate: {low: 3e-3, high: 3e-2, log: true}, rank: {low: 2, high: 4}}
default:
  method: {full: {learning_rate: 1e-3}}
  train: {epochs: 4, batch_size: 4, dropout: 0.0}
"""
TRIALS = 9
Wait = Callable[..., None]


@pytest.fixture(scope="module", autouse=True)
def space(desk: Any) -> None:
    """A space whose trials pause."""
    (desk.folder / "pausing.yaml").write_text(SPACE, encoding="utf-8")


def outcome(desk: Any, study: str) -> list[tuple[str, ...]]:
    """What must not depend on how often a search was stopped."""
    return [(row["number"], row["state"], row["value"], row["reason"], row["best_step"]) for row in desk.trials(study)]


def promoted(desk: Any, study: str) -> list[int]:
    return [event["number"] for event in desk.events(study) if event["event"] == "promoted"]


def paused_folder(desk: Any, study: str) -> Path:
    return Path(desk.folder / "studies" / study / "checkpoints" / "paused")


def holds_together(desk: Any, study: str, result: Any) -> None:
    counts = result["trials"]
    assert counts["configurations"] == TRIALS
    assert counts["complete"] + counts["pruned"] == TRIALS
    assert [row["number"] for row in desk.trials(study)] == [str(number) for number in range(TRIALS)]
    assert sorted(desk.decided(study)) == list(range(TRIALS))
    pruned = [row for row in desk.trials(study) if row["state"] == "pruned"]
    assert pruned
    assert all(row["reason"].endswith("; not continued before the search ended") for row in pruned)
    assert promoted(desk, study)
    assert not paused_folder(desk, study).exists() or not list(paused_folder(desk, study).iterdir())


@pytest.fixture(scope="module")
def whole(desk: Any) -> Any:
    """A search that nothing stops."""
    return desk.search("whole", "--trials", str(TRIALS), space="pausing.yaml")


def test_a_search_promotes_and_prunes(desk: Any, whole: Any) -> None:
    holds_together(desk, "whole", whole)
    content = json.loads((desk.folder / "studies" / "whole" / "study.json").read_text(encoding="utf-8"))
    assert content["config"]["compute"]["pruner"] == "promotion"


def replays(desk: Any, study: str, number: int) -> None:
    told = json.loads(desk.run("replay", study, str(number), "--json").stdout)
    assert told["recorded"] == told["replayed"]
    assert told["recorded"]["evaluations"]


def test_a_promoted_and_a_paused_trial_replay_to_the_same_bits(desk: Any, whole: Any) -> None:
    del whole
    replays(desk, "whole", promoted(desk, "whole")[0])
    never = {int(row["number"]) for row in desk.trials("whole") if row["state"] == "pruned"}
    replays(desk, "whole", min(never - set(promoted(desk, "whole"))))


@pytest.mark.slow
def test_two_workers_continue_each_others_trials(desk: Any) -> None:
    result = desk.search("shared", "--trials", str(TRIALS), "--workers", "2", space="pausing.yaml")
    holds_together(desk, "shared", result)
    for number in set(promoted(desk, "shared")):
        replays(desk, "shared", number)


@pytest.mark.slow
@pytest.mark.parametrize("budget", [("--disk-budget", "0"), ("--memory-budget", "0"), ("--memory-budget", "100KB")])
def test_budgets_change_nothing_but_where_states_lie(desk: Any, whole: Any, budget: tuple[str, str]) -> None:
    del whole
    study = "budget" + "".join(budget)
    desk.search(study, "--trials", str(TRIALS), *budget, space="pausing.yaml")
    assert outcome(desk, study) == outcome(desk, "whole")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_search_goes_on_to_the_same_end(
    desk: Any, whole: Any, wait_until: Wait, number: signal.Signals
) -> None:
    """What the worker held in memory is written to disk when it is asked to stop."""
    del whole
    study = f"stopped-{number.value}"
    given = ("--data", "corpus", "--model", "model", "--space", "pausing.yaml", "--study", study)
    search = desk.start("search", "ner", *given, "--trials", str(TRIALS))
    wait_until(lambda: len(promoted(desk, study)) > 0 or search.poll() is not None)
    search.send_signal(number)
    search.communicate(timeout=60)
    assert search.returncode == 128 + number.value
    if not list(paused_folder(desk, study).iterdir()):
        pytest.skip("the search had ended before it was stopped")
    desk.run("search", "ner", "--study", study, "--trials", str(TRIALS))
    log = (desk.folder / "studies" / study / "logs" / "worker-0.log").read_text(encoding="utf-8")
    assert "its checkpoint is gone" not in log
    assert outcome(desk, study) == outcome(desk, "whole")


@pytest.mark.slow
def test_a_worker_killed_in_a_promoted_trial_changes_nothing(
    desk: Any, whole: Any, wait_until: Wait, workers: Callable[..., list[int]]
) -> None:
    """Its memory is gone: what was paused is trained again, to the same bits."""
    del whole
    given = ("--data", "corpus", "--model", "model", "--space", "pausing.yaml", "--study", "killed")
    search = desk.start("search", "ner", *given, "--trials", str(TRIALS))
    wait_until(lambda: len(promoted(desk, "killed")) > 0 or search.poll() is not None)
    for worker in workers(search):
        os.kill(worker, signal.SIGKILL)
    out, err = search.communicate(timeout=240)
    assert search.returncode == 0, out + err
    assert outcome(desk, "killed") == outcome(desk, "whole")


@pytest.mark.slow
def test_time_that_is_over_leaves_paused_what_more_time_continues(desk: Any) -> None:
    given = ("--data", "corpus", "--model", "model", "--space", "pausing.yaml", "--study", "timed")
    told = desk.run("search", "ner", *given, "--trials", "500", "--timeout", "12s")
    paused = [row["number"] for row in desk.trials("timed") if row["state"] == "paused"]
    assert paused
    assert f"{len(paused)} paused" in told.stdout
    assert "what is paused can be continued:\n  autoft search ner --study timed --trials 500" in told.stdout
    assert len(list(paused_folder(desk, "timed").iterdir())) == len(paused)
    begun = len(desk.trials("timed"))
    result = desk.search("timed", "--trials", str(begun + 3), space="pausing.yaml")
    assert set(paused) & {str(number) for number in promoted(desk, "timed")} or result["trials"]["pruned"]
    assert not [row for row in desk.trials("timed") if row["state"] == "paused"]
    assert not list(paused_folder(desk, "timed").iterdir())
