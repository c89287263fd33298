"""The race: how soon search strategies reach what random search with full training reaches, on known curves.

Usage: python -m benchmarks.search --curves FOLDER [--quick | --seeds N --tables N] [--bound FILE] --json FILE

Every table found in FOLDER is a task (LCBench's surrogate, TaskSet's recordings). autoft's strategies are replayed by
the code that runs real studies, Optuna's by Optuna. All runs of a task and seed are paired; random strategies draw the
same configurations. Deterministic; runs that FILE holds already are not repeated. `--quick` takes 5 seeds, 8 tasks and
the strategies that matter most; all else is 30 seeds on every table, which takes hours. With `--bound` the command
fails where the default strategy falls below what FILE asks.
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
from autoft.strategy.schedule import SCHEDULES
from autoft.study.config import ComputeConfig
from benchmarks.race_peers import OptunaSearch
from benchmarks.race_summary import summarise
from benchmarks.replaying import Autoft, Searcher, Trace, replay
from benchmarks.tables import Table, tables_in

Make = Callable[[Table, int], Searcher]

_SEEDS, _QUICK_SEEDS = 30, 5
_QUICK_TASKS = 4
_WORKERS = (1, 4)
_SAVE_EVERY = 20
_DEFAULT = ComputeConfig(device="cpu", threads=1)


_DEFAULT_NAME = "autoft's default"


def _autoft(sampler: str, schedule: str) -> Make:
    return lambda table, seed: Autoft(table, SCHEDULES.get(schedule)(floor=float("-inf")), sampler, seed)


def _optuna(sampler: str, pruner: str) -> Make:
    return lambda table, seed: OptunaSearch(table, sampler, pruner, seed)


# The first is what all others are measured against.
STRATEGIES: Mapping[str, Make] = {
    "random, full training": _optuna("random", "full"),
    "random + Optuna's median pruner": _optuna("random", "median"),
    "random + median at the rungs": _autoft("random", "median"),
    "random + stopping successive halving": _autoft("random", "stopping-halving"),
    "random + promotion": _autoft("random", "promotion"),
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
    "random + Optuna's median pruner",
    "random + stopping successive halving",
    "random + promotion",
    _DEFAULT_NAME,
)


def chosen_tables(folder: Path, *, each: int | None) -> list[Table]:
    """Return the tables of a folder; `each` of every kind, evenly spaced, unless it is None."""
    tables = list(tables_in(folder))
    if each is None:
        return tables
    kinds = dict.fromkeys(table.kind for table in tables)
    return [one for kind in kinds for one in _spaced([t for t in tables if t.kind == kind], each)]


def _spaced(tables: Sequence[Table], count: int) -> list[Table]:
    count = min(count, len(tables))
    return [tables[place * len(tables) // count] for place in range(count)]


def race(tables: Sequence[Table], names: Sequence[str], seeds: int, path: Path) -> dict[str, Any]:
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
                runs[key] = _packed(replay(STRATEGIES[name](table, seed), budget=table.budget, workers=workers))
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
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tables", type=int, help="Tables of each kind, evenly spaced; all unless given.")
    parser.add_argument("--bound", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("autoft").setLevel(logging.WARNING)
    tables = chosen_tables(asked.curves, each=asked.tables or (_QUICK_TASKS if asked.quick else None))
    seeds = asked.seeds or (_QUICK_SEEDS if asked.quick else _SEEDS)
    found = race(tables, _QUICK if asked.quick else tuple(STRATEGIES), seeds, asked.json)
    print(table_text(found["summary"]))
    broken = () if asked.bound is None else below(found["summary"], json.loads(asked.bound.read_text(encoding="utf-8")))
    if broken:
        raise SystemExit("\n".join(broken))


def below(summary: Mapping[str, Any], bound: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return where the default strategy falls below a bound, in words.

    Args:
        summary: Kind of table -> strategy -> what the race says.
        bound: Kind of table -> `sooner` (ratio to random + Optuna's median pruner), `reached` (share), `regret` (the
            most that the final regret may exceed that of random + stopping successive halving), `workers` (how much
            sooner with 4 workers).
    """
    broken = []
    for kind, least in bound.items():
        said = summary[kind][_DEFAULT_NAME]
        one, four = said["workers 1"], said["workers 4"]
        got = {
            "sooner": one["against"]["random + Optuna's median pruner"]["sooner"]["value"],
            "reached": one["reached"]["value"],
            "workers": four["against one worker"]["value"],
            "regret": -one["against"]["random + stopping successive halving"]["regret"]["value"],
        }
        signed = {**least, "regret": -least["regret"]}
        broken += [
            f"{kind}: {key} of at least {signed[key]:.3g} expected, got {got[key]:.3g}"
            for key in got
            if got[key] < signed[key]
        ]
    return broken


def table_text(summary: Mapping[str, Any]) -> str:
    """Return the summary as a Markdown table for each kind of task."""
    lines = []
    for kind, strategies in summary.items():
        lines += [
            f"**{kind}**",
            "",
            "| strategy | sooner | reached | regret | sooner with 4 workers |",
            "|---|---|---|---|---|",
        ]
        for name, said in strategies.items():
            one, four = said["workers 1"], said["workers 4"]
            lines.append(
                f"| {name} | {_span(one['sooner'], 'x')} | {100 * one['reached']['value']:.0f} % | "
                f"{_span(one['regret']['1'], '')} | {_span(four['sooner'], 'x')} |"
            )
        lines.append("")
    return "\n".join(lines)


def _span(said: Mapping[str, Any], unit: str) -> str:
    low, high = said["ci95"]
    return f"{said['value']:.3g}{unit} ({low:.3g} to {high:.3g})"


if __name__ == "__main__":
    main()
