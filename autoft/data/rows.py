"""A row: what one record of a file says, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a data file.

    Attributes:
        values: Field name -> value. CoNLL columns give `tokens` and `tags` (lists of text).
        file: The file as messages name it.
        line: 1-based line where the record starts; for formats without lines, the record's number.
        lines: For records that span lines (CoNLL), the line of each token; else empty.
    """

    values: Mapping[str, Any]
    file: str
    line: int
    lines: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """`file:line`, as messages start."""
        return f"{self.file}:{self.line}"

    def place_of(self, token: int) -> str:
        """`file:line` of one token where the format knows it, else of the row."""
        return f"{self.file}:{self.lines[token]}" if self.lines else self.place


@dataclass(frozen=True, slots=True)
class DataSet:
    """The splits of one data set.

    Attributes:
        splits: `train`, `dev` and, where there is one, `test`.
        origin: What was read, in words for the user.
        made_dev: Whether dev was a part of train before.
    """

    splits: Mapping[str, tuple[Row, ...]]
    origin: str
    made_dev: bool = False
