"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Data = Annotated[
    str | None,
    typer.Option("--data", help="Folder of splits, file, or hub id; the built-in sample unless given."),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Base model: folder, hub id or package:NAME/FOLDER; repeatable."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]

TrainLimit = Annotated[int | None, typer.Option("--train-limit", help="Most train rows; keeps every label.")]
DevLimit = Annotated[int | None, typer.Option("--dev-limit", help="Most dev rows; keeps every label.")]
Folds = Annotated[
    int | None,
    typer.Option(
        "--folds",
        help="For small data: train and dev are dealt into K folds, a trial trains K models, each scored on its fold.",
        metavar="K",
    ),
]
Trials = Annotated[
    int | None, typer.Option("--trials", help="Configurations in total; 50, or as many as before, unless given.")
]
Timeout = Annotated[str | None, typer.Option("--timeout", help="Time limit, with finalists: 90s, 30m, 2h, 1h30m.")]
Finalists = Annotated[
    int, typer.Option("--finalists", help="Best configurations that are trained again beside the default.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="From which all seeds are derived; 0 unless given.")]
FreshSeeds = Annotated[int, typer.Option("--seeds", help="Fresh seeds of each finalist.")]
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
CacheBudget = Annotated[
    str | None,
    typer.Option(
        "--cache-budget",
        help="Most that outputs of frozen layers take on disk: 1GiB; 10GiB, or half of what is free, unless given.",
        metavar="SIZE",
    ),
]
Stop = Annotated[
    str | None,
    typer.Option(
        "--stop",
        help="auto: begin nothing new once the latest 20 configurations gain less than the dev score's error.",
        metavar="auto",
    ),
]

Audit = Annotated[
    float | None,
    typer.Option(
        "--audit",
        help="Share of the search, at most 0.5, that finishes some pruned trials: how often pruning lost a better one.",
        metavar="SHARE",
    ),
]

WarmStart = Annotated[
    list[str] | None,
    typer.Option(
        "--warm-start",
        help="Earlier study of the task, a name or a folder: its best configurations are tried first; repeatable.",
        metavar="STUDY",
    ),
]
PortfolioFile = Annotated[
    str | None,
    typer.Option(
        "--portfolio",
        help="What is tried first: a portfolio's file, or none; autoft's own for the task unless given.",
        metavar="FILE",
    ),
]

STUDIES_DIR = Path("studies")


def where(folder: str, url: str | None) -> list[str]:
    """Return the options that say where a study lives, as far as they are not the defaults."""
    from autoft.storage.urls import without_password

    words = [] if Path(folder) == STUDIES_DIR else ["--studies-dir", folder]
    return words + ([] if url is None else ["--storage", without_password(url)])
