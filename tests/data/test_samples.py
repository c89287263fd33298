from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoft.data import Row, read_data, sample_names


def content(row: Row) -> str:
    """Return what a row says, without what it is labelled with."""
    values = row.values
    return json.dumps([values.get(name) for name in ("tokens", "text", "text_pair")]).casefold()


@pytest.mark.parametrize("name", [name for name in sample_names() if name.startswith("classification")])
def test_no_text_of_a_sample_stands_twice(name: str) -> None:
    splits = read_data(f"sample:{name}", dev_share=0.2, seed=0).splits
    assert set(splits) == {"train", "dev", "test"}
    texts = [content(row) for rows in splits.values() for row in rows]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", sample_names())
def test_a_sample_says_how_many_rows_it_has(name: str) -> None:
    splits = read_data(f"sample:{name}", dev_share=0.2, seed=0).splits
    readme = (folder_of(name) / "README.md").read_text(encoding="utf-8")
    for split, rows in splits.items():
        assert f"| {split} | {len(rows)} |" in readme


def folder_of(name: str) -> Path:
    import autoft.data.source

    return Path(autoft.data.source.__file__).parent / "samples" / name
