"""A search that begins with what an earlier one found, on the command line."""

from __future__ import annotations

from typing import Any

PAIR = ("--data", "corpus", "--model", "model", "--space", "space.yaml")


def test_a_search_begins_with_what_an_earlier_one_found(desk: Any) -> None:
    desk.search("earlier", "--trials", "4")
    dropouts = {row["train.dropout"] for row in desk.trials("earlier") if row["state"] == "complete"}
    given = ("--finalists", "0", "--study", "later", "--trials", "13", "--warm-start", "earlier")
    told = desk.run("search", "ner", *PAIR, *given).stdout
    assert "then 1 configuration: 1 from an earlier study" in told
    assert ", warm start" in told
    rows = desk.trials("later")
    assert [row["kind"] for row in rows] == ["default", "warm-start", *["sampled"] * 11]
    assert rows[1]["state"] == "complete"
    assert rows[1]["train.dropout"] in dropouts
