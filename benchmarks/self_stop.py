"""What `--stop auto` saves and what it costs, on known curves.

Usage: python -m benchmarks.self_stop --curves FOLDER [--trials 50] [--seeds 3] [--tables N] --json FILE

Replays autoft's default search on LCBench, whose curves are scores, twice: to its last configuration, and with leave to
stop by itself. What the second lost against the first is told in standard errors of the first's best score, as if dev
held `--units` sentences or entities. Runs that FILE holds already are not repeated.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from autoft.files import write_json
from autoft.strategy.stopping import standard_error
from autoft.study.config import ComputeConfig
from benchmarks.replaying import Autoft, Trace, replay, schedule_on
from benchmarks.search import chosen
from benchmarks.tables import Array, Config, Curve, Table, tables_in

_DEFAULT = ComputeConfig(device="cpu", threads=1)
_KIND = "lcbench"


@dataclass(frozen=True)
class Shares(Table):
    """A table whose percentages are scores between 0 and 1."""

    inner: Table

    def open(self) -> Callable[[Config], Curve]:
        """Return what one search asks for curves."""
        ask = self.inner.open()
        return lambda config: Curve.of(ask(config).values / 100.0)

    def pool(self) -> Array:
        """Return the best of each of many even draws, [N]."""
        best: Array = self.inner.pool() / 100.0
        return best

    def shared(self) -> list[Config]:
        """Return even draws."""
        return self.inner.shared()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One search to its end against the same with leave to stop.

    Attributes:
        begun: Configurations of the one that might stop.
        lost: By how much its best is worse, in standard errors; negative where it is better.
        spent: Its epochs as a share of the other's.
    """

    begun: int
    lost: float
    spent: float


def compare(table: Table, seed: int, *, trials: int, units: int) -> Outcome:
    """Replay one search twice."""
    shares = Shares(table.kind, table.name, table.space, table.epochs, table.budget, inner=table)
    (whole, epochs), (short, fewer) = (_ended(shares, seed, trials, asked) for asked in (None, units))
    error = standard_error(whole.values[-1], units)
    if error is None:
        raise ValueError(f"{table.name}: a score between 0 and 1 expected, got {whole.values[-1]}")
    return Outcome(short.configurations, (whole.values[-1] - short.values[-1]) / error, fewer / epochs)


def _ended(table: Table, seed: int, trials: int, units: int | None) -> tuple[Trace, int]:
    searcher = Autoft(table, schedule_on(table, _DEFAULT.pruner), _DEFAULT.sampler, seed, trials=trials, units=units)
    trace = replay(searcher, budget=trials * table.epochs, workers=1)
    return trace, searcher.spent()


def summary(outcomes: Sequence[Outcome], trials: int) -> dict[str, Any]:
    """Return how often searches stopped, after how many configurations, and what they lost."""
    stopped = [one for one in outcomes if one.begun < trials]
    return {
        "searches": len(outcomes),
        "stopped": len(stopped),
        "begun_median": statistics.median(one.begun for one in stopped) if stopped else None,
        "spent_median": statistics.median(one.spent for one in stopped) if stopped else None,
        "lost_mean": statistics.fmean(one.lost for one in outcomes),
        "lost_worst": max(one.lost for one in outcomes),
        "lost_more_than_one": sum(one.lost > 1.0 for one in outcomes) / len(outcomes),
    }


def main() -> None:
    """Replay and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--units", type=int, default=350)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", type=int, help="Tables, evenly spaced; all unless given.")
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    logging.getLogger("autoft").setLevel(logging.WARNING)
    tables = [table for table in chosen(tuple(tables_in(asked.curves)), asked.tables) if table.kind == _KIND]
    found: dict[str, Any] = json.loads(asked.json.read_text(encoding="utf-8")) if asked.json.is_file() else {"runs": {}}
    keys = {}
    for table, seed in track([(table, seed) for table in tables for seed in range(asked.seeds)], transient=True):
        key = f"{table.name} | {asked.trials} | {asked.units} | {seed}"
        if key not in found["runs"]:
            found["runs"][key] = asdict(compare(table, seed, trials=asked.trials, units=asked.units))
        keys[key] = Outcome(**found["runs"][key])
        write_json(asked.json, found)
    name = f"{asked.trials} configurations, {asked.units} units"
    found.setdefault("summary", {})[name] = summary(list(keys.values()), asked.trials)
    write_json(asked.json, found)
    print(json.dumps(found["summary"], indent=2))


if __name__ == "__main__":
    main()
