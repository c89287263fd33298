"""SQuAD files: one row a question, whatever the layout, and places for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoft.data import read_data
from autoft.data.readers import read_rows
from autoft.data.rows import Row
from autoft.errors import DataError

CONTEXT = "Anna met Ben in Paris."
FIRST: dict[str, Any] = {
    "id": "q1",
    "question": "Who met Ben?",
    "is_impossible": False,
    "answers": [{"text": "Anna", "answer_start": 0}],
}
SECOND: dict[str, Any] = {
    "id": "q2",
    "question": "Who met Eve?",
    "is_impossible": True,
    "plausible_answers": [{"text": "Anna", "answer_start": 0}],
    "answers": [],
}


def squad(*questions: object, **paragraph: object) -> dict[str, Any]:
    return {
        "version": "v2.0",
        "data": [{"title": "T", "paragraphs": [{"context": CONTEXT, "qas": list(questions), **paragraph}]}],
    }


def read(tmp_path: Path, text: str, name: str = "train.json") -> tuple[Row, ...]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_rows(tmp_path / name)


def problems_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_each_question_is_a_row_with_its_context(tmp_path: Path) -> None:
    first, second = read(tmp_path, json.dumps(squad(FIRST, SECOND)))
    assert first.values == {
        "id": "q1",
        "question": "Who met Ben?",
        "context": CONTEXT,
        "is_impossible": False,
        "answers": [{"text": "Anna", "start": 0}],
    }
    assert second.values["answers"] == []
    assert "plausible_answers" not in second.values


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_layout_does_not_matter(indent: int | None, tmp_path: Path) -> None:
    rows = read(tmp_path, json.dumps(squad(FIRST, SECOND), indent=indent))
    assert [row.values["id"] for row in rows] == ["q1", "q2"]


def test_a_row_stands_on_the_line_of_its_question(tmp_path: Path) -> None:
    text = json.dumps(squad(FIRST, SECOND, FIRST), indent=1)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if '"question"' in line]
    assert [row.line for row in read(tmp_path, text)] == lines


def test_in_a_file_of_one_line_questions_are_numbered(tmp_path: Path) -> None:
    assert [row.line for row in read(tmp_path, json.dumps(squad(FIRST, SECOND, FIRST)) + "\n")] == [1, 2, 3]


@given(st.lists(st.text(), min_size=1, max_size=4), st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_texts_that_look_like_keys_move_no_line(tmp_path: Path, questions: list[str], context: str) -> None:
    tricky = [f'{text}\n"question": "x"\\' for text in questions]
    records = [{"id": str(at), "question": text, "answers": []} for at, text in enumerate(tricky)]
    document = squad(*records, context=f'"question" : {context}')
    text = json.dumps(document, indent=1)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line.strip().startswith('"question": ')]
    rows = read(tmp_path, text)
    assert [row.values["question"] for row in rows] == tricky
    assert [row.line for row in rows] == lines


def test_everything_that_is_not_squad_is_told_with_its_path(tmp_path: Path) -> None:
    document = squad(FIRST, {"id": "q3"}, "why?")
    document["data"] += [{"paragraphs": 3}, {"title": "none"}, {"paragraphs": [{"context": "x"}, 7]}]
    assert problems_of(tmp_path, json.dumps(document, indent=1)) == [
        "train.json: data[0].paragraphs[0].qas[1]: a question, with 'question', expected, got {'id': 'q3'}",
        "train.json: data[0].paragraphs[0].qas[2]: a question, with 'question', expected, got why?",
        "train.json: data[1].paragraphs: a list expected, got 3",
        "train.json: data[2].paragraphs: a list expected, got None",
        "train.json: data[3].paragraphs[0].qas: a list expected, got None",
        "train.json: data[3].paragraphs[1].qas: a list expected, got 7",
    ]


def test_broken_json_is_told_once_with_its_line(tmp_path: Path) -> None:
    text = json.dumps(squad(FIRST), indent=1).replace('"id": "q1",', '"id": "q1"')
    line = 1 + text[: text.index('"question"')].count("\n")
    assert problems_of(tmp_path, text) == [f"train.json:{line}: JSON expected, Expecting ',' delimiter (column 8)"]


def test_half_a_character_is_told_with_its_line(tmp_path: Path) -> None:
    text = json.dumps(squad({**FIRST, "question": "x\ud800"}), indent=1)
    (problem,) = problems_of(tmp_path, text)
    assert problem == "train.json:12: text expected, got half of a surrogate pair"


def test_an_object_without_articles_is_no_squad(tmp_path: Path) -> None:
    (row,) = read(tmp_path, '{"data": [1, 2]}')
    assert row.values == {"data": [1, 2]}
    (row,) = read(tmp_path, '{"data": [{"text": "x"}], "label": "y"}\n')
    assert row.values["label"] == "y"


def test_a_folder_of_squad_files_is_a_data_set(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        read(tmp_path, json.dumps(squad(FIRST, SECOND)), f"{split}.json")
    found = read_data(str(tmp_path), dev_share=0.2, seed=0)
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 2, "dev": 2}


@pytest.mark.parametrize("cell", ['{"text": ["Anna"], "answer_start": [0]}', "{'text': ['Anna'], 'answer_start': [0]}"])
def test_a_table_may_hold_answers_as_objects(cell: str, tmp_path: Path) -> None:
    quoted = cell.replace('"', '""')
    (row,) = read(tmp_path, f'context,question,answers\nAnna ran.,Who ran?,"{quoted}"\n', "train.csv")
    assert row.values["answers"] == {"text": ["Anna"], "answer_start": [0]}
