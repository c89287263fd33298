"""What a new study tries first: from earlier studies, then from a portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from autoft.api.options import FirstOptions, SearchOptions
from autoft.api.stored import known_database, stored_config
from autoft.errors import ConfigError, Findings, StudyError
from autoft.models.base import resolve_model
from autoft.models.rates import default_rate, model_width
from autoft.space import SearchSpace
from autoft.storage.audits import read_audited
from autoft.storage.finalists import fresh_runs
from autoft.storage.records import TrialRecord
from autoft.storage.studies import open_study
from autoft.strategy.portfolio import (
    MODEL,
    Entry,
    Portfolio,
    at_rate,
    fitted,
    most_entries,
    read_portfolio,
    shipped_portfolio,
    tuning,
)
from autoft.strategy.portfolio_building import Tried, build_portfolio
from autoft.strategy.schedule import SCHEDULES
from autoft.study.config import ComputeConfig, StorageConfig
from autoft.study.portfolio import EARLIER, NONE, PORTFOLIO, PortfolioConfig, configurations_of


def first_of(options: SearchOptions, trials: int, compute: ComputeConfig, space: SearchSpace) -> PortfolioConfig:
    """Return what a new study tries right after its default.

    Raises:
        ConfigError: With every study and file that cannot be used.
    """
    asked, findings = options.first, Findings()
    room = most_entries(trials, SCHEDULES.get(compute.pruner)())
    width = _width(str(space.default[MODEL]))
    tried = [findings.of(partial(_tried, name, options, width)) for name in asked.warm_start]
    portfolio = findings.of(lambda: _portfolio(asked.portfolio, options.task, width))
    findings.raise_any()
    known = [one for found in tried for one in found or ()]
    earlier = _built(options.task, known, space, room)
    portfolios = [(EARLIER, earlier), (PORTFOLIO, portfolio)]
    found = configurations_of([(origin, one) for origin, one in portfolios if one is not None], space, room=room)
    used = portfolio is not None and any(origin == PORTFOLIO for origin, _ in found)
    return PortfolioConfig(
        warm_start=asked.warm_start,
        file=_place(asked.portfolio),
        first=tuple(config for _, config in found),
        origins=tuple(origin for origin, _ in found),
        sources=portfolio.sources if portfolio is not None and used else (),
    )


def first_again(asked: FirstOptions, stored: PortfolioConfig) -> PortfolioConfig:
    """Return a stored study's own, with what is asked for now as far as it is asked."""
    file = _place(asked.portfolio) or stored.file
    # A study that was created without one, as those of earlier versions were, has none whatever it was told.
    same = file == NONE and stored.file is None and PORTFOLIO not in stored.origins
    return replace(stored, warm_start=asked.warm_start or stored.warm_start, file=None if same else file)


def _built(task: str, tried: Sequence[Tried], space: SearchSpace, room: int) -> Portfolio | None:
    """Return a portfolio of what has a place in the space; None where nothing has."""
    default = tuning(space.default)
    tried = [one for one in tried if one.config == default or fitted(Entry(one.config, (), 0.0), space) is not None]
    if not tried:
        return None
    # All of a configuration was good together: nothing of it is left to another study's default.
    names = {path for one in tried for path in one.config}
    return build_portfolio(task, tried, size=room, default=default, names=names)


def _place(file: str | None) -> str | None:
    return file if file in (None, NONE) else str(Path(str(file)).expanduser().resolve())


def _portfolio(file: str | None, task: str, width: int | None) -> Portfolio | None:
    if file == NONE:
        return None
    found = shipped_portfolio(task) if file is None else _read(file)
    if found is None:
        return None
    if found.task != task:
        raise StudyError(f"--portfolio: a portfolio for task {task!r} expected, got one for {found.task!r}")
    return found.at_rates(_factor(found.width, width))


def _read(file: str) -> Portfolio:
    try:
        return read_portfolio(Path(file).expanduser())
    except ConfigError as error:
        raise ConfigError(*(f"--portfolio: {problem}" for problem in error.problems)) from error


def _width(ref: str) -> int | None:
    """Return the width of a base model's hidden states, None where it is not at hand."""
    try:
        return model_width(resolve_model(ref))
    except ConfigError:
        return None


def _factor(before: int | None, now: int | None) -> float:
    """Return what the learning rate of full tuning is worth at another width: as much as that of the default."""
    return 1.0 if before is None or now is None else default_rate(now) / default_rate(before)


def _tried(name: str, options: SearchOptions, width: int | None) -> list[Tried]:
    """Return what an earlier study tried to the end, at rates for this base model, with the scores of all seeds."""
    folder = Path(name).expanduser()
    elsewhere = len(folder.parts) > 1
    storage = StorageConfig(folder=str(folder.parent)) if elsewhere else options.storage
    database = known_database(storage)
    if database is None:
        raise StudyError(f"--warm-start: {storage.folder}: unknown study {folder.name!r}, there are no studies there")
    try:
        study = open_study(database, folder.name)
        config, records, runs = stored_config(study.config), read_audited(study), fresh_runs(study, "finalist")
    except StudyError as error:
        raise StudyError(*(f"--warm-start: {problem}" for problem in error.problems)) from error
    finally:
        database.close()
    if config.task != options.task:
        raise StudyError(f"--warm-start: a study of task {options.task!r} expected, {name!r} is one of {config.task!r}")
    factors = {ref: _factor(_width(ref), width) for ref in dict.fromkeys(_model(one) for one in records if one.config)}
    tried = [
        Tried(
            f"study {name}",
            tuning(at_rate(one.config, factors[_model(one)])),
            (one.value, *(run.value for run in runs if run.number == one.number)),
        )
        for one in records
        if one.state == "complete" and one.value is not None and one.feasible
    ]
    if not tried:
        raise StudyError(f"--warm-start: a study with a complete trial expected, {name!r} has none")
    return tried


def _model(record: TrialRecord) -> str:
    return str(record.config[MODEL])
