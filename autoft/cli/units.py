"""How people write times, sizes and counts, and how these are read: every unit of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autoft.errors import ConfigError

_NUMBER = r"\d+(?:\.\d+)?"
_TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(rf"({_NUMBER})([smhd]?)")
_AMOUNT = re.compile(rf"({_NUMBER}) ?([A-Za-z]*)")
_MILLISECONDS = {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1e3}
_BYTES = {
    **{"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    **{"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
}
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
    """Return the MiB of `4GB`, `512MB` (powers of 1000), `4GiB` or `512MiB` (powers of 1024).

    Raises:
        ConfigError: If the text is none of these.
    """
    size = _amount(text, _BYTES, "--max-memory: a size such as 4GB, 512MB or 4GiB expected")
    return None if size is None else size / 2**20


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
