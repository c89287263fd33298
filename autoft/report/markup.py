"""The few HTML elements that the page is made of; all text is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is markup already."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell.

    Attributes:
        text: What it shows.
        kind: CSS classes: `number`, `path`, `value`, `label`, `old`, `wide`, `up`, `down`.
        key: What it is sorted by; None for its text.
    """

    text: str | Html
    kind: str = ""
    key: float | str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A table row; `kind` is empty or `mark`."""

    cells: tuple[Cell, ...]
    kind: str = ""


def written(text: str | Html) -> str:
    """Return text as markup: escaped unless it is markup already."""
    return text.text if isinstance(text, Html) else escape(text)


def join(parts: Iterable[str | Html]) -> Html:
    """Return parts one after another."""
    return Html("\n".join(map(written, parts)))


def element(tag: str, *content: str | Html, kind: str = "") -> Html:
    """Return an element with CSS classes around its content."""
    inner = "".join(map(written, content))
    return Html(f"<{tag}{_classes(kind)}>{inner}</{tag}>")


def table(head: Sequence[Cell], rows: Iterable[Row], *, kind: str = "") -> Html:
    """Return a table that scrolls sideways where it is too wide."""
    return _table([element("th", cell.text, kind=cell.kind) for cell in head], rows, kind)


def sortable_table(head: Sequence[Cell], rows: Iterable[Row]) -> Html:
    """Return a table whose rows are sorted by a click on a heading."""
    heads = []
    for cell in head:
        button = Html(f'<button type="button">{written(cell.text)}</button>')
        heads.append(element("th", button, kind=cell.kind))
    return _table(heads, rows, "sortable")


def _table(heads: Iterable[Html], rows: Iterable[Row], kind: str) -> Html:
    body = "\n".join(f"<tr{_classes(row.kind)}>{''.join(map(_cell, row.cells))}</tr>" for row in rows)
    frame = "scroll tall" if kind == "sortable" else "scroll"
    return Html(
        f'<div class="{frame}"><table{_classes(kind)}><thead><tr>{"".join(map(str, heads))}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    key = "" if cell.key is None else f' data-key="{escape(str(cell.key))}"'
    return f"<td{_classes(cell.kind)}{key}>{written(cell.text)}</td>"


def _classes(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""
