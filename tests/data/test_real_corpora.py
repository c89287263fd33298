"""Counts of real corpora equal what their `SOURCE.md` says."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from autoft.data import normalise_rows, read_data
from autoft.data.answers import read_answers
from autoft.metrics import iob2_spans

ROOT = os.environ.get("AUTOFT_DATA")

pytestmark = pytest.mark.skipif(not ROOT, reason="AUTOFT_DATA is not set")

CORPORA = sorted(path.name for path in Path(ROOT or ".", "ner").glob("*/"))
_LINE = re.compile(r"\| (train|dev|test) \| (\d+) \| (\d+) \| (\d+) \| ([^|]*) \|")
_QUESTIONS = re.compile(r"\| (train|dev|test) \| (\d+) \| (\d+) \| \d+ \| (\d+) \| \d+ \|")


@pytest.mark.parametrize("name", CORPORA)
def test_the_counts_are_those_of_the_source(name: str) -> None:
    folder = Path(ROOT or ".", "ner", name)
    done = normalise_rows(read_data(str(folder), dev_share=0.1, seed=0).splits)
    stated = _LINE.findall((folder / "SOURCE.md").read_text(encoding="utf-8"))
    assert {line[0] for line in stated} == {"train", "dev", "test"}
    for split, sentences, tokens, entities, labels in stated:
        rows = done.splits[split]
        found = Counter(label for row in rows for _, _, label in iob2_spans(row.values["tags"]))
        assert len(rows) == int(sentences)
        assert sum(len(row.values["tokens"]) for row in rows) == int(tokens)
        assert found.total() == int(entities)
        assert found == {label: int(count) for label, count in (part.rsplit(" ", 1) for part in labels.split(", "))}
    assert (done.scheme, done.repaired) == ("IOB2", 0)


def test_the_questions_are_those_of_the_source() -> None:
    folder = Path(ROOT or ".", "qa", "squadshifts-newwiki")
    splits = read_data(str(folder), dev_share=0.1, seed=0).splits
    stated = _QUESTIONS.findall((folder / "SOURCE.md").read_text(encoding="utf-8"))
    assert {line[0] for line in stated} == {"train", "dev", "test"}
    for split, questions, paragraphs, answers in stated:
        rows = splits[split]
        assert len(rows) == int(questions)
        assert len({row.values["context"] for row in rows}) == int(paragraphs)
        given = [len(row.values["answers"]) for row in rows]
        assert sum(given) == int(answers)
        # Two annotators may have marked the same span.
        assert all(0 < len(read_answers(row, row.values["context"])) <= n for row, n in zip(rows, given, strict=True))
