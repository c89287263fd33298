"""Entities as spans: to tags, and from character offsets to words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoft.errors import DataError
from autoft.registry import nearest

# First token or character, end (exclusive), label.
Span = tuple[int, int, str]


def from_spans(length: int, spans: Sequence[Span]) -> list[str]:
    """Return IOB2 tags of `length` tokens, [T].

    Args:
        length: Number of tokens.
        spans: Start, end (exclusive) and label in tokens, in any order, [S].

    Raises:
        ValueError: If a span lies outside, is empty, or overlaps another.
    """
    tags = ["O"] * length
    for start, end, label in spans:
        if not 0 <= start < end <= length:
            raise ValueError(f"span {start}:{end} must lie within {length} tokens and hold one at least")
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"span {start}:{end} overlaps another")
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


def align_spans(text: str, spans: Any, words: Sequence[tuple[int, int]], *, place: str) -> list[Span]:
    """Return character spans as spans of words, sorted.

    Args:
        text: What the offsets count.
        spans: A list of `{"start", "end", "label"}` or `[start, end, label]`, in characters, end exclusive; invisible
            characters at their ends do not matter.
        words: Start and end of each word.
        place: `file:line`, how each problem starts.

    Raises:
        DataError: With every span that is malformed, misses the borders of words, or overlaps
            another.
    """
    if not isinstance(spans, list | tuple):
        raise DataError(f"{place}: a list of spans expected, got {type(spans).__name__}")
    problems: list[str] = []
    found: list[_TextSpan] = []
    for number, span in enumerate(spans, 1):
        try:
            found.append(_parse(span, text))
        except ValueError as error:
            problems.append(f"{place}: span {number}: {error}")
    found.sort(key=lambda span: (span.start, span.end))
    problems += [f"{place}: {problem}" for problem in _overlaps(found)]
    shown = [_visible(text, start, end) for start, end in words]
    starts = {start: index for index, (start, _) in enumerate(shown)}
    ends = {end: index + 1 for index, (_, end) in enumerate(shown)}
    aligned: list[Span] = []
    for one in found:
        start, end = _visible(text, one.start, one.end)
        if start in starts and end in ends and start < end:
            aligned.append((starts[start], ends[end], one.label))
        else:
            problems.append(f"{place}: {_missed(one, words)}")
    if problems:
        raise DataError(*problems)
    return aligned


def _visible(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the borders without invisible characters at either end, such as the marks of writing direction.

    Nobody who marks an entity by hand sees on which side of such a mark the selection ended.
    """
    while start < end and unicodedata.category(text[start]) == "Cf":
        start += 1
    while end > start and unicodedata.category(text[end - 1]) == "Cf":
        end -= 1
    return start, end


@dataclass(frozen=True, slots=True)
class _TextSpan:
    start: int
    end: int
    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.start}:{self.end} {self.text!r}"


def _parse(span: Any, text: str) -> _TextSpan:
    start, end, label = _fields(span)
    for offset in (start, end):
        if not isinstance(offset, int) or isinstance(offset, bool):
            raise ValueError(  # noqa: TRY004 - a user's mistake
                f"whole numbers expected as start and end, got {offset!r}"
            )
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"a text expected as label, got {label!r}")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"0 <= start < end <= {len(text)} must hold, got start={start}, end={end}")
    return _TextSpan(start, end, label, text[start:end])


def _fields(span: Any) -> tuple[Any, Any, Any]:
    if isinstance(span, Mapping):
        for name in ("start", "end", "label"):
            if name not in span:
                known = ", ".join(map(str, span))
                raise ValueError(f"{name!r} is missing, got {known}{nearest(name, map(str, span))}")
        return span["start"], span["end"], span["label"]
    if isinstance(span, list | tuple) and len(span) == 3:
        return span[0], span[1], span[2]
    raise ValueError(f"start, end and label expected, got {str(span)[:60]}")


def _overlaps(spans: Sequence[_TextSpan]) -> list[str]:
    found = []
    widest = spans[0] if spans else None
    for span in spans[1:]:
        if widest and span.start < widest.end:
            found.append(f"spans must not overlap, got {widest} and {span}")
        if widest is None or span.end > widest.end:
            widest = span
    return found


def _missed(span: _TextSpan, words: Sequence[tuple[int, int]]) -> str:
    law = f"spans must begin and end with words, got {span}"
    if not words:
        return f"{law}, the text has no words"
    start = min((start for start, _ in words), key=lambda border: abs(border - span.start))
    end = min((end for _, end in words if end > start), key=lambda border: abs(border - span.end))
    return f"{law}, the nearest words are {start}:{end}"
