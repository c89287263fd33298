"""What a race says: how much sooner, how often, how good, each with a bootstrap interval over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.replaying import Trace, reached, value_at
from benchmarks.tables import Table

Array = NDArray[np.float64]
Read = Callable[[Table, str, int, int], Trace]

_RESAMPLES = 500
_SHARES = (0.125, 0.25, 0.5, 1.0)


def summarise(
    tables: Sequence[Table], names: Sequence[str], workers: Sequence[int], seeds: int, read: Read
) -> dict[str, Any]:
    """Return kind of table -> strategy -> what the race says of it.

    Sooner: for each task the target is the median over seeds of what the first strategy reaches at its end with one
    worker; a strategy's time is its median over seeds, at most the whole budget; the figure is budget by time, the
    geometric mean over tasks. Reached: the share of runs that reach the target. Regret: 0 is the best value known of
    the task, 1 the median configuration's. `worst`: the least `sooner` and the greatest mean regret of a task.
    `against`: the ratio of `sooner` and the paired difference of final regret, strategy minus the other.

    Args:
        tables: The tasks.
        names: The strategies, the reference first.
        workers: Numbers of simulated workers; the first is 1.
        seeds: Seeds of each task.
        read: Returns a run.
    """
    said: dict[str, Any] = {}
    for kind in dict.fromkeys(table.kind for table in tables):
        of_kind = [table for table in tables if table.kind == kind]
        said[kind] = _of_kind(of_kind, names, workers, seeds, read)
    return said


def _of_kind(
    tables: Sequence[Table], names: Sequence[str], workers: Sequence[int], seeds: int, read: Read
) -> dict[str, Any]:
    draws = np.random.default_rng(0).integers(seeds, size=(_RESAMPLES, len(tables), seeds))
    # Row 0 is the sample itself.
    draws = np.concatenate([np.broadcast_to(np.arange(seeds), (1, len(tables), seeds)), draws])
    arms = [(name, count) for name in names for count in workers]
    runs = {arm: [[read(table, arm[0], arm[1], seed) for seed in range(seeds)] for table in tables] for arm in arms}
    best, median = _scales(tables, runs)
    finals = np.array([[run.values[-1] for run in of_task] for of_task in runs[names[0], workers[0]]])
    budgets = np.array([table.budget for table in tables], dtype=np.float64)
    sooner: dict[tuple[str, int], Array] = {}
    regret: dict[tuple[str, int], Array] = {}
    said: dict[str, Any] = {name: {} for name in names}
    for arm in arms:
        sooner[arm], arrived = _sooner(runs[arm], finals, budgets, draws)
        found = _regrets(tables, runs[arm], arm[1], best, median)
        regret[arm] = found[-1]
        said[arm[0]][f"workers {arm[1]}"] = {
            "sooner": _interval(sooner[arm]),
            "reached": _interval(arrived),
            "regret": {f"{share:g}": _interval(_mean(one, draws)) for share, one in zip(_SHARES, found, strict=True)},
            "configurations": float(np.mean([run.configurations for of_task in runs[arm] for run in of_task])),
            "against": {
                other: {
                    "sooner": _interval(sooner[arm] / sooner[other, arm[1]]),
                    "regret": _interval(_mean(regret[arm] - regret[other, arm[1]], draws)),
                }
                for other in names[: names.index(arm[0])]
            },
            "worst": _worst(tables, _factors(runs[arm], finals, budgets), found[-1].mean(axis=1)),
            "against one worker": _interval(sooner[arm] / sooner[arm[0], workers[0]]),
        }
    return said


def _scales(tables: Sequence[Table], runs: dict[tuple[str, int], list[list[Trace]]]) -> tuple[Array, Array]:
    """Return the best value known of each task and the median configuration's."""
    pools = [table.pool() for table in tables]
    tops = [max(run.values[-1] for arm in runs.values() for run in arm[place]) for place in range(len(tables))]
    best = np.array([max(float(pool.max()), top) for pool, top in zip(pools, tops, strict=True)])
    return best, np.array([float(np.median(pool)) for pool in pools])


def _sooner(runs: list[list[Trace]], finals: Array, budgets: Array, draws: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return, for each resample, budget by time and the share of runs that reach the target."""
    factors, shares = [], []
    for drawn in draws:
        logs, arrived = [], []
        for task, (of_task, seeds) in enumerate(zip(runs, drawn, strict=True)):
            target = float(np.median(finals[task][seeds]))
            times = np.array([reached(of_task[seed], target) for seed in seeds])
            time = min(float(np.median(times)), budgets[task])
            logs.append(np.log(budgets[task] / time))
            arrived.append(np.isfinite(times).mean())
        factors.append(np.exp(np.mean(logs)))
        shares.append(np.mean(arrived))
    return np.array(factors), np.array(shares)


def _worst(tables: Sequence[Table], factors: Array, regrets: Array) -> dict[str, Any]:
    """Return the least `sooner` and the greatest regret of a task, each with its task."""
    slow, poor = int(factors.argmin()), int(regrets.argmax())
    return {
        "sooner": float(factors[slow]),
        "regret": float(regrets[poor]),
        "sooner of": tables[slow].name,
        "regret of": tables[poor].name,
    }


def _factors(runs: list[list[Trace]], finals: Array, budgets: Array) -> Array:
    """Return budget by time of each task."""
    times = [
        np.median([reached(run, float(np.median(final))) for run in of_task])
        for of_task, final in zip(runs, finals, strict=True)
    ]
    return budgets / np.minimum(times, budgets)


def _regrets(tables: Sequence[Table], runs: list[list[Trace]], workers: int, best: Array, median: Array) -> list[Array]:
    """Return the regret of each run, [tasks, seeds], after each share of the budget."""
    found = []
    for share in _SHARES:
        values = np.array(
            [
                [value_at(run, share * table.budget / workers) for run in of_task]
                for table, of_task in zip(tables, runs, strict=True)
            ]
        )
        found.append(np.clip((best[:, None] - values) / (best - median)[:, None], 0.0, 1.0))
    return found


def _mean(values: Array, draws: NDArray[np.intp]) -> Array:
    """Return the mean over tasks and seeds for each resample."""
    rows = np.arange(len(values))[:, None]
    return np.array([values[rows, drawn].mean() for drawn in draws])


def _interval(resampled: Array) -> dict[str, Any]:
    low, high = np.quantile(resampled[1:], [0.025, 0.975])
    return {"value": float(resampled[0]), "ci95": [float(low), float(high)]}
