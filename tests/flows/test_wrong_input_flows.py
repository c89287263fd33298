"""What is found wrong only by a worker is told like everything else: a message, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoft.testing.tiny import save_tiny


@pytest.fixture(scope="module")
def modern(desk: Any) -> Path:
    """A base model without biases."""
    return save_tiny(desk.folder / "modern", "modernbert")


def test_an_impossible_pair_is_refused_before_any_trial(desk: Any, modern: Path) -> None:
    told = desk.run(
        "search", "ner", "--data", "corpus", "--model", str(modern), "--space", "ner-wide", "--json", code=2
    )
    assert told.stdout == ""
    lines = told.stderr.splitlines()
    assert lines[-1].endswith("take 'bitfit' out of the search space")
    assert "Traceback" not in told.stderr
    assert not (desk.folder / "studies" / "ner-1").exists()
    assert not (desk.folder / "studies" / "autoft.db").exists()


@pytest.mark.slow
def test_a_dry_run_makes_no_study(desk: Any) -> None:
    given = ("--data", "corpus", "--model", "model", "--space", "space.yaml")
    told = desk.run("search", "ner", *given, "--dry-run", "--json")
    assert '"parameters"' in told.stdout
    assert not (desk.folder / "studies" / "autoft.db").exists()
