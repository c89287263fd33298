"""What a new study tries first: from earlier studies, then from a portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from autoft.api.options import FirstOptions, SearchOptions
from autoft.api.stored import known_database, stored_config
from autoft.errors import Findings, StudyError
from autoft.space import SearchSpace
from autoft.storage.audits import read_audited
from autoft.storage.finalists import finalist_runs
from autoft.storage.studies import open_study
from autoft.strategy.portfolio import Portfolio, most_entries, read_portfolio, shipped_portfolio
from autoft.strategy.portfolio_building import Tried, build_portfolio
from autoft.strategy.schedule import SCHEDULES
from autoft.study.config import ComputeConfig, StorageConfig
from autoft.study.portfolio import PortfolioConfig, configurations_of

NONE = "none"


def first_of(options: SearchOptions, compute: ComputeConfig, space: SearchSpace) -> PortfolioConfig:
    """Return what a new study tries right after its default.

    Raises:
        ConfigError: With every study and file that cannot be used.
    """
    asked, findings = options.first, Findings()
    room = most_entries(options.budget.trials, SCHEDULES.get(compute.pruner)())
    tried = [findings.of(partial(_tried, name, options)) for name in asked.warm_start]
    portfolio = findings.of(lambda: _portfolio(asked.portfolio, options.task))
    findings.raise_any()
    known = [one for found in tried for one in found or ()]
    portfolios = [("an earlier study", _built(options.task, known, space, room))] if known else []
    portfolios += [("the portfolio", portfolio)] if portfolio is not None else []
    found = configurations_of(portfolios, space, room=room)
    used = portfolio is not None and any(origin == "the portfolio" for origin, _ in found)
    return PortfolioConfig(
        warm_start=asked.warm_start,
        file=_place(asked.portfolio),
        first=tuple(config for _, config in found),
        origins=tuple(origin for origin, _ in found),
        sources=portfolio.sources if portfolio is not None and used else (),
    )


def first_again(asked: FirstOptions, stored: PortfolioConfig) -> PortfolioConfig:
    """Return a stored study's own, with what is asked for now as far as it is asked."""
    return replace(
        stored,
        warm_start=asked.warm_start or stored.warm_start,
        file=_place(asked.portfolio) or stored.file,
    )


def _built(task: str, tried: Sequence[Tried], space: SearchSpace, room: int) -> Portfolio:
    # All of a configuration was good together: nothing of it is left to another study's default.
    names = {path for one in tried for path in one.config}
    return build_portfolio(task, tried, size=room, default=space.default, names=names)


def _place(file: str | None) -> str | None:
    return file if file in (None, NONE) else str(Path(str(file)).expanduser().resolve())


def _portfolio(file: str | None, task: str) -> Portfolio | None:
    if file == NONE:
        return None
    if file is None:
        return shipped_portfolio(task)
    found = read_portfolio(Path(file).expanduser())
    if found.task != task:
        raise StudyError(f"--portfolio: a portfolio for task {task!r} expected, got one for {found.task!r}")
    return found


def _tried(name: str, options: SearchOptions) -> list[Tried]:
    """Return what an earlier study tried to the end, with the scores of all seeds."""
    folder = Path(name).expanduser()
    elsewhere = len(folder.parts) > 1
    storage = StorageConfig(folder=str(folder.parent)) if elsewhere else options.storage
    database = known_database(storage)
    if database is None:
        raise StudyError(f"--warm-start: {storage.folder}: unknown study {folder.name!r}, there are no studies there")
    try:
        study = open_study(database, folder.name)
        task, records, runs = stored_config(study.config).task, read_audited(study), finalist_runs(study)
    except StudyError as error:
        raise StudyError(*(f"--warm-start: {problem}" for problem in error.problems)) from error
    finally:
        database.close()
    if task != options.task:
        raise StudyError(f"--warm-start: a study of task {options.task!r} expected, {name!r} is one of {task!r}")
    tried = [
        Tried(f"study {name}", one.config, (one.value, *(run.value for run in runs if run.number == one.number)))
        for one in records
        if one.state == "complete" and one.value is not None and one.feasible
    ]
    if not tried:
        raise StudyError(f"--warm-start: a study with a complete trial expected, {name!r} has none")
    return tried
