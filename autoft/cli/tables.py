"""Tables that people like to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autoft.report.words import interval_words, mean_and_spread, score, signed_score, trial_name
from autoft.storage.records import TrialRecord
from autoft.study.aims import measure_words

_MOST_LABELS = 30
_NUMBERS = (
    "f1",
    "precision",
    "recall",
    "support",
    "value",
    "trial",
    "best",
    "default",
    "gain",
    "time",
    "ninth",
    "latency",
    "memory",
    "parameters",
    "search",
    "fresh seeds",
    "95 % interval",
)


def print_notice(console: Console, notice: str) -> None:
    """Print a warning; of its examples, each a line, as much as the terminal is wide."""
    words, *examples = notice.splitlines()
    console.print(f"note: {words}", style="yellow", highlight=False, markup=False)
    for example in examples:
        console.print(Text(f"  {example}", style="dim"), no_wrap=True, overflow="ellipsis", highlight=False)


def plain_table(*columns: str, title: str | None = None) -> Table:
    """Return a table with a rule under its head; columns of numbers are aligned to the right."""
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    return table


def label_table(best: Mapping[str, float], default: Mapping[str, float]) -> Table | None:
    """Return precision, recall and F1 of each label, with the default's F1 beside; None where there are no labels.

    Of many labels those that occur most often; the report has them all.
    """
    labels = sorted({name.partition(".")[2] for name in best if name.startswith("f1.")})
    if not labels:
        return None
    more = len(labels) - _MOST_LABELS
    if more > 0:
        labels = sorted(sorted(labels, key=lambda label: -best.get(f"support.{label}", 0.0))[:_MOST_LABELS])
    table = plain_table("label", "precision", "recall", "f1", "default", "support")
    for label in labels:
        table.add_row(
            Text(label),
            *(score(best.get(f"{name}.{label}")) for name in ("precision", "recall", "f1")),
            score(default.get(f"f1.{label}")),
            f"{best.get(f'support.{label}', 0):.0f}",
        )
    if more > 0:
        table.caption = f"and {more} rarer labels, in report.html"
    return table


def overall_table(best: Mapping[str, float], default: Mapping[str, float]) -> Table:
    """Return the metrics over everything, with the default's beside."""
    table = plain_table("metric", "best", "default")
    for name, value in best.items():
        if "." not in name:
            table.add_row(name, score(value), score(default.get(name)))
    return table


def front_table(
    measure: str, entries: Sequence[Mapping[str, Any]], records: Sequence[TrialRecord], metric: str
) -> Table:
    """Return the trials that no other beats in score without costing more, the cheapest first."""
    table = plain_table("trial", metric, measure, "configuration", title=f"{metric} against {measure}")
    configs = {record.number: record for record in records}
    for entry in entries:
        words = short_config(configs[entry["trial"]])
        table.add_row(
            trial_cell(entry["trial"]), score(entry["dev"]), measure_words(measure, entry[measure]), Text(words)
        )
    return table


def trial_cell(number: int) -> str:
    """Return what a trial is called in a column of trials: `default`, or `7`."""
    return "default" if number == 0 else str(number)


def short_config(record: TrialRecord) -> str:
    """Return what matters most of a configuration in a few words."""
    method = str(record.config.get("method", ""))
    rate = record.config.get(f"method.{method}.learning_rate")
    words = [method]
    if isinstance(rate, float):
        words.append(f"{rate:.1e}")
    words.append(f"batch {record.config.get('train.batch_size')}")
    freeze = record.config.get("freeze")
    if isinstance(freeze, float) and freeze > 0:
        words.append(f"freeze {freeze:.2f}")
    return " ".join(words)


def finalist_table(result: Mapping[str, Any]) -> Table:
    """Return the finalists, the best mean first: the search's own score, fresh seeds, gain over the default."""
    table = plain_table("finalist", "search", "fresh seeds", "gain", "95 % interval", "more than noise")
    for column in table.columns[1:5]:
        # A mean on one line and its spread on the next would read as two numbers.
        column.justify, column.no_wrap = "right", True
    default = (result["default"] or {}).get("trial")
    for entry in result["finalists"]["ran"]:
        gain = entry["gain"]
        interval = "" if gain is None or gain["ci95"] is None else " to ".join(map(signed_score, gain["ci95"]))
        table.add_row(
            trial_name(entry["trial"], default),
            score(entry["dev"]),
            mean_and_spread(entry),
            "" if gain is None else signed_score(gain["mean"]),
            interval,
            "" if gain is None else "yes" if gain["significant"] else "no",
        )
    return table


def scores_table(test: Mapping[str, Any]) -> Table:
    """Return the test scores over all labels, with their intervals over resampled examples where there are some."""
    table = plain_table("metric", "best", "default", "gain", title="test, with 95 % intervals over its examples")
    default, intervals = test["default"] or {}, test.get("ci95") or {}
    for name, value in test["best"].items():
        if "." in name:
            continue
        gain = value - default[name] if name in default else None
        table.add_row(
            name,
            *(
                f"{words} {interval_words(intervals.get(of, {}).get(name))}".strip()
                for of, words in (
                    ("best", score(value)),
                    ("default", score(default.get(name))),
                    ("gain", signed_score(gain)),
                )
            ),
        )
    return table


def config_table(best: Mapping[str, Any], default: Mapping[str, Any]) -> Table:
    """Return the best configuration against the default, what differs in bold."""
    table = plain_table("parameter", "best", "default")
    for path in dict.fromkeys([*best, *default]):
        new, old = _value(best.get(path)), _value(default.get(path))
        style = "bold" if new != old else "dim"
        table.add_row(path, Text(new), Text(old), style=style)
    return table


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
