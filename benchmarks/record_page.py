"""What the record shows, written into its page between two marks: spread of seeds, signals at rungs, learning rates.

Usage: python -m benchmarks.record_page --record studies/reference
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from scipy.stats import spearmanr

from autoft.files import write_text
from autoft.storage.records import EvaluationRecord
from autoft.strategy.standing import Standing, goodness_at, standing_of
from autoft.strategy.steps import NINTHS, RUNGS
from benchmarks.reference import Run, read_runs

BEGIN, END = "<!-- figures: python -m benchmarks.record_page -->", "<!-- end of figures -->"
_FEWEST = 3
# Fewer ranks say nothing.
_FEWEST_RANKED = 10
Ranking = Callable[[Sequence[Standing], int], list[float]]


def by_data(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return the runs of each data set, NER first."""
    found: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.task != "ner", run.data, run.configuration, run.seed)):
        found.setdefault(run.data, []).append(run)
    return found


def first_seed(runs: Sequence[Run]) -> list[Run]:
    """Return one run of each configuration: that of the record's own seed."""
    own = min(run.seed for run in runs)
    return [run for run in runs if run.seed == own]


def seed_spread(runs: Sequence[Run]) -> float | None:
    """Return the standard deviation of the best evaluation over seeds, pooled over configurations with several."""
    seeds: dict[int, list[float]] = {}
    for run in runs:
        seeds.setdefault(run.configuration, []).append(run.best)
    several = [values for values in seeds.values() if len(values) > 1]
    freedom = sum(len(values) - 1 for values in several)
    squares = sum(statistics.variance(values) * (len(values) - 1) for values in several)
    return math.sqrt(squares / freedom) if freedom else None


def _by_metric(standings: Sequence[Standing], rung: int) -> list[float]:
    return [one.rungs[rung].value for one in standings]


def _by_loss(standings: Sequence[Standing], rung: int) -> list[float]:
    return [-one.rungs[rung].loss for one in standings]


def _as_shipped(standings: Sequence[Standing], rung: int) -> list[float]:
    goodness = goodness_at(standings, rung, 0.0)
    order = sorted({goodness(one) for one in standings})
    return [float(order.index(goodness(one))) for one in standings]


SIGNALS: Mapping[str, Ranking] = {"metric": _by_metric, "dev loss": _by_loss, "as shipped": _as_shipped}


def rank_correlations(runs: Sequence[Run], rung: int) -> dict[str, float]:
    """Return for each signal at a rung its rank correlation (Spearman) with the best evaluation of the whole run.

    Args:
        runs: Of one data set and seed.
        rung: A ninth.
    """
    whole = [run for run in runs if rung in run.steps]
    standings = [standing_of(run.configuration, _evaluations(run), NINTHS) for run in whole]
    final = [run.best for run in whole]
    found = {}
    for name, ranking in SIGNALS.items():
        said = ranking(standings, rung)
        flat = len(set(said)) == 1 or len(set(final)) == 1
        found[name] = 0.0 if flat else float(spearmanr(said, final).statistic)
    return found


def _evaluations(run: Run) -> list[EvaluationRecord]:
    rows = zip(run.steps, run.values, run.losses, strict=True)
    return [
        EvaluationRecord(step=step, epoch=0.0, value=value, loss=loss, train_loss=0.0, seconds=0.0)
        for step, value, loss in rows
    ]


def overview(found: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return a table with a row for each data set."""
    lines = [
        "| data set | metric | train / dev | configurations | default | median | best | their spread | of seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for data, runs in found.items():
        first = first_seed(runs)
        values, rows = [run.best for run in first], first[0].facts["rows"]
        default = next((f"{run.best:.3f}" for run in first if run.configuration == 0), "")
        spread = seed_spread(runs)
        lines.append(
            f"| {data} | {first[0].metric} | {rows['train']} / {rows['dev']} | {len(first)} | {default} | "
            f"{statistics.median(values):.3f} | {max(values):.3f} | {statistics.pstdev(values):.3f} | "
            f"{'' if spread is None else f'{spread:.3f}'} |"
        )
    return lines


def signals(found: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return a table of rank correlations, a row for each data set with ten configurations at least."""
    rungs = RUNGS[:-1]
    heads = [f"rung {rung}: {name}" for rung in rungs for name in SIGNALS]
    lines = ["| data set | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    rows = {}
    for data, runs in found.items():
        first = first_seed(runs)
        if len(first) < _FEWEST_RANKED:
            continue
        rows[data] = [value for rung in rungs for value in rank_correlations(first, rung).values()]
        lines.append(f"| {data} | " + " | ".join(f"{value:.2f}" for value in rows[data]) + " |")
    if not rows:
        return lines
    means = [statistics.fmean(column) for column in zip(*rows.values(), strict=True)]
    return [*lines, "| **mean** | " + " | ".join(f"**{value:.2f}**" for value in means) + " |"]


def best_rates(runs: Sequence[Run]) -> dict[str, float]:
    """Return for each method with several runs the learning rate of its best one."""
    methods: dict[str, list[Run]] = {}
    for run in first_seed(runs):
        methods.setdefault(str(run.config["method"]), []).append(run)
    return {
        name: float(max(those, key=lambda run: run.best).config[f"method.{name}.learning_rate"])
        for name, those in methods.items()
        if len(those) >= _FEWEST
    }


def learning_rates(found: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return a table of the best learning rate of each method, a row for each data set; the default's beside it."""
    names = list(dict.fromkeys(name for runs in found.values() for name in best_rates(runs)))
    lines = ["| data set | the default's | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for data, runs in found.items():
        rates = best_rates(runs)
        default = next(run for run in runs if run.configuration == 0).config["method.full.learning_rate"]
        cells = [f"{rates[name]:.1e}" if name in rates else "" for name in names]
        lines.append(f"| {data} | {float(default):.1e} | " + " | ".join(cells) + " |")
    return lines


def page_of(page: str, runs: Iterable[Run]) -> str:
    """Return the page with its figures written anew.

    Raises:
        ValueError: If the page has no marks for them.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"a page with {BEGIN} and {END} expected")
    found = by_data(runs)
    blocks = [overview(found), signals(found), learning_rates(found)]
    return before + begin + "\n\n" + "\n\n".join("\n".join(block) for block in blocks) + "\n\n" + end + after


def main() -> None:
    """Write the figures into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, required=True)
    asked = parser.parse_args()
    path = asked.record / "README.md"
    write_text(path, page_of(path.read_text(encoding="utf-8"), read_runs(asked.record)))


if __name__ == "__main__":
    main()
