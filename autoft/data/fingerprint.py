"""The fingerprint of a data set: equal for equal rows in equal order, wherever the files lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from autoft.data.rows import Row


def fingerprint(splits: Mapping[str, Sequence[Row]]) -> str:
    """Return the sha256 over the values of all rows, split by split, as hexadecimal text.

    Files, lines and the order of fields do not count; the order of rows does.
    """
    digest = hashlib.sha256()
    for name in sorted(splits):
        digest.update(json.dumps([name, len(splits[name])]).encode("ascii") + b"\n")
        for row in splits[name]:
            text = json.dumps(row.values, sort_keys=True, separators=(",", ":"), default=_in_json)
            digest.update(text.encode("ascii") + b"\n")
    return digest.hexdigest()


def _in_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return [type(value).__name__, value.hex() if isinstance(value, bytes) else str(value)]
