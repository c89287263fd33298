"""Limits and fronts from the command line to the files of a study."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

ADAPTERS = """
version: 1
task: ner
train: {batch_size: 4, epochs: 3, dropout: {low: 0.0, high: 0.1}}
method:
  full: {learning_rate: {low: 2e-3, high: 2e-2, log: true}}
  adapter: {learning_rate: {low: 2e-3, high: 2e-2, log: true}, size: {low: 4, high: 64}}
default:
  method: {full: {learning_rate: 5e-3}}
  train: {epochs: 3, batch_size: 4, dropout: 0.0}
"""
# The base model has 8,989 parameters, an adapter 99 more for each unit of its size: 41 and more is too wide.
LIMIT = 13_000


@pytest.fixture(scope="module")
def limited(desk: Any) -> Any:
    """A search under a limit that wide adapters break; its result.json."""
    (desk.folder / "adapters.yaml").write_text(ADAPTERS, encoding="utf-8")
    words = ("--trials", "8", "--max-parameters", "13k", "--minimize", "parameters", "--minimize", "latency")
    return desk.search("limited", *words, space="adapters.yaml")


def test_what_is_too_large_costs_nothing_and_says_why(desk: Any, limited: Any) -> None:
    found = desk.trials("limited")
    assert {float(row["facts.parameters"]) > LIMIT for row in found} == {True, False}
    for row in found:
        over = float(row["facts.parameters"]) > LIMIT
        assert (row["state"] == "infeasible") == over
        assert ("parameters 1" in row["reason"]) == over
        assert float(row["facts.latency"]) > 0
        assert float(row["facts.memory"]) > 0
    assert limited["trials"]["infeasible"] == sum(row["state"] == "infeasible" for row in found)


def test_the_front_is_in_the_result_and_in_the_report(desk: Any, limited: Any) -> None:
    assert set(limited["front"]) == {"parameters", "latency"}
    front = limited["front"]["parameters"]
    assert front[-1]["dev"] == limited["best"]["dev"]
    assert [point["parameters"] for point in front] == sorted({point["parameters"] for point in front})
    page = (desk.folder / "studies" / "limited" / "report.html").read_text(encoding="utf-8")
    assert 'id="front-parameters"' in page
    assert 'id="front-memory"' not in page
    assert "Limits: parameters at most 13k." in page


def test_the_terminal_shows_front_and_limits(desk: Any, limited: Any) -> None:
    del limited
    told = desk.run("report", "limited").stdout
    assert "f1 against parameters" in told
    assert "Limits: parameters at most 13k." in told


def test_the_dashboard_has_measures_and_distances(desk: Any, limited: Any) -> None:
    del limited
    with sqlite3.connect(desk.folder / "studies" / "autoft.db") as database:
        keys = {key for (key,) in database.execute("select distinct key from trial_user_attributes")}
        constraints = [
            float(json.loads(value))
            for (value,) in database.execute(
                "select value_json from trial_system_attributes where key = 'constraints:max_parameters'"
            )
        ]
    assert {"measure:parameters", "measure:latency", "measure:memory", "constraint:max_parameters"} <= keys
    assert len(constraints) == 8
    assert min(constraints) < 0 < max(constraints)


def test_limits_may_not_change_and_fronts_may(desk: Any, limited: Any) -> None:
    del limited
    given = ("search", "ner", "--study", "limited", "--dry-run", "--json")
    refused = desk.run(*given, "--max-parameters", "20k", code=2)
    assert "--max-parameters may not change, it was 13000, got 20000" in refused.stderr
    plan = json.loads(desk.run(*given, "--minimize", "memory").stdout)
    assert plan["limits"] == {"parameters": LIMIT}
    assert set(plan["default"]) == {"parameters", "latency", "memory"}


def test_a_limit_that_nothing_can_meet_is_refused(desk: Any) -> None:
    words = ("--data", "corpus", "--model", "model", "--space", "space.yaml", "--study", "none")
    told = desk.run("search", "ner", *words, "--max-parameters", "1k", code=2)
    assert "--max-parameters: the smallest model of the search space must have at most 1,000 parameters" in told.stderr
    assert not Path(desk.folder / "studies" / "none").exists()


def test_units_are_told_together_before_anything_is_read(desk: Any) -> None:
    told = desk.run("search", "ner", "--max-memory", "4", "--max-latency", "soon", code=2)
    assert told.stderr.splitlines() == [
        "--max-latency: milliseconds such as 12, 12ms or 0.5s expected, got 'soon'",
        "--max-memory: a size with its unit expected, like 4GB or 512MiB, got '4'",
    ]
