"""JSON: one object a line, or one list of objects; fields stay as they are. One object with `data` is SQuAD."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autoft.data.problems import Problems
from autoft.data.readers.checks import half_surrogates, unequal_lengths
from autoft.data.readers.lines import read_lines
from autoft.data.readers.squad import is_squad, rows_of_squad
from autoft.data.rows import Row
from autoft.errors import DataError

_PARAGRAPHS = re.compile(r'"paragraphs"\s*:')
_SPACE = re.compile(r"[ \t\r\n]*")


def read_json(path: Path) -> list[Row]:
    """Read JSON lines, a JSON list or the one object of a SQuAD file into rows.

    Raises:
        DataError: With every record that does not fit.
    """
    lines = read_lines(path)
    file = str(path)
    problems = Problems()
    whole = _one_object(lines, file)
    if whole is not None and is_squad(whole):
        return rows_of_squad(whole, "\n".join(lines), file)
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
    if _spans_lines(lines) and _one_object(lines, file) is not None:
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
    yield from half_surrogates(value)
    yield from unequal_lengths(value)


def _one_object(lines: Sequence[str], file: str) -> dict[str, Any] | None:
    """Return the one object that a file holds, None where it holds something else.

    Raises:
        DataError: If a file that names paragraphs, as SQuAD does, is no JSON.
    """
    full = [line for line in lines if line.strip()]
    # Of lines that hold an object each, only the first is read here.
    if not full[0].lstrip().startswith("{") or (len(full) > 1 and not _spans_lines(full)):
        return None
    text = "\n".join(lines)
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        if _PARAGRAPHS.search(text):
            line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise DataError(f"{file}{line}: {_in_words(error)}") from error
        return None
    return value if isinstance(value, dict) else None


def _spans_lines(lines: Sequence[str]) -> bool:
    # Only a file whose first line is no JSON can be one object over many lines.
    try:
        json.loads(next(line for line in lines if line.strip()))
    except (ValueError, RecursionError):
        return True
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
