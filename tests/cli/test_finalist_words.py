"""What the command line says of finalists: line by line while they run, and as a table."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from autoft.api.progress import Progress
from autoft.cli.live import watching
from autoft.cli.tables import finalist_table, scores_table
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord

RECORDS = (TrialRecord(0, "complete", 0.5, {"method": "full"}),)
RUNS = (
    FinalistRun(0, 0, 1, 0.5, seconds=4.0),
    FinalistRun(3, 0, 1, 0.0, "pruned", "the loss is no number", seconds=1.0),
)


def progress(runs: tuple[FinalistRun, ...]) -> Progress:
    return Progress("finalists", RECORDS, 1, 9.0, None, frozenset({0}), runs, len(runs), 15 - len(runs))


def printed(table: Any, width: int = 160) -> str:
    text = io.StringIO()
    Console(file=text, width=width).print(table)
    return text.getvalue()


def entry(trial: int, dev: float, mean: float, gain: dict[str, Any] | None) -> dict[str, Any]:
    return {"trial": trial, "dev": dev, "dev_seeds": [mean, mean], "dev_mean": mean, "dev_std": 0.01, "gain": gain}


def test_each_run_is_a_line_with_its_place() -> None:
    text = io.StringIO()
    with watching(Console(file=text, width=200), "f1") as watch:
        watch(progress(()))
        watch(progress(RUNS[:1]))
        watch(progress(RUNS))
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("finalists 1/15: default, seed 1, f1 0.5000")
    assert lines[1].startswith("finalists 2/15: trial 3, seed 1, f1 0.0000")
    assert lines[1].endswith("the loss is no number")


def test_runs_of_an_earlier_search_are_no_news() -> None:
    text = io.StringIO()
    with watching(Console(file=text, width=200), "f1") as watch:
        watch(progress(RUNS))
    assert text.getvalue() == ""


def test_a_terminal_shows_the_phase() -> None:
    text = io.StringIO()
    with watching(Console(file=text, width=120, force_terminal=True), "f1") as watch:
        watch(progress(RUNS))
    assert "finalists 2/15" in text.getvalue()


def test_the_table_holds_the_searchs_score_beside_the_fresh_seeds() -> None:
    gain = {"mean": 0.05, "ci95": [0.01, 0.09], "significant": True}
    found = {"ran": [entry(7, 0.6, 0.45, gain), entry(0, 0.4, 0.4, None)]}
    text = printed(finalist_table({"default": {"trial": 0}, "finalists": found}), width=80)
    (row,) = [line for line in text.splitlines() if "trial 7" in line]
    assert row.split() == [
        "trial",
        "7",
        "0.6000",
        "0.4500",
        "±",
        "0.0100",
        "+0.0500",
        "+0.0100",
        "to",
        "+0.0900",
        "yes",
    ]
    assert any(line.split() == ["default", "0.4000", "0.4000", "±", "0.0100"] for line in text.splitlines())


def test_test_scores_stand_with_their_intervals() -> None:
    test = {
        "best": {"f1": 0.5, "f1.PER": 0.4},
        "default": {"f1": 0.4, "f1.PER": 0.4},
        "ci95": {"best": {"f1": [0.45, 0.55]}, "default": {"f1": [0.35, 0.45]}, "gain": {"f1": [-0.02, 0.2]}},
    }
    (row,) = [line for line in printed(scores_table(test)).splitlines() if line.strip().startswith("f1")]
    assert "0.5000 [0.4500 … 0.5500]" in row
    assert "+0.1000 [−0.0200 … 0.2000]" in row
    assert "PER" not in printed(scores_table(test))


def test_test_scores_of_an_earlier_version_have_no_intervals() -> None:
    text = printed(scores_table({"best": {"f1": 0.5}, "default": None}))
    assert "0.5000" in text
