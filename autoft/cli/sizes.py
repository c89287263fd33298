"""Sizes as people write them, and as commands are written again."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from autoft.errors import ConfigError

MemoryBudget = Annotated[
    str | None,
    typer.Option(
        "--memory-budget",
        help="Most that paused trials take in the memory of a single worker: 2GiB; a quarter of the free unless given.",
        metavar="SIZE",
    ),
]
DiskBudget = Annotated[
    str | None,
    typer.Option(
        "--disk-budget",
        help="Most that paused trials take on disk: 500MB; 10GiB, or half of what is free, unless given.",
        metavar="SIZE",
    ),
]

_UNITS = {"": 1, "B": 1} | {f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)}
_UNITS |= {f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s?([A-Za-z]*)")
_SPELLING = {unit.lower(): size for unit, size in _UNITS.items()}


def bytes_of(text: str | None, option: str) -> int | None:
    """Return the bytes of `500MB`, `2GiB`, `1.5 GB` or `0`; a bare number counts bytes.

    Args:
        text: What was typed; None where nothing was.
        option: Named where the text is no size.

    Raises:
        ConfigError: If the text is no size.
    """
    if text is None:
        return None
    found = _SIZE.fullmatch(text)
    if found is None or found[2].lower() not in _SPELLING:
        raise ConfigError(f"{option}: a size like 2GB expected, got {text!r}")
    return int(float(found[1]) * _SPELLING[found[2].lower()])


def size_words(size: int) -> str:
    """Return a size so that `bytes_of` reads it as exactly the same bytes."""
    unit = next((unit for unit in ("TiB", "GiB", "MiB", "TB", "GB", "MB") if size and size % _UNITS[unit] == 0), "B")
    return f"{size // _UNITS[unit]}{unit}"
