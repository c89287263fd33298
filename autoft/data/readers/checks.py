"""Laws of rows that hold in every format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def unequal_lengths(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the lengths of `tokens` and tags, where a row has both as lists."""
    tokens = values.get("tokens")
    if not isinstance(tokens, list):
        return
    for field in ("tags", "ner_tags"):
        tags = values.get(field)
        if isinstance(tags, list) and len(tags) != len(tokens):
            yield f"{len(tokens)} tokens but {len(tags)} {field}"


def half_surrogates(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a text in a record read from JSON is no Unicode, where that is so."""
    try:
        json.dumps(values, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        yield "text expected, got half of a surrogate pair"
