from __future__ import annotations

import datetime

from autoft.data.fingerprint import fingerprint
from autoft.data.rows import Row


def row(file: str = "a.conll", line: int = 1, **values: object) -> Row:
    return Row(values, file, line)


def test_files_lines_and_the_order_of_fields_do_not_count() -> None:
    first = {"train": [row(a=1, b=["x"])], "dev": [row(a=2)]}
    second = {"dev": [row("z.jsonl", 9, a=2)], "train": [row("y", 3, b=("x",), a=1)]}
    assert fingerprint(first) == fingerprint(second)


def test_the_order_of_rows_counts() -> None:
    assert fingerprint({"train": [row(a=1), row(a=2)]}) != fingerprint({"train": [row(a=2), row(a=1)]})


def test_each_value_counts() -> None:
    assert fingerprint({"train": [row(a="1")]}) != fingerprint({"train": [row(a=1)]})


def test_the_border_between_splits_counts() -> None:
    first = {"train": [row(a=1), row(a=2)], "dev": [row(a=3)]}
    second = {"train": [row(a=1)], "dev": [row(a=2), row(a=3)]}
    assert fingerprint(first) != fingerprint(second)


def test_a_fingerprint_stays_for_ever() -> None:
    # sha256sum of `["train", 1]` and `{"tags":["O"],"tokens":["Zo\\u00eb"]}`, a line each.
    expected = "00b0d05abedaaee58f07ca0091639716485fd1b07a6f09aeb9512c1eeef66be5"
    assert fingerprint({"train": [row(tokens=["Zoë"], tags=["O"])]}) == expected


def test_values_beyond_json_have_one_too() -> None:
    values = {
        "day": datetime.date(2024, 1, 2),
        "raw": b"\xff",
        "half": "\ud800",
        "inner": {"a": None},
    }
    assert len(fingerprint({"train": [Row(values, "a.parquet", 1)]})) == 64
