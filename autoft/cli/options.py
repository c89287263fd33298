"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from autoft.errors import ConfigError

StudyName = Annotated[str, typer.Argument(help="The study's name; `autoft ls studies` lists them.", metavar="STUDY")]
StudiesDir = Annotated[Path, typer.Option("--studies-dir", help="Folder of all studies.", metavar="DIR")]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        help="SQLAlchemy URL of the storage; SQLite in the studies folder unless given.",
        metavar="URL",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]

Timeout = Annotated[str | None, typer.Option("--timeout", help="Time limit, with finalists: 90s, 30m, 2h, 1h30m.")]
Finalists = Annotated[
    int, typer.Option("--finalists", help="Best configurations that are trained again beside the default.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="From which all seeds are derived; 0 unless given.")]
Metric = Annotated[str | None, typer.Option("--metric", help="What is optimised; the task's own unless given.")]
FreshSeeds = Annotated[int, typer.Option("--seeds", help="Fresh seeds of each finalist.")]

STUDIES_DIR = Path("studies")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


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
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)


def where(folder: str, url: str | None) -> list[str]:
    """Return the options that say where a study lives, as far as they are not the defaults."""
    from autoft.storage.urls import without_password

    words = [] if Path(folder) == STUDIES_DIR else ["--studies-dir", folder]
    return words + ([] if url is None else ["--storage", without_password(url)])
