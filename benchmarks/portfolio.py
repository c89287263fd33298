"""Builds a task's portfolio from the record, or one for a race from the tables that are not raced.

Usage: python -m benchmarks.portfolio --record studies/reference [--without DATA …] [--size 8] --out TASK.json

The task is the stem of the file unless `--task` says another. Only configurations that have a place in the task's own
search space are chosen from; the default is known, since every search begins with it. `--without` leaves data sets out,
for a search on one of them that others are compared with.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autoft.errors import ConfigError
from autoft.space.domains import Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.portfolio import MODEL, Portfolio, fitted, tuning, write_portfolio
from autoft.strategy.portfolio_building import Tried, build_portfolio
from benchmarks.reference import Run, read_runs
from benchmarks.tables import Table

_SIZE = 8


def portfolio_of(
    runs: Iterable[Run], task: str, space: SearchSpace, *, without: Collection[str] = (), size: int = _SIZE
) -> Portfolio:
    """Return the portfolio that a record gives.

    Args:
        runs: The record.
        task: Whose runs count.
        space: In which an entry must have a place.
        without: Data sets that are left out.
        size: Most entries.

    Raises:
        ConfigError: If nothing is left, or a data set that is to be left out is not there.
    """
    mine = [run for run in runs if run.task == task]
    known = dict.fromkeys(run.data for run in mine)
    problems = [f"--without: one of {', '.join(known)} expected, got {name!r}" for name in without if name not in known]
    if problems:
        raise ConfigError(*problems)
    kept = [run for run in mine if run.data not in without and run.values]
    default = next((tuning(run.config) for run in kept if run.configuration == 0), None)
    tried = tried_in([run for run in kept if run.configuration == 0 or _has_place(run, space)])
    return build_portfolio(task, tried, size=size, default=default)


def tried_in(runs: Iterable[Run]) -> list[Tried]:
    """Return each configuration of a record on each data set, its best score of every seed."""
    found: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        found.setdefault((run.data, run.configuration), []).append(run)
    return [Tried(data, tuning(same[0].config), tuple(run.best for run in same)) for (data, _), same in found.items()]


def without_table(raced: Table, known: Mapping[tuple[str, str], Sequence[Tried]], *, size: int) -> Portfolio:
    """Return a portfolio for the race on one table: of the other tables of its kind alone.

    Args:
        raced: The table that it is not built from.
        known: Kind and name of a table -> what was tried there.
        size: Most entries.
    """
    others = [found for (kind, name), found in known.items() if kind == raced.kind and name != raced.name]
    tried = [one for found in others for one in found]
    return build_portfolio(raced.kind, tried, size=size, default=raced.default)


def refuse_seen(portfolio: Portfolio, raced: Table) -> None:
    """Refuse a race with a portfolio that has seen the raced table.

    Raises:
        ConfigError: If it has.
    """
    if raced.name in portfolio.sources:
        raise ConfigError(f"{raced.kind}: a portfolio that has not seen {raced.name!r} expected, it was built from it")


def _has_place(run: Run, space: SearchSpace) -> bool:
    return fitted(tuning(run.config), space) is not None


def recorded_portfolio(
    runs: Iterable[Run], task: str, *, without: Collection[str] = (), size: int = _SIZE
) -> Portfolio:
    """Return the portfolio that a record gives for a task's own search space.

    Args:
        runs: The record.
        task: The task.
        without: Data sets that are left out.
        size: Most entries.

    Raises:
        ConfigError: As `portfolio_of`.
    """
    from autoft.api.opening import space_for
    from autoft.models.base import resolve_model
    from autoft.models.rates import model_width

    space = space_for(task, None, ())
    found = portfolio_of(runs, task, space, without=without, size=size)
    # The record has one base model, the space's own.
    return replace(found, width=model_width(resolve_model(str(space.default[MODEL]))))


def main() -> None:
    """Build and write a portfolio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--task")
    parser.add_argument("--without", action="append", default=[], metavar="DATA")
    parser.add_argument("--size", type=int, default=_SIZE)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    found = recorded_portfolio(
        read_runs(asked.record), asked.task or asked.out.stem, without=asked.without, size=asked.size
    )
    write_portfolio(asked.out, found)
    for entry in found.entries:
        print(f"regret {entry.regret:.3f}, good on {', '.join(entry.seen) or 'none'}: {_words(entry.config)}")


def _words(config: Mapping[str, Scalar]) -> str:
    return ", ".join(
        f"{path} {value:.3g}" if isinstance(value, float) else f"{path} {value}" for path, value in config.items()
    )


if __name__ == "__main__":
    main()
