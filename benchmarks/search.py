"""The race: how soon search strategies reach what random search with full training reaches, on known curves.

Usage: python -m benchmarks.search --curves FOLDER [--record FOLDER] [--quick | --seeds N --tables N]
       [--only NAME …] [--bound FILE] --json FILE

Every table found in FOLDER is a task (LCBench's surrogate, TaskSet's recordings), and so is every data set of the
record. Where a strategy has a portfolio, it was built from the other tables of the kind alone. autoft's strategies are
replayed by the code that runs real studies, Optuna's by Optuna. All runs of a task and seed are paired; random
strategies draw the same configurations. Deterministic; runs that FILE holds already are not repeated. `--quick` takes 5
seeds, 8 tasks and the strategies that matter most; all else is 30 seeds on every table, which takes hours. With
`--bound` the command fails where a strategy falls below what FILE asks.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from rich.progress import Progress

from autoft.files import write_json
from autoft.strategy.portfolio import Portfolio, fitted, most_entries
from autoft.strategy.schedule import SCHEDULES
from autoft.study.config import BudgetConfig, ComputeConfig
from benchmarks.portfolio import refuse_seen, without_table
from benchmarks.race_peers import OptunaSearch
from benchmarks.race_summary import summarise
from benchmarks.reference import FILE
from benchmarks.replaying import Autoft, Searcher, Trace, replay, schedule_on
from benchmarks.tables import Table, measured_in, tables_in

logger = logging.getLogger(__name__)
Make = Callable[[Table, int], Searcher]

_SEEDS, _QUICK_SEEDS = 30, 5
_QUICK_TASKS = 4
_WORKERS = (1, 4)
_SAVE_EVERY = 20
_DEFAULT = ComputeConfig(device="cpu", threads=1)


_MEDIAN = "random + Optuna's median pruner"
_PROMOTION = "random + promotion"
_DEFAULT_NAME = "autoft's default"
_PORTFOLIO_NAME = "autoft's default with a portfolio"


def _autoft(sampler: str, schedule: str) -> Make:
    return lambda table, seed: Autoft(table, schedule_on(table, schedule), sampler, seed)


def _optuna(sampler: str, pruner: str) -> Make:
    return lambda table, seed: OptunaSearch(table, sampler, pruner, seed)


def with_portfolio(found: Mapping[tuple[str, str], Portfolio]) -> Make:
    """Return autoft's default search with a portfolio for each table.

    Args:
        found: Kind and name of a table -> its portfolio.
    """

    def make(table: Table, seed: int) -> Searcher:
        portfolio = found[table.kind, table.name]
        refuse_seen(portfolio, table)
        configs = [config for entry in portfolio.entries if (config := fitted(entry.config, table.space)) is not None]
        schedule = schedule_on(table, _DEFAULT.pruner, given=len(configs))
        return Autoft(table, schedule, _DEFAULT.sampler, seed, portfolio=configs)

    return make


# The first is what all others are measured against.
STRATEGIES: Mapping[str, Make] = {
    "random, full training": _optuna("random", "full"),
    _MEDIAN: _optuna("random", "median"),
    "random + median at the rungs": _autoft("random", "median"),
    "random + stopping successive halving": _autoft("random", "stopping-halving"),
    _PROMOTION: _autoft("random", "promotion"),
    "random + first rung, then the top three": _autoft("random", "top-three"),
    "random + Optuna's Hyperband": _optuna("random", "hyperband"),
    "TPE, full training": _optuna("tpe", "full"),
    "TPE + Optuna's median pruner": _optuna("tpe", "median"),
    "TPE + stopping successive halving": _autoft("tpe", "stopping-halving"),
    "TPE + promotion": _autoft("tpe", "promotion"),
    "GP, full training": _autoft("gp", "full"),
    "GP + stopping successive halving": _autoft("gp", "stopping-halving"),
    _DEFAULT_NAME: _autoft(_DEFAULT.sampler, _DEFAULT.pruner),
}


_QUICK = (
    "random, full training",
    _MEDIAN,
    "random + stopping successive halving",
    _PROMOTION,
    _DEFAULT_NAME,
    _PORTFOLIO_NAME,
)


def chosen(tables: Sequence[Table], each: int | None) -> list[Table]:
    """Return `each` of the tables of every kind, evenly spaced; all where it is None."""
    if each is None:
        return list(tables)
    kinds = dict.fromkeys(table.kind for table in tables)
    return [one for kind in kinds for one in _spaced([t for t in tables if t.kind == kind], each)]


def _spaced(tables: Sequence[Table], count: int) -> list[Table]:
    count = min(count, len(tables))
    return [tables[place * len(tables) // count] for place in range(count)]


def portfolios_for(raced: Sequence[Table], tables: Sequence[Table]) -> dict[tuple[str, str], Portfolio]:
    """Return a portfolio for each raced table, built from all other tables of its kind."""
    known = {(table.kind, table.name): table.tried() for table in tables}
    size = most_entries(BudgetConfig().trials, SCHEDULES.get(_DEFAULT.pruner)())
    return {(table.kind, table.name): without_table(table, known, size=size) for table in raced}


def race(
    tables: Sequence[Table], strategies: Mapping[str, Make], names: Sequence[str], seeds: int, path: Path
) -> dict[str, Any]:
    """Run what `path` does not hold yet and write it there; returns its content."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"runs": {}}
    runs: dict[str, Any] = found["runs"]
    wanted = [
        (table, name, workers, seed)
        for seed in range(seeds)
        for table in tables
        for name in names
        for workers in _WORKERS
    ]
    with Progress(transient=True) as progress:
        for done, (table, name, workers, seed) in enumerate(progress.track(wanted, description="race")):
            key = run_key(table, name, workers, seed)
            if key not in runs:
                runs[key] = _packed(replay(strategies[name](table, seed), budget=table.budget, workers=workers))
            if done % _SAVE_EVERY == 0:
                write_json(path, found)
    found["summary"] = summarise(tables, names, _WORKERS, seeds, lambda *key: _unpacked(runs[run_key(*key)]))
    write_json(path, found)
    return found


def run_key(table: Table, name: str, workers: int, seed: int) -> str:
    """Return how a run is called in the JSON file."""
    return f"{table.kind} | {table.name} | {name} | {workers} | {seed}"


def _packed(trace: Trace) -> dict[str, Any]:
    return {"times": trace.times, "values": trace.values, "configurations": trace.configurations}


def _unpacked(run: Mapping[str, Any]) -> Trace:
    return Trace(tuple(run["times"]), tuple(run["values"]), run["configurations"])


def main() -> None:
    """Race and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--record", type=Path, default=Path("studies") / "reference")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tables", type=int, help="Tables of each kind, evenly spaced; all unless given.")
    parser.add_argument("--only", action="append", metavar="NAME", help="A strategy; repeatable, the reference first.")
    parser.add_argument("--bound", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("autoft").setLevel(logging.WARNING)
    tables = [*tables_in(asked.curves), *_recorded(asked.record)]
    raced = chosen(tables, asked.tables or (_QUICK_TASKS if asked.quick else None))
    seeds = asked.seeds or (_QUICK_SEEDS if asked.quick else _SEEDS)
    strategies = {**STRATEGIES, _PORTFOLIO_NAME: with_portfolio(portfolios_for(raced, tables))}
    names = asked.only or (_QUICK if asked.quick else tuple(strategies))
    found = race(raced, strategies, names, seeds, asked.json)
    print(table_text(found["summary"]))
    broken = () if asked.bound is None else below(found["summary"], json.loads(asked.bound.read_text(encoding="utf-8")))
    if broken:
        raise SystemExit("\n".join(broken))


def _recorded(folder: Path) -> list[Table]:
    """Return the tables of the record; none, and a line that says so, where there is no record yet."""
    if not (folder / FILE).is_file():
        logger.warning("%s: no record there, raced without", folder)
        return []
    # It loads torch.
    from benchmarks.record import recorded_space

    return list(measured_in(folder, recorded_space))


def below(summary: Mapping[str, Any], bound: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Return where a strategy falls below a bound, in words.

    Args:
        summary: Kind of table -> strategy -> what the race says.
        bound: Strategy -> kind of table -> any of `sooner` (ratio to random + Optuna's median pruner), `reached`
            (share), `regret` (the most that the final regret may exceed that of random + promotion), `workers` (how
            much sooner with 4 workers).
    """
    broken = []
    for name, kinds in bound.items():
        for kind, least in kinds.items():
            said = summary[kind][name]
            one, four = said["workers 1"], said["workers 4"]
            got = {
                "sooner": one["against"][_MEDIAN]["sooner"]["value"],
                "reached": one["reached"]["value"],
                "workers": four["against one worker"]["value"],
                "regret": -one["against"][_PROMOTION]["regret"]["value"],
            }
            signed = {key: -value if key == "regret" else value for key, value in least.items()}
            broken += [
                f"{name}: {kind}: {key} of at least {asked:.3g} expected, got {got[key]:.3g}"
                for key, asked in signed.items()
                if got[key] < asked
            ]
    return broken


def table_text(summary: Mapping[str, Any]) -> str:
    """Return the summary as a Markdown table for each kind of task."""
    lines = []
    for kind, strategies in summary.items():
        lines += [
            f"**{kind}**",
            "",
            "| strategy | sooner | over random + median | worst task | reached | regret | worst task | "
            "minus random + promotion's | sooner with 4 workers |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for name, said in strategies.items():
            one, four = said["workers 1"], said["workers 4"]
            against, worst = one["against"], one["worst"]
            cells = [
                name,
                _span(one["sooner"], "x"),
                _span(against[_MEDIAN]["sooner"], "x") if _MEDIAN in against else "",
                f"{worst['sooner']:.3g}x",
                f"{100 * one['reached']['value']:.0f} %",
                _span(one["regret"]["1"], ""),
                f"{worst['regret']:.3g}",
                _span(against[_PROMOTION]["regret"], "") if _PROMOTION in against else "",
                _span(four["sooner"], "x"),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _span(said: Mapping[str, Any], unit: str) -> str:
    low, high = said["ci95"]
    return f"{said['value']:.3g}{unit} ({low:.3g} to {high:.3g})"


if __name__ == "__main__":
    main()
