"""JSON: one object a line, or one list of objects; fields stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autoft.data.problems import Problems
from autoft.data.readers.checks import unequal_lengths
from autoft.data.readers.lines import read_lines
from autoft.data.rows import Row

_SPACE = re.compile(r"[ \t\r\n]*")


def read_json(path: Path) -> list[Row]:
    """Read JSON lines or a JSON list into rows.

    Raises:
        DataError: With every record that does not fit.
    """
    lines = read_lines(path)
    file = str(path)
    problems = Problems()
    first = next((line.lstrip() for line in lines if line.strip()), "")
    if first.startswith("["):
        records = _records_of_list("\n".join(lines), file, problems)
    else:
        records = _records_of_lines(lines, file, problems)
    rows = []
    for number, value in records:
        found = list(_wrong(value))
        for problem in found:
            problems.add(file, f"{file}:{number}: {problem}")
        if not found:
            rows.append(Row(value, file, number))
    problems.raise_if_any()
    return rows


def _records_of_lines(lines: Sequence[str], file: str, problems: Problems) -> Iterator[tuple[int, Any]]:
    if _is_one_object(lines):
        problems.add(
            file,
            f"{file}: one object a line, or a list of objects, expected, got one object",
        )
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            problems.add(file, f"{file}:{number}: {_in_words(error)}")
            continue
        yield number, value


def _records_of_list(text: str, file: str, problems: Problems) -> Iterator[tuple[int, Any]]:
    position = _after_space(text, text.index("[") + 1)
    line, counted = 1, 0
    closed = text[position : position + 1] == "]"
    while not closed:
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            where = error.lineno if isinstance(error, json.JSONDecodeError) else line
            problems.add(file, f"{file}:{where}: {_in_words(error)}")
            return
        yield line, value
        position = _after_space(text, position)
        closed = text[position : position + 1] == "]"
        if not closed and text[position : position + 1] != ",":
            line += text.count("\n", counted, position)
            problems.add(file, f"{file}:{line}: ',' or ']' expected after an object of the list")
            return
        if not closed:
            position = _after_space(text, position + 1)
    rest = _after_space(text, position + 1)
    if rest < len(text):
        line += text.count("\n", counted, rest)
        problems.add(file, f"{file}:{line}: nothing expected after the list")


def _wrong(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"a JSON object expected, got {json.dumps(value, ensure_ascii=True)[:60]}"
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        yield "text expected, got half of a surrogate pair"
    yield from unequal_lengths(value)


def _is_one_object(lines: Sequence[str]) -> bool:
    # Only a file whose first line is no JSON can be one object over many lines.
    try:
        json.loads(next(line for line in lines if line.strip()))
    except (ValueError, RecursionError):
        try:
            return isinstance(json.loads("\n".join(lines)), dict)
        except (ValueError, RecursionError):
            return False
    return False


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _in_words(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"JSON expected, {error.msg} (column {error.colno})"
    if isinstance(error, RecursionError):
        return "JSON expected, nested too deeply"
    return f"JSON expected, {error}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} stands twice")
    return record


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
