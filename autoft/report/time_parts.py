"""Where the wall time of a study's workers went, in words and as a table."""

from __future__ import annotations

from autoft.report.facts import StudyFacts
from autoft.report.markup import Cell, Html, Row, element, join, table
from autoft.report.words import duration
from autoft.study.wall_time import WORDS


def time_table(facts: StudyFacts) -> Html:
    """Return part, time and share of what the workers did, the longest first."""
    total = sum(facts.time.values())
    if total <= 0:
        return element("p", "No worker has noted its time.", kind="muted")
    rows = [
        Row((Cell(WORDS[part]), Cell(duration(seconds), "number"), Cell(f"{seconds / total:.1%}", "number")))
        for part, seconds in sorted(facts.time.items(), key=lambda item: -item[1])
        if part in WORDS and seconds > 0
    ]
    return join(
        [
            element("p", f"Wall time of all workers, finalists included: {duration(total)}.", kind="caption"),
            table((Cell("what"), Cell("time", "number"), Cell("share", "number")), rows),
        ]
    )
