"""Answers of a row: spans of its context, in the forms of SQuAD and of the hub, judged against the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autoft.data.rows import Row
from autoft.errors import DataError

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the context that answers the question.

    Attributes:
        text: Its text.
        start: Where it begins, in characters (code points) of the context.
    """

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends, exclusive."""
        return self.start + len(self.text)


def read_answers(row: Row, context: str) -> tuple[Answer, ...]:
    """Return the answers of a row, none where the text does not answer the question.

    `answers` is a list of `{"text", "start"}` (or `answer_start`), or, as data sets of the hub have it,
    `{"text": […], "answer_start": […]}`.

    Args:
        row: With `answers`, and `is_impossible` where it says whether there is any.
        context: Of which the answers are spans.

    Raises:
        DataError: With every answer that is none of `context`, and the right offset where that is beyond doubt.
    """
    place = row.place + (f": question {row.values['id']!r}" if isinstance(row.values.get("id"), str) else "")
    if "answers" not in row.values:
        raise DataError(f"{place}: 'answers' expected, an empty list where the text does not answer, got none")
    problems: list[str] = []
    answers = []
    for text, start in _pairs(row.values["answers"], place):
        problem = _problem(text, start, context)
        if problem:
            problems.append(f"{place}: {problem}")
        else:
            # Space around an answer is none of its tokens.
            answers.append(Answer(text.strip(), start + len(text) - len(text.lstrip())))
    impossible = row.values.get("is_impossible")
    if not problems and isinstance(impossible, bool) and impossible is bool(answers):
        problems.append(f"{place}: 'is_impossible' is {str(impossible).lower()} but 'answers' has {len(answers)}")
    if problems:
        raise DataError(*problems)
    return tuple(dict.fromkeys(answers))


def _pairs(value: Any, place: str) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, list) and all(isinstance(item, Mapping) and "text" in item for item in value):
        yield from ((item["text"], item.get("start", item.get("answer_start"))) for item in value)
        return
    if isinstance(value, Mapping):
        texts, starts = value.get("text"), value.get("answer_start", value.get("start"))
        if isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts):
            yield from zip(texts, starts, strict=True)
            return
    law = '\'answers\': a list of {"text", "start"}, or {"text": […], "answer_start": […]} of equal lengths, expected'
    raise DataError(f"{place}: {law}, got {str(value)[:_SHOWN]}")


def _problem(text: Any, start: Any, context: str) -> str:
    if not isinstance(text, str) or not text.strip():
        return f"'answers': a text expected, got {str(text)[:_SHOWN]!r}"
    if isinstance(start, int) and not isinstance(start, bool) and start >= 0 and context.startswith(text, start):
        return ""
    shown = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
    return f"'answers': answer {shown} expected at character {start} of the context, {_found(text, start, context)}"


def _found(text: str, start: Any, context: str) -> str:
    first = context.find(text)
    if first < 0:
        return "it does not occur in it" + (", only in other case" if text.lower() in context.lower() else "")
    got = f"got {context[start : start + len(text)][:_SHOWN]!r}, " if isinstance(start, int) and start >= 0 else ""
    if context.find(text, first + 1) < 0:
        return f"{got}it occurs once, at {first}"
    places = [str(at) for at in range(len(context)) if context.startswith(text, at)]
    return f"{got}it occurs at {', '.join(places[:5])}{' …' if len(places) > 5 else ''}"
