"""CSV and TSV with a header; every cell is text, `NA`, `null` and the empty cell too.

Lists in the columns `tokens`, `tags`, `ner_tags`, `spans`, `entities`, `labels` and `answers` (there objects too) are
read as JSON, or as Python prints a list. A header with a token, a tag and a sentence column means one token a row. In
TSV, quotes are plain text if every line has as many tabs as the header; else they quote, as in CSV.
A TSV without a header whose lines hold tags is CoNLL columns.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autoft.data.problems import Problems
from autoft.data.readers.checks import unequal_lengths
from autoft.data.readers.conll import looks_like_tag, parse_conll
from autoft.data.readers.lines import read_lines
from autoft.data.readers.long_table import long_columns, long_rows
from autoft.data.rows import Row

_LISTS = ("tokens", "tags", "ner_tags", "spans", "entities", "labels", "answers")
_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')

# 1-based first line, cells; no cells for a blank line.
Record = tuple[int, list[str]]


def read_csv(path: Path) -> list[Row]:
    """Read comma-separated values; semicolons if the header has no comma.

    Raises:
        DataError: With every record that does not fit.
    """
    lines = read_lines(path)
    header = next(line for line in lines if line.strip())
    delimiter = next((mark for mark in ",;\t" if mark in header), ",")
    problems = Problems()
    records = list(_csv_records(lines, delimiter, str(path), problems))
    problems.raise_if_any()
    return _rows(records, str(path))


def read_tsv(path: Path) -> list[Row]:
    """Read tab-separated values, or CoNLL columns where there is no header.

    Raises:
        DataError: With every record that does not fit.
    """
    lines = read_lines(path)
    if _is_columns(lines):
        return parse_conll(lines, str(path))
    records = list(enumerate((_plain_cells(line) for line in lines), 1))
    if not _is_even(records) and any('"' in line for line in lines):
        problems = Problems()
        quoted = list(_csv_records(lines, "\t", str(path), problems))
        # Where quoting does not make the lines even either, the plain lines show the faults.
        if not problems and _is_even(quoted):
            records = quoted
    return _rows(records, str(path))


def _plain_cells(line: str) -> list[str]:
    return [_unquoted(cell) for cell in line.split("\t")] if line else []


def _is_even(records: Sequence[Record]) -> bool:
    return len({len(cells) for _, cells in records if cells}) == 1


def _is_gap(cells: Sequence[str]) -> bool:
    # Empty cells are values, an empty line is none.
    return not cells or (len(cells) == 1 and not cells[0].strip())


def _is_columns(lines: Sequence[str]) -> bool:
    full = [line for line in lines if line.strip() and not line.startswith(("# ", "-DOCSTART-"))]
    tagged = [any(looks_like_tag(cell) for cell in line.split("\t")[1:]) for line in full]
    return bool(tagged) and tagged[0] and 2 * sum(tagged) > len(tagged)


def _unquoted(cell: str) -> str:
    # Doubled quotes inside quotes come from a CSV writer only; simple quotes may be the text's own.
    if _QUOTED.fullmatch(cell) and cell != '""':
        return cell[1:-1].replace('""', '"')
    return cell


@contextmanager
def _long_cells() -> Iterator[None]:
    """Lift the csv module's limit of 128 KiB a cell, which documents exceed."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv_records(lines: Sequence[str], delimiter: str, file: str, problems: Problems) -> Iterator[Record]:
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True)
    start = 1
    with _long_cells():
        try:
            for cells in reader:
                yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            problems.add(file, f"{file}:{start}: quotes must be closed and doubled inside quotes, {error}")


def _rows(records: Sequence[Record], file: str) -> list[Row]:
    records = records[next((at for at, record in enumerate(records) if not _is_gap(record[1])), 0) :]
    line, header = records[0][0], [name.strip() for name in records[0][1]]
    problems = Problems()
    if not any(header):
        problems.add(file, f"{file}:{line}: column names expected, got none")
    for name in sorted({name for name in header if name and header.count(name) > 1}):
        problems.add(file, f"{file}:{line}: column names must differ, got {name!r} twice")
    problems.raise_if_any()
    body: list[tuple[int, dict[str, str]]] = []
    for number, cells in records[1:]:
        if _is_gap(cells):
            body.append((number, {}))
        elif len(cells) != len(header):
            problems.add(file, f"{file}:{number}: {len(header)} columns expected, got {len(cells)}")
        else:
            # A column without a name is the row number that pandas writes.
            body.append((number, {name: cell for name, cell in zip(header, cells, strict=True) if name}))
    columns = long_columns(header)
    if columns:
        rows = long_rows(body, columns, file, problems)
    else:
        rows = [Row(_values(row, file, number, problems), file, number) for number, row in body if row]
    problems.raise_if_any()
    return rows


def _values(row: Mapping[str, str], file: str, number: int, problems: Problems) -> dict[str, Any]:
    values: dict[str, Any] = dict(row)
    for name in _LISTS:
        cell = row.get(name, "").strip()
        if cell.startswith("[") or (name == "answers" and cell.startswith("{")):
            try:
                values[name] = _list_in(cell)
            except (ValueError, SyntaxError, RecursionError):
                problems.add(
                    file,
                    f"{file}:{number}: a JSON list expected in column {name!r}, got {cell[:60]}",
                )
    for problem in unequal_lengths(values):
        problems.add(file, f"{file}:{number}: {problem}")
    return values


def _list_in(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        value = ast.literal_eval(cell)
        # numpy prints ['a' 'b'], which Python reads as one text.
        if repr(value) != cell:
            raise
        return value
