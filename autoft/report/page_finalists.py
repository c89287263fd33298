"""The part of report.html that shows the finalists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoft.report.markup import Cell, Html, Row, element, join, table
from autoft.report.more_data import more_data_words
from autoft.report.words import score, signed_score, trial_name


def finalists_table(result: Mapping[str, Any]) -> Html:
    """Return what the finalists scored on fresh seeds, the best mean first."""
    found = result["finalists"]
    if not found:
        return element("p", "No finalist has been trained again on fresh seeds.", kind="muted")
    names = ("search's own seed", "mean", "spread", "gain", "95\N{NO-BREAK SPACE}% interval")
    head = [Cell("finalist"), *(Cell(name, "number") for name in names), Cell("verdict")]
    default = (result["default"] or {}).get("trial")
    rows = [_row(entry, default) for entry in found["ran"]]
    notes = [*(f"{words}." for words in found["mishaps"]), more_data_words(result)]
    return join([table(head, rows), *(element("p", words, kind="muted") for words in notes)])


def _row(entry: Mapping[str, Any], default: int | None) -> Row:
    gain, interval, verdict = entry["gain"], "", ""
    if gain is not None:
        interval = "" if gain["ci95"] is None else " to ".join(map(signed_score, gain["ci95"]))
        verdict = "more than noise" if gain["significant"] else "may be noise"
    return Row(
        (
            Cell(trial_name(entry["trial"], default)),
            Cell(score(entry["dev"]), "number old"),
            Cell(score(entry["dev_mean"]), "number"),
            Cell(score(entry["dev_std"]), "number"),
            Cell("" if gain is None else signed_score(gain["mean"]), "number"),
            Cell(interval, "number"),
            Cell(verdict),
        )
    )
