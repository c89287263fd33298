"""CoNLL columns: one token a line, a blank line between sentences.

The token is the first column and the tag the last. In files that count tokens in the first column
(CoNLL-U and its kin), the token is the second and the tag the last column that looks like tags
(`O`, `B-PER`); ranges (`1-2`) and empty nodes (`1.1`) are no tokens there. Columns are parted by
tabs if most lines hold one, else by blanks. A line that starts with `# ` is a comment unless it
reads as the token `#` with a tag of this file; `-DOCSTART-` ends a sentence.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoft.data.problems import Problems
from autoft.data.readers.lines import read_lines
from autoft.data.rows import Row

_logger = logging.getLogger(__name__)
_TAG = re.compile(r"O|[BIESLUMW]-\S.*")
_INDEX = re.compile(r"\d+(?:[-.]\d+)?")
_BLANKS = re.compile(r"[ \t]+")
_HASH = ("# ", "#\t")
_DOCUMENT = "-DOCSTART-"
# A tag column may hold a few mistakes, which are reported later with their lines.
_MOSTLY = 0.9


def looks_like_tag(cell: str) -> bool:
    """Say whether a cell reads as a tag of a scheme: `O`, `B-PER`, `S-LOC`."""
    return _TAG.fullmatch(cell) is not None


def read_conll(path: Path) -> list[Row]:
    """Read a file of columns into rows with `tokens` and `tags`.

    Raises:
        DataError: With every line that does not fit.
    """
    return parse_conll(read_lines(path), str(path))


def parse_conll(lines: Sequence[str], file: str) -> list[Row]:
    """Read lines of columns into rows with `tokens` and `tags`.

    Args:
        lines: The lines of the file.
        file: The file as messages name it.

    Raises:
        DataError: With every line that does not fit.
    """
    layout = _layout_of(lines)
    problems = Problems()
    if layout.width < 2:
        problems.add(
            file,
            f"{file}: 2 columns or more expected, got 1 (token and tag, parted by tab or blank)",
        )
        problems.raise_if_any()
    sentences = _Sentences(file)
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith(_DOCUMENT):
            sentences.end()
            continue
        cells = layout.split(line)
        if layout.is_comment(line, cells) or layout.is_no_token(cells):
            continue
        problem = layout.problem(cells)
        if problem:
            problems.add(file, f"{file}:{number}: {problem}")
        else:
            sentences.add(cells[layout.token], cells[layout.tag], number)
    problems.raise_if_any()
    sentences.end()
    return sentences.rows


class _Sentences:
    """Rows under construction."""

    def __init__(self, file: str) -> None:
        self.rows: list[Row] = []
        self._file = file
        self._tokens: list[tuple[str, str, int]] = []

    def add(self, token: str, tag: str, line: int) -> None:
        self._tokens.append((token, tag, line))

    def end(self) -> None:
        if not self._tokens:
            return
        tokens, tags, numbers = zip(*self._tokens, strict=True)
        values = {"tokens": list(tokens), "tags": list(tags)}
        self.rows.append(Row(values, self._file, numbers[0], numbers))
        self._tokens = []


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the columns of one file mean.

    Attributes:
        tabs: Whether tabs part the columns.
        width: Number of columns.
        token: Column of the token.
        tag: Column of the tag.
        tags: Every value of that column.
    """

    tabs: bool
    width: int
    token: int
    tag: int
    tags: frozenset[str]

    def split(self, line: str) -> list[str]:
        return _cells(line, tabs=self.tabs)

    def is_comment(self, line: str, cells: list[str]) -> bool:
        if not line.startswith(_HASH):
            return False
        if len(cells) != self.width or self.token > 0:
            return True
        tag = cells[self.tag]
        return tag not in self.tags and not looks_like_tag(tag)

    def is_no_token(self, cells: list[str]) -> bool:
        """Say whether this is a range or an empty node of CoNLL-U."""
        index = cells[0]
        return self.token > 0 and len(cells) == self.width and not index.isdigit() and bool(_INDEX.fullmatch(index))

    def problem(self, cells: list[str]) -> str:
        if len(cells) != self.width:
            hint = ", the other lines part columns by tabs" if self.tabs and len(cells) == 1 else ""
            return f"{self.width} columns expected, got {len(cells)}{hint}"
        if not cells[self.token]:
            return f"a token expected in column {self.token + 1}, got none"
        if not cells[self.tag]:
            return f"a tag expected in column {self.tag + 1}, got none"
        return ""


def _cells(line: str, *, tabs: bool) -> list[str]:
    if tabs:
        return [cell.strip(" ") for cell in line.split("\t")]
    return _BLANKS.split(line.strip(" \t"))


def _layout_of(lines: Iterable[str]) -> _Layout:
    full = [line for line in lines if line.strip() and not line.startswith(_DOCUMENT)]
    body = [line for line in full if not line.startswith(_HASH)] or full
    tabs = 2 * sum("\t" in line for line in body) > len(body)
    table = [_cells(line, tabs=tabs) for line in body]
    counts = Counter(len(cells) for cells in table)
    # Of equally frequent widths the larger one: a cell is lost more easily than won.
    width = max(counts, key=lambda width: (counts[width], width), default=2)
    table = [cells for cells in table if len(cells) == width]
    token, tag = 0, width - 1
    if width >= 3 and all(_INDEX.fullmatch(cells[0]) for cells in table):
        token, tag = 1, _tag_column(table, width)
    return _Layout(tabs, width, token, tag, frozenset(cells[tag] for cells in table))


def _tag_column(table: list[list[str]], width: int) -> int:
    found = [
        column
        for column in range(2, width)
        if sum(looks_like_tag(cells[column]) for cells in table) >= _MOSTLY * len(table)
    ]
    if len(found) > 1:
        names = ", ".join(str(column + 1) for column in found)
        _logger.warning("columns %s look like tags, column %d is read", names, found[-1] + 1)
    return found[-1] if found else width - 1
