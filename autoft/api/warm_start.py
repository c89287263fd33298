"""What a new study tries first: from earlier studies, then from a portfolio."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from autoft.api.options import FirstOptions, SearchOptions
from autoft.api.stored import known_database, stored_config
from autoft.errors import ConfigError, Findings, StudyError
from autoft.models.base import resolve_model
from autoft.models.rates import default_rate, model_width
from autoft.space import Domain, Float, Integer, Scalar, SearchSpace, values_of
from autoft.space.completion import illegal_values
from autoft.space.domains import closest
from autoft.storage.audits import read_audited
from autoft.storage.finalists import FinalistRun, fresh_runs
from autoft.storage.records import TrialRecord
from autoft.storage.studies import open_study
from autoft.strategy.portfolio import (
    MODEL,
    MOST,
    Portfolio,
    fitted,
    most_entries,
    read_portfolio,
    shipped_portfolio,
    tuning,
)
from autoft.strategy.portfolio_building import Tried, build_portfolio
from autoft.strategy.schedule import SCHEDULES
from autoft.study.config import ComputeConfig, StorageConfig, StudyConfig
from autoft.study.portfolio import EARLIER, NONE, PORTFOLIO, Candidates, PortfolioConfig, first_configurations

_EPOCHS = "train.epochs"
_TOO_SHORT = "nothing, the search is too short to spend a part of it on what was good elsewhere"


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What an earlier study tried, as the new one would try it.

    Attributes:
        tried: What it trained to its end and has a place in the new space.
        sources: The data sets on which what it was given was chosen.
        left_out: What has no place, in words.
    """

    tried: tuple[Tried, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...]


def first_of(options: SearchOptions, trials: int, compute: ComputeConfig, space: SearchSpace) -> PortfolioConfig:
    """Return what a new study tries right after its default.

    Raises:
        ConfigError: With every study and file that cannot be used.
    """
    asked, findings = options.first, Findings()
    names = _spelled(asked.warm_start, options.storage)
    found = [findings.of(partial(_earlier, name, options, space)) for name in names]
    portfolio = findings.of(lambda: _portfolio(asked.portfolio, options.task, space))
    findings.raise_any()
    earlier = [one for one in found if one is not None]
    candidates = [*_built(options.task, earlier, space), *([] if portfolio is None else [portfolio])]
    fitting, left_out = first_configurations(candidates, space)
    first = fitting[: _room(trials, compute, [config for _, config in fitting], space)]
    origins = tuple(origin for origin, _ in first)
    sources = [source for one in earlier for source in one.sources] if EARLIER in origins else []
    sources += portfolio.portfolio.sources if portfolio is not None and PORTFOLIO in origins else ()
    if fitting and not first:
        left_out = [_TOO_SHORT] if names or asked.portfolio is not None else []
    else:
        left_out = [*(words for one in earlier for words in one.left_out), *left_out, *_useless(names, asked, fitting)]
    return PortfolioConfig(
        warm_start=names,
        file=_place(asked.portfolio),
        first=tuple(config for _, config in first),
        origins=origins,
        sources=tuple(dict.fromkeys(sources)),
        left_out=tuple(left_out),
    )


def first_again(options: SearchOptions, stored: PortfolioConfig) -> PortfolioConfig:
    """Return a stored study's own, with what is asked for now as far as it is asked."""
    asked = options.first
    file = _place(asked.portfolio) or stored.file
    # A study that was created without one, as those of earlier versions were, has none whatever it was told.
    same = file == NONE and stored.file is None and PORTFOLIO not in stored.origins
    names = _spelled(asked.warm_start, options.storage)
    # It may be stored in another spelling.
    kept = not names or names == _spelled(stored.warm_start, options.storage)
    return replace(stored, warm_start=stored.warm_start if kept else names, file=None if same else file)


def _useless(
    names: Sequence[str], asked: FirstOptions, fitting: Sequence[tuple[str, Mapping[str, Scalar]]]
) -> list[str]:
    """Return what was asked for and gives nothing, in words."""
    origins = {origin for origin, _ in fitting}
    found = []
    if names and EARLIER not in origins:
        found.append(f"nothing of {', '.join(names)}, none in the search space was better than the default")
    if asked.portfolio not in (None, NONE) and PORTFOLIO not in origins:
        found.append(f"nothing of {asked.portfolio}, none in the search space differs from what is tried anyway")
    return found


def _room(trials: int, compute: ComputeConfig, configs: Sequence[Mapping[str, Scalar]], space: SearchSpace) -> int:
    """Return how many of the configurations may be tried, by how long they and what is drawn are trained."""
    drawn = _mean(space.domains[_EPOCHS])
    longest = max((Fraction(config[_EPOCHS]) for config in configs), default=drawn)
    schedule = SCHEDULES.get(compute.pruner)()
    return most_entries(trials, schedule, entry=longest / drawn, default=Fraction(space.default[_EPOCHS]) / drawn)


def _mean(domain: Domain) -> Fraction:
    """Return the mean of numbers drawn from a domain."""
    numbers = [Fraction(value) for value in values_of(domain) if not isinstance(value, str)]
    if isinstance(domain, Integer | Float) and domain.log and domain.low < domain.high:
        return Fraction((domain.high - domain.low) / math.log(domain.high / domain.low))
    return sum(numbers, Fraction(0)) / len(numbers)


def _spelled(names: Sequence[str], storage: StorageConfig) -> tuple[str, ...]:
    """Return studies by one spelling: a name in this storage, else the absolute folder."""
    here = Path(storage.folder).expanduser().resolve()

    def spelled(name: str) -> str:
        if not _is_folder(name):
            return name
        folder = Path(name).expanduser().resolve()
        # A storage that is told by its URL need not be the folder's own.
        return folder.name if folder.parent == here and storage.url is None else str(folder)

    return tuple(dict.fromkeys(map(spelled, names)))


def _is_folder(name: str) -> bool:
    return any(separator in name for separator in (os.sep, os.altsep) if separator)


def _built(task: str, earlier: Sequence[_Earlier], space: SearchSpace) -> list[Candidates]:
    tried = [one for found in earlier for one in found.tried]
    if not tried:
        return []
    # All of a configuration was good together: nothing of it is left to another study's default.
    names = {path for one in tried for path in one.config}
    return [Candidates(EARLIER, build_portfolio(task, tried, size=MOST, default=space.default, names=names))]


def _place(file: str | None) -> str | None:
    return file if file in (None, NONE) else str(Path(str(file)).expanduser().resolve())


def _portfolio(file: str | None, task: str, space: SearchSpace) -> Candidates | None:
    if file == NONE:
        return None
    found = shipped_portfolio(task) if file is None else _read(file, space)
    if found is None:
        return None
    if found.task != task:
        raise StudyError(f"--portfolio: a portfolio for task {task!r} expected, got one for {found.task!r}")
    # A file that says no width is taken at its word.
    return Candidates(PORTFOLIO, found, _factor(found.width, _width(_own_model(space))) or 1.0)


def _read(file: str, space: SearchSpace) -> Portfolio:
    try:
        found = read_portfolio(Path(file).expanduser())
    except ConfigError as error:
        raise ConfigError(*(f"--portfolio: {problem}" for problem in error.problems)) from error
    problems = [
        f"--portfolio: {file}: entries[{place}].config.{problem}"
        for place, entry in enumerate(found.entries)
        for problem in illegal_values(space.schema, entry.config)
    ]
    if problems:
        raise ConfigError(*problems)
    return found


def _width(ref: str) -> int | None:
    """Return the width of a base model's hidden states, None where it is not at hand."""
    try:
        return model_width(resolve_model(ref))
    except ConfigError:
        return None


def _factor(before: int | None, now: int | None) -> float | None:
    """Return what the learning rate of full tuning is worth at another width: as much as that of the default."""
    return None if before is None or now is None else default_rate(now) / default_rate(before)


def _earlier(name: str, options: SearchOptions, space: SearchSpace) -> _Earlier:
    """Return what an earlier study tried to the end, with the scores of all seeds.

    A base model that the new space holds stays. Another one gives way to the default's, at rates for that one, and
    counts as data of its own: what a configuration is worth is told by those of the same base model.
    """
    study, records, runs = _read_study(name, options)
    done = [(one, one.value) for one in records if one.state == "complete" and one.value is not None and one.feasible]
    if not done:
        raise StudyError(f"--warm-start: a study with a complete trial expected, {name!r} has none")
    kept = [str(ref) for ref in values_of(space.domains[MODEL])]
    own, foreign = _own_model(space), {_model(one) for one, _ in done} - {*kept}
    widths = {ref: _width(ref) for ref in (own, *foreign)} if foreign else {}
    factors = {**dict.fromkeys(kept, 1.0), **{ref: _factor(widths[ref], widths[own]) for ref in foreign}}
    tried, homeless, unknown = [], 0, set()
    for one, value in done:
        ref = _model(one)
        factor = factors[ref]
        if factor is None and one.config["method"] == "full":
            unknown.add(ref if widths[ref] is None else own)
            continue
        placed = fitted(tuning(one.config) if ref in foreign else one.config, space, factor=factor or 1.0)
        if placed is None:
            homeless += 1
            continue
        source = f"study {name}" + (f", {ref}" if ref in foreign else "")
        scores = (value, *(run.value for run in runs if run.number == one.number))
        tried.append(Tried(source, placed, scores))
    left_out = [f"{homeless} of {len(done)} of study {name!r} left out, outside the search space"] if homeless else []
    left_out += [f"full tuning of study {name!r} left out, the width of {ref} is not known" for ref in sorted(unknown)]
    return _Earlier(tuple(tried), study.portfolio.sources, tuple(left_out))


def _read_study(name: str, options: SearchOptions) -> tuple[StudyConfig, Sequence[TrialRecord], Sequence[FinalistRun]]:
    folder = Path(name)
    storage = StorageConfig(folder=str(folder.parent)) if _is_folder(name) else options.storage
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
    return config, records, runs


def _model(record: TrialRecord) -> str:
    return str(record.config[MODEL])


def _own_model(space: SearchSpace) -> str:
    """Return the base model of what names none."""
    return str(closest(space.domains[MODEL], space.default[MODEL]))
