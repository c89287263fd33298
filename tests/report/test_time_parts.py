"""Where the time went, as report.html says it."""

from __future__ import annotations

from dataclasses import replace

from autoft.report.facts import StudyFacts
from autoft.report.time_parts import time_table
from autoft.study.wall_time import WORDS


def test_parts_stand_in_the_order_of_their_time(facts: StudyFacts) -> None:
    page = str(time_table(replace(facts, time={"train": 90.0, "storage": 0.0, "evaluate": 270.0, "idle": 40.0})))
    assert "6m 40s" in page
    words = [WORDS[part] for part in ("evaluate", "train", "idle")]
    assert [page.index(word) for word in words] == sorted(page.index(word) for word in words)
    assert "67.5%" in page
    assert WORDS["storage"] not in page


def test_a_study_of_an_earlier_version_says_nothing(facts: StudyFacts) -> None:
    assert "No worker has noted its time." in str(time_table(facts))
