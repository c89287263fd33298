"""How people write times, sizes and counts, and how these are read: every unit of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autoft.errors import ConfigError

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(rf"({_NUMBER})([smhd]?)")
_AMOUNT = re.compile(rf"({_NUMBER}) ?([A-Za-z]*)")
_MILLISECONDS = {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1e3}
_BYTES = {"": 1, "B": 1} | {f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)}
_BYTES |= {f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)}
_SPELLING = {unit.lower(): size for unit, size in _BYTES.items()}
_COUNTS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9}


def seconds_of(text: str | None) -> float | None:
    """Return the seconds of `90`, `90s`, `30m`, `2h`, `1h30m` or `1d`.

    Raises:
        ConfigError: If the text is none of these.
    """
    if text is None:
        return None
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigError(f"--timeout: a time such as 90s, 30m, 2h or 1h30m expected, got {text!r}")
    return sum(float(number) * _TIMES[unit or "s"] for number, unit in parts)


def milliseconds_of(text: str | None) -> float | None:
    """Return the milliseconds of `12`, `12ms`, `0.5s` or `800us`.

    Raises:
        ConfigError: If the text is none of these.
    """
    return _amount(text, _MILLISECONDS, "--max-latency: milliseconds such as 12, 12ms or 0.5s expected")


def mib_of(text: str | None) -> float | None:
    """Return the MiB of a size with its unit, `4GB`, `512MB` or `4GiB`, of --max-memory.

    Raises:
        ConfigError: If the text is none of these; a bare number too, which hardly anyone means as bytes.
    """
    if text is not None and text.strip().isdigit():
        raise ConfigError(f"--max-memory: a size with its unit expected, like 4GB or 512MiB, got {text!r}")
    size = bytes_of(text, "--max-memory")
    return None if size is None else size / 2**20


def bytes_of(text: str | None, option: str) -> int | None:
    """Return the bytes of `500MB` (powers of 1000), `2GiB` (powers of 1024) or `0`; a bare number counts bytes.

    Args:
        text: What was typed; None where nothing was.
        option: Named where the text is no size.

    Raises:
        ConfigError: If the text is no size.
    """
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None or found[2].lower() not in _SPELLING:
        raise ConfigError(f"{option}: a size like 2GB expected, got {text!r}")
    return int(float(found[1]) * _SPELLING[found[2].lower()])


def size_words(size: int) -> str:
    """Return a size so that `bytes_of` reads it as exactly the same bytes."""
    unit = next((unit for unit in ("TiB", "GiB", "MiB", "TB", "GB", "MB") if size and size % _BYTES[unit] == 0), "B")
    return f"{size // _BYTES[unit]}{unit}"


def count_of(text: str | None) -> int | None:
    """Return the number of `30M`, `1.5M`, `350k`, `1B` or `30000000`.

    Raises:
        ConfigError: If the text is none of these.
    """
    count = _amount(text, _COUNTS, "--max-parameters: a count such as 30M, 350k or 1B expected")
    return None if count is None else round(count)


def _amount(text: str | None, units: Mapping[str, float], law: str) -> float | None:
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None or found[2] not in units:
        raise ConfigError(f"{law}, got {text!r}")
    return float(found[1]) * units[found[2]]
