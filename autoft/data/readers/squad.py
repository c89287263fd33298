"""SQuAD, 1.1 and 2.0: one object, `data / paragraphs / qas / answers`, to one row a question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from autoft.data.problems import Problems
from autoft.data.readers.checks import half_surrogates
from autoft.data.rows import Row

# Inside a text the closing quote would be escaped, so that this matches keys and nothing else.
_KEY = re.compile(r'"question"\s*:')


def is_squad(value: Mapping[str, Any]) -> bool:
    """Say whether a JSON object reads as a SQuAD file: `data` is a list of articles with paragraphs."""
    data = value.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and "paragraphs" in first


def rows_of_squad(value: Mapping[str, Any], text: str, file: str) -> list[Row]:
    """Make a row of each question, with `context`, `question`, `answers` (`text` and `start` each) and `id`.

    A row's line is the one on which its `question` stands; in a file of one line, the question's number.

    Args:
        value: What the file holds.
        text: The file's text, of which `value` was read.
        file: The file as messages name it.

    Raises:
        DataError: With everything that has not the form of SQuAD.
    """
    problems = Problems()
    lines = _lines_of_questions(text)
    rows = []
    for path, context, record in _questions(value["data"], file, problems):
        if not isinstance(record, dict) or "question" not in record:
            problems.add(file, f"{file}: {path}: a question, with 'question', expected, got {str(record)[:60]}")
            continue
        line = next(lines)
        values = _values(context, record)
        found = list(half_surrogates(values))
        for problem in found:
            problems.add(file, f"{file}:{line}: {problem}")
        if not found:
            rows.append(Row(values, file, line))
    problems.raise_if_any()
    return rows


def _lines_of_questions(text: str) -> Iterator[int]:
    single = "\n" not in text.strip()
    line, counted = 1, 0
    for number, match in enumerate(_KEY.finditer(text), 1):
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        yield number if single else line


def _questions(data: Any, file: str, problems: Problems) -> Iterator[tuple[str, Any, Any]]:
    """Yield path in the file, context and record of each question, in the file's order."""
    for path, article in _items("data", data, file, problems):
        for inner, paragraph in _items(f"{path}.paragraphs", article, file, problems):
            context = paragraph.get("context") if isinstance(paragraph, dict) else None
            for place, record in _items(f"{inner}.qas", paragraph, file, problems):
                yield place, context, record


def _items(path: str, holder: Any, file: str, problems: Problems) -> Iterator[tuple[str, Any]]:
    name = path.rpartition(".")[2]
    items = holder.get(name) if isinstance(holder, dict) else holder
    if isinstance(items, list):
        yield from ((f"{path}[{number}]", item) for number, item in enumerate(items))
    else:
        problems.add(file, f"{file}: {path}: a list expected, got {str(items)[:60]}")


def _values(context: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    values = {**record, "context": context}
    # What might mislead a system into an answer is none.
    values.pop("plausible_answers", None)
    answers = record.get("answers")
    if isinstance(answers, list):
        values["answers"] = [_answer(answer) for answer in answers]
    return values


def _answer(answer: Any) -> Any:
    if not isinstance(answer, dict) or "answer_start" not in answer:
        return answer
    return {"text": answer.get("text"), "start": answer["answer_start"]}
