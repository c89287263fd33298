"""A search that ends by itself, and goes on when it is no longer asked to."""

from __future__ import annotations

from typing import Any

import pytest

# Every configuration learns the same.
SPACE = """
version: 1
task: ner
train: {batch_size: 4, epochs: 1, dropout: {low: 0.0, high: 0.001}}
method: {full: {learning_rate: 5e-3}}
default:
  method: {full: {learning_rate: 5e-3}}
  train: {epochs: 1, batch_size: 4, dropout: 0.0}
"""


@pytest.mark.slow
def test_a_search_that_stands_still_ends_and_can_go_on(desk: Any) -> None:
    (desk.folder / "still.yaml").write_text(SPACE, encoding="utf-8")
    given = ("--data", "corpus", "--model", "model", "--space", "still.yaml", "--study", "still", "--finalists", "0")
    told = desk.run("search", "ner", *given, "--trials", "60", "--stop", "auto").stdout
    stopped = desk.result("still")["stopped"]
    begun = desk.result("still")["trials"]["configurations"]
    assert (stopped["begun"], stopped["asked"]) == (begun, 60)
    assert 20 < begun < 60
    assert f"Stopped by itself after {begun} of 60 configurations: the latest 20 gained" in told
    assert [event["begun"] for event in desk.events("still") if event["event"] == "stopped"] == [begun]
    result = desk.search("still", "--trials", str(begun + 2), space="still.yaml")
    assert result["trials"]["configurations"] == begun + 2
    assert result["stopped"] is None
