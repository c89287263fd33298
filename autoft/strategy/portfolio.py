"""Portfolios: configurations that were good on other data, tried right after the default."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from autoft.errors import ConfigError, SpaceError
from autoft.files import write_text
from autoft.registry import nearest
from autoft.space.domains import Scalar, closest, show
from autoft.space.search_space import SearchSpace
from autoft.strategy.schedule import Schedule

MODEL = "model"
"""Path of the base model."""
MOST = 5
"""How many entries a search tries at most."""
_SHARE = Fraction(1, 4)
_VERSION = 1
_SHIPPED = Path(__file__).parent / "portfolios"
_RATE = "method.full.learning_rate"
_KEYS = ("version", "task", "width", "sources", "entries")
_ENTRY_KEYS = ("config", "seen", "regret")


@dataclass(frozen=True, slots=True)
class Entry:
    """A configuration that was good.

    Attributes:
        config: Path -> value of what it names; the rest is at the default of whoever tries it. An entry that is kept
            in a file names no base model: a portfolio says how to tune and not what.
        seen: The data sets on which it was nearer to the best configuration than to the median one.
        regret: Expected regret of the best of the portfolio's entries up to this one, the default among them: 0 is the
            best value known of a data set, 1 its median configuration's.

    Raises:
        ConfigError: If a law is broken; all of them are named.
    """

    config: Mapping[str, Scalar]
    seen: tuple[str, ...]
    regret: float

    def __post_init__(self) -> None:
        problems = []
        if not self.config:
            problems.append("config: at least one parameter expected, got none")
        if not 0.0 <= self.regret <= 1.0:
            problems.append(f"regret: a number from 0 to 1 expected, got {self.regret}")
        if problems:
            raise ConfigError(*problems)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Configurations to try first, the most promising one at the head.

    Attributes:
        task: The task whose search they are for.
        entries: In the order in which they are tried.
        sources: Every data set that it was built from.
        width: Of the hidden states of the base model that it was built with; None where that is not known.
    """

    task: str
    entries: tuple[Entry, ...]
    sources: tuple[str, ...]
    width: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the portfolio as plain values."""
        entries = [
            {"config": dict(entry.config), "seen": list(entry.seen), "regret": entry.regret} for entry in self.entries
        ]
        head = {"version": _VERSION, "task": self.task, "width": self.width}
        return {**head, "sources": list(self.sources), "entries": entries}


def tuning(config: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return a configuration without its base model."""
    return {path: value for path, value in config.items() if path != MODEL}


def most_entries(
    trials: int, schedule: Schedule, *, entry: Fraction = Fraction(1), default: Fraction = Fraction(1)
) -> int:
    """Return how many entries a search may try, at most five.

    If none is better than the default they take at most a quarter of what the search costs, themselves among it: so
    with a portfolio that is of no use a search has found after four thirds of its epochs what it would have found
    without.

    Args:
        trials: Configurations in total, the default among them.
        schedule: How long configurations are trained.
        entry: How many times as long as the mean of what is drawn the longest entry is trained, to its end.
        default: The same of the default.
    """

    def fits(count: int) -> bool:
        taken = entry * schedule.cost_of_given(count)
        return taken <= _SHARE * (taken + default + (trials - 1 - count) * schedule.cost())

    return max(count for count in range(min(trials, 1 + MOST)) if fits(count))


def fitted(config: Mapping[str, Scalar], space: SearchSpace, *, factor: float = 1.0) -> dict[str, Scalar] | None:
    """Return what an entry names as a complete configuration of a space, None where it has no place there.

    What it does not name is as in the default, or as close to that as the space allows. What is equal to the default
    has a place.

    Args:
        config: Path -> value.
        space: What may vary.
        factor: Learning rates of full tuning are taken so many times as high, as far as the space allows.
    """
    rate, given = config.get(_RATE), dict(config)
    if isinstance(rate, float) and factor != 1.0:
        # Six digits: the default's own rate becomes the default's at another width, and not its neighbour.
        given[_RATE] = float(f"{rate * factor:.6g}")
    named = {path for path in config if path != _RATE or given[path] == rate}
    try:
        found = space.complete(given)
        while found != space.default and (outside := _outside(found, space)) is not None:
            if outside in named:
                return None
            named.add(outside)
            given[outside] = closest(space.domains[outside], found[outside])
            found = space.complete(given)
    except SpaceError:
        return None
    return found


def _outside(config: Mapping[str, Scalar], space: SearchSpace) -> str | None:
    """Return the first parameter whose value lies outside the space; what it branches on comes before it."""
    paths = (path for path in space.domains if path in config)
    return next((path for path in paths if not space.domains[path].contains(config[path])), None)


def shipped_portfolio(task: str) -> Portfolio | None:
    """Return the portfolio that autoft carries for a task, None where it has none."""
    path = _SHIPPED / f"{task}.json"
    return read_portfolio(path) if path.is_file() else None


def write_portfolio(path: Path, portfolio: Portfolio) -> None:
    """Write a portfolio as JSON, an entry a line."""
    content = portfolio.to_json()
    entries = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in content.pop("entries"))
    head = json.dumps(content, ensure_ascii=False, indent=1)[:-2]
    write_text(path, f'{head},\n "entries": [\n  {entries}\n ]\n}}\n')


def read_portfolio(path: Path) -> Portfolio:
    """Read a portfolio.

    Raises:
        ConfigError: With every problem of the file.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: must be a readable file, {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: JSON in UTF-8 expected, {error}") from error
    return portfolio_from_json(value, source=str(path))


def portfolio_from_json(value: Any, *, source: str) -> Portfolio:
    """Build the portfolio that `Portfolio.to_json` returned.

    Args:
        value: Plain values.
        source: What they are called in messages.

    Raises:
        ConfigError: With every problem.
    """
    problems = _wrong_keys(value, _KEYS, "")
    if problems:
        raise ConfigError(*(f"{source}: {problem}" for problem in problems))
    if value["version"] != _VERSION:
        problems.append(f"version: {_VERSION} expected, got {show(value['version'])}")
    if not isinstance(value["task"], str):
        problems.append(f"task: text expected, got {show(value['task'])}")
    width = value["width"]
    if width is not None and (isinstance(width, bool) or not isinstance(width, int) or width < 1):
        problems.append(f"width: a count of at least 1, or null, expected, got {show(width)}")
    problems += _wrong_texts(value["sources"], "sources")
    entries = []
    if isinstance(value["entries"], list):
        for place, one in enumerate(value["entries"]):
            found = _wrong_entry(one, f"entries[{place}]")
            try:
                entries += [] if found else [Entry(one["config"], tuple(one["seen"]), float(one["regret"]))]
            except ConfigError as error:
                found = [f"entries[{place}].{problem}" for problem in error.problems]
            problems += found
    else:
        problems.append(f"entries: a list expected, got {show(value['entries'])}")
    if problems:
        raise ConfigError(*(f"{source}: {problem}" for problem in problems))
    return Portfolio(value["task"], tuple(entries), tuple(value["sources"]), width)


def _wrong_entry(value: Any, place: str) -> list[str]:
    problems = _wrong_keys(value, _ENTRY_KEYS, f"{place}.")
    if problems:
        return problems
    problems = _wrong_texts(value["seen"], f"{place}.seen")
    if isinstance(value["regret"], bool) or not isinstance(value["regret"], int | float):
        problems.append(f"{place}.regret: a number expected, got {show(value['regret'])}")
    config = value["config"]
    if not isinstance(config, dict):
        return [*problems, f"{place}.config: parameters by their path expected, got {show(config)}"]
    if MODEL in config:
        problems.append(f"{place}.config.{MODEL}: no base model expected, got {show(config[MODEL])}, take it out")
    return problems + [
        f"{place}.config.{path}: text, a finite number, true or false expected, got {show(one)}"
        for path, one in config.items()
        if not isinstance(one, str | int | float) or (isinstance(one, float) and not math.isfinite(one))
    ]


def _wrong_texts(value: Any, place: str) -> list[str]:
    right = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return [] if right else [f"{place}: a list of texts expected, got {show(value)}"]


def _wrong_keys(value: Any, keys: tuple[str, ...], place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place.rstrip('.') or 'portfolio'}: {', '.join(keys)} expected, got {show(value)}"]
    problems = [f"{place}{key}: no such key{nearest(key, keys)}" for key in value if key not in keys]
    return problems + [f"{place}{key}: must be there, got nothing" for key in keys if key not in value]
