"""A search whose pruning is audited, from the command line to its files."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

# Long enough for rung 3 to count: its step lies ten after warm-up.
SPACE = """
version: 1
task: ner
train: {batch_size: 4, epochs: 4, warmup: 0.0, dropout: {low: 0.0, high: 0.1}}
method:
  full: {learning_rate: {low: 1e-4, high: 2e-2, log: true}}
default:
  method: {full: {learning_rate: 1e-3}}
  train: {epochs: 4, batch_size: 4, dropout: 0.0}
"""
Wait = Callable[..., None]


@pytest.fixture(scope="module", autouse=True)
def space(desk: Any) -> None:
    """A space whose trials pause."""
    (desk.folder / "audited.yaml").write_text(SPACE, encoding="utf-8")


def finished(desk: Any, study: str) -> list[int]:
    return [event["number"] for event in desk.events(study) if event["event"] == "audited"]


def found(desk: Any, study: str, *, without: list[int] | None = None) -> list[dict[str, str]]:
    """What the search has found, but for those that the audit has finished since."""
    rows = desk.trials(study)
    kept = [row for row in rows if int(row["number"]) not in (without or [])]
    return [{name: row[name] for name in row if name in ("number", "value", "state", "reason")} for row in kept]


def test_pruned_trials_are_finished_and_said(desk: Any) -> None:
    asked = ("--data", "corpus", "--model", "model", "--space", "audited.yaml", "--study", "audited", "--trials", "7")
    told = desk.run("search", "ner", *asked, "--finalists", "0", "--audit", "0.3").stdout
    result, numbers = desk.result("audited"), finished(desk, "audited")
    audit = result["audit"]
    assert (audit["share"], audit["audited"], audit["drawn"]) == (0.3, len(numbers), len(numbers))
    assert 0 < len(numbers) < audit["pruned"]
    assert 0.0 <= audit["ci95"][0] <= audit["rate"] <= audit["ci95"][1] <= 1.0
    assert "for 30% of the epochs so far but at least one" in told
    words = f"of {audit['pruned']} pruned configurations, drawn by lot"
    assert words in told
    assert words in (desk.folder / "studies" / "audited" / "report.html").read_text(encoding="utf-8")
    rows = {int(row["number"]): row for row in desk.trials("audited")}
    assert all(rows[number]["state"] == "complete" for number in numbers)
    assert all(rows[number]["reason"].endswith("; finished by the audit") for number in numbers)
    again = json.loads(desk.run("replay", "audited", str(numbers[0]), "--json").stdout)
    assert again["recorded"] == again["replayed"]
    assert len(again["recorded"]["evaluations"]) == 9


@pytest.mark.slow
def test_an_audit_changes_nothing_of_the_search_that_goes_on(desk: Any) -> None:
    """The audited are better known, but neither sampler nor rungs learn of it."""
    for study, words in (("with", ("--audit", "0.5")), ("without", ())):
        desk.search(study, "--trials", "7", *words, space="audited.yaml")
    numbers = finished(desk, "with")
    assert found(desk, "with", without=numbers) == found(desk, "without", without=numbers)
    for study in ("with", "without"):
        desk.search(study, "--trials", "12", space="audited.yaml")
    assert found(desk, "with", without=numbers) == found(desk, "without", without=numbers)
    assert desk.result("with")["audit"] is None


@pytest.mark.slow
def test_two_workers_audit_each_trial_once(desk: Any) -> None:
    result = desk.search("shared", "--trials", "9", "--workers", "2", "--audit", "0.5", space="audited.yaml")
    numbers = finished(desk, "shared")
    assert len(numbers) == len(set(numbers)) == result["audit"]["audited"] == result["audit"]["drawn"] > 1
    for number in numbers:
        told = json.loads(desk.run("replay", "shared", str(number), "--json").stdout)
        assert told["recorded"] == told["replayed"]


@pytest.mark.slow
def test_ctrl_c_in_the_audit_loses_nothing(desk: Any, wait_until: Wait) -> None:
    """The command that is printed goes on with what is missing, from the states that were kept."""
    asked = ("--data", "corpus", "--model", "model", "--space", "audited.yaml", "--study", "stopped", "--trials", "9")
    search = desk.start("search", "ner", *asked, "--finalists", "0", "--audit", "0.5")
    wait_until(lambda: finished(desk, "stopped") or search.poll() is not None)
    search.send_signal(signal.SIGINT)
    out, err = search.communicate(timeout=120)
    if search.returncode == 0:
        pytest.skip("the audit had ended before it was stopped")
    assert (search.returncode, "Traceback" in err) == (130, False)
    assert "autoft search ner --study stopped --trials 9 --finalists 0 --audit 0.5" in out
    before = finished(desk, "stopped")
    desk.run("search", "ner", "--study", "stopped", "--trials", "9", "--finalists", "0", "--audit", "0.5")
    told, audit = finished(desk, "stopped"), desk.result("stopped")["audit"]
    assert told[: len(before)] == before
    assert len(told) == len(set(told)) == audit["audited"] == audit["drawn"]
    log = (desk.folder / "studies" / "stopped" / "logs" / "worker-0.log").read_text(encoding="utf-8")
    assert "its checkpoint is gone" not in log


@pytest.mark.slow
def test_time_is_held_back_for_the_audit(desk: Any) -> None:
    """Trials without end would leave none: what waits at a rung then is what pruning left unfinished."""
    result = desk.search("timed", "--trials", "500", "--timeout", "30s", "--audit", "0.2", space="audited.yaml")
    assert result["trials"]["configurations"] < 500
    assert result["audit"]["audited"] >= 1


@pytest.mark.parametrize("share", ["0", "0.6", "nan"])
def test_a_share_out_of_range_is_refused(desk: Any, share: str) -> None:
    told = desk.run("search", "ner", "--study", "refused", "--audit", share, code=2)
    assert "--audit: a share above 0, at most 0.5, expected, got" in told.stderr + told.stdout
