"""What a task chose on dev beside the weights, in words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from autoft.tasks import TASKS, chosen_on_dev, chosen_words

LABEL = "the probability above which a label is predicted"
GAP = "the gap from which on there is no answer"


@pytest.mark.parametrize(
    ("task", "decision", "words"),
    [
        ("classification", {"threshold.a": 0.25, "threshold.b c": 0.5}, f"{LABEL} (0.2500 of a, 0.5000 of b c)"),
        ("classification", {"threshold.a": 0.25, "threshold.b": 0.25}, f"{LABEL} (0.2500 of all 2)"),
        ("classification", {f"threshold.{at}": at / 20 for at in range(1, 14)}, f"{LABEL} (0.0500 to 0.6500 of 13)"),
        ("classification", {"threshold.a.b": 0.25}, f"{LABEL} (0.2500 of a.b)"),
        ("classification", {}, ""),
        ("qa", {"threshold": -1.5}, f"{GAP} (-1.5000)"),
        # Nothing is chosen where dev has an answer to everything, nor by a head that constrains its tags.
        ("qa", {"always": 1.0}, ""),
        ("ner", {"constrained": 1.0}, ""),
    ],
)
def test_only_what_was_chosen_is_told(task: str, decision: Mapping[str, float], words: str) -> None:
    assert chosen_words(TASKS.get(task), decision) == words
    assert bool(chosen_on_dev(TASKS.get(task), decision)) == bool(words)
