"""Labelled texts: the fields of a row that say what a text, or a pair of texts, is.

A row holds `text`, optionally `text_pair`, and one of

- `label`: one class. Text, a whole number or true/false are classes; numbers with a decimal point are scores.
- `labels`: any number of classes, none too: a list, or a text with `|` between them (as a cell of a table).
- `score`: a number to predict.

Names that data sets on the hub use instead of `text` and `text_pair` stand in `TEXTS`. Other fields are not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autoft.data.problems import Problems
from autoft.data.rows import Row
from autoft.errors import DataError

FIELDS = ("label", "labels", "score")
TEXTS: tuple[tuple[str, str], ...] = (
    ("text", "text_pair"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("sentence", ""),
    ("content", ""),
)
BETWEEN = "|"

# So many classes that are all decimal numbers are a column of numbers that a table holds as text.
_NUMBERS = 20


@dataclass(frozen=True, slots=True)
class LabelledSplits:
    """Rows of one form.

    Attributes:
        splits: Their values are `text`, `text_pair` where the row has one, and `field`.
        field: `label` (a text), `labels` (a list of texts) or `score` (a number), the same in every row.
        remarks: What a user should know about how the rows were read.
    """

    splits: Mapping[str, tuple[Row, ...]]
    field: str
    remarks: tuple[str, ...]


def read_labelled(splits: Mapping[str, Sequence[Row]]) -> LabelledSplits:
    """Rewrite the rows of all splits to one form.

    A test split in which every label is missing, as benchmarks that keep them secret have it, is left out.

    Raises:
        DataError: With every row that has another form.
    """
    source = _source(splits["train"])
    secret = _secret(splits.get("test", ()), source, splits["train"])
    kept = {name: rows for name, rows in splits.items() if name != "test" or not secret}
    everything = [row for rows in kept.values() for row in rows]
    # What is asked is a matter of what is learned from: the test split stays sealed.
    seen = [row for name, rows in kept.items() if name != "test" for row in rows]
    field = "score" if source == "label" and _are_scores(seen) else source
    if field == "label":
        _refuse_numbers_as_text(everything)
    pair = any(_texts(row)[1] in row.values for row in splits["train"])
    problems = Problems()
    found: dict[str, list[Row]] = {name: [] for name in kept}
    for name, rows in kept.items():
        for row in rows:
            try:
                found[name].append(replace(row, values=_values(row, source, field, pair=pair)))
            except DataError as error:
                for problem in error.problems:
                    problems.add(row.file, f"{row.place}: {problem}")
    problems.raise_if_any()
    remarks = [*_remarks(everything, source, field)]
    if len(kept) < len(splits):
        remarks.append("test: every label is missing, the split is not used")
    return LabelledSplits({name: tuple(rows) for name, rows in found.items()}, field, tuple(remarks))


def read_texts(values: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the text of a record, and the second one of a pair.

    Raises:
        DataError: If the record has none, or one that is no text; the message has no place.
    """
    names = _names(values)
    first = _text(values, names[0])
    return first, _text(values, names[1]) if names[1] in values else None


def _source(rows: Sequence[Row]) -> str:
    return next((field for field in FIELDS if any(field in row.values for row in rows)), FIELDS[0])


def _secret(rows: Sequence[Row], source: str, train: Sequence[Row]) -> bool:
    """Tell whether no row says its label: it is missing, empty, or -1 where train knows no such label."""
    given = [row.values.get(source) for row in rows]
    nothing: list[Any] = [None, ""]
    if all(row.values.get(source) != -1 for row in train):
        nothing.append(-1)
    return bool(rows) and all(value in nothing for value in given)


def _are_scores(rows: Sequence[Row]) -> bool:
    given = [row.values.get("label") for row in rows]
    return any(isinstance(value, float) for value in given)


def _refuse_numbers_as_text(rows: Sequence[Row]) -> None:
    texts = {value for row in rows if isinstance(value := row.values.get("label"), str)}
    if len(texts) > _NUMBERS and all(map(_is_number, texts)) and any(not float(text).is_integer() for text in texts):
        raise DataError(
            f"{rows[0].file}: 'label': names of classes expected, got {len(texts)} numbers as text, "
            "name the column 'score' to predict numbers"
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _names(values: Mapping[str, Any]) -> tuple[str, str]:
    fits = ((one, two) for one, two in TEXTS if one in values and (one == "text" or not two or two in values))
    return next(fits, TEXTS[0])


def _texts(row: Row) -> tuple[str, str]:
    return _names(row.values)


def _values(row: Row, source: str, field: str, *, pair: bool) -> dict[str, Any]:
    problems: list[str] = []
    found: dict[str, Any] = {}
    try:
        text, second = read_texts(row.values)
        found["text"] = text
        if second is not None:
            found["text_pair"] = second
        if pair != (second is not None):
            problems.append(f"'text_pair' must stand in every row or in none, {'missing' if pair else 'given'} here")
    except DataError as error:
        problems += error.problems
    try:
        found[field] = _target(row.values, source, field)
    except DataError as error:
        problems += error.problems
    if problems:
        raise DataError(*problems)
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        raise DataError(f"'text' expected, got {sorted(values)}")
    value = values[name]
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{name!r}: some text expected, got {_shown(value)}")
    return value


def _target(values: Mapping[str, Any], source: str, field: str) -> Any:
    if source not in values:
        wanted = "'label', 'labels' or 'score'" if source == FIELDS[0] else f"{source!r}, as in other rows,"
        raise DataError(f"{wanted} expected, got {sorted(values)}")
    value = values[source]
    if field == "score":
        return _score(value, source)
    if field == "labels":
        return _classes(value)
    return _class(value, source)


def _score(value: Any, source: str) -> float:
    read = float(value) if isinstance(value, str) and _is_number(value) else value
    if isinstance(read, bool) or not isinstance(read, int | float) or not math.isfinite(read):
        hint = ", numbers with a decimal point are scores, whole numbers alone are classes" if source == "label" else ""
        raise DataError(f"{source!r}: a number expected, got {_shown(value)}{hint}")
    return float(read)


def _classes(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [part for part in value.split(BETWEEN) if part.strip()]
    if not isinstance(value, list):
        raise DataError(f"'labels': a list of labels expected, got {_shown(value)}, one label belongs in 'label'")
    if len(value) > len(set(map(str, value))) and all(one in (0, 1) for one in value):
        raise DataError(
            f"'labels': names of labels expected, got zeros and ones, {_shown(value)}, name those that are 1"
        )
    return sorted({_class(one, "labels") for one in value})


def _class(value: Any, source: str) -> str:
    if isinstance(value, list):
        raise DataError(f"{source!r}: one label expected, got a list, several labels belong in 'labels'")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{source!r}: the name of a class expected, got {_shown(value)}")
    return value.strip()


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)[:60]


def _remarks(rows: Sequence[Row], source: str, field: str) -> Iterator[str]:
    unused = [name for name in FIELDS if name != source and any(name in row.values for row in rows)]
    if unused:
        yield f"{', '.join(map(repr, unused))} is not read, because the rows have {source!r}"
    if source == "label" and field == "score":
        yield "numbers with a decimal point in 'label' are read as scores to predict, not as classes"
    whole = {value for row in rows if isinstance(value := row.values.get("label"), int) and not isinstance(value, bool)}
    if field == "label" and len(whole) > 2:
        yield "whole numbers in 'label' are read as classes; a field 'score' is predicted as a number"
