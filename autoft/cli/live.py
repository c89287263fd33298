"""The live view of a search: a table in a terminal, one line a trial and a finalist's run elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from autoft.api.progress import Progress, Watcher
from autoft.cli.tables import plain_table, short_config
from autoft.report.words import duration, score
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord

_SHOWN = 12
_COLOURS = {
    "complete": "green",
    "running": "cyan",
    "pruned": "yellow",
    "failed": "red",
    "infeasible": "magenta",
}


@contextmanager
def watching(console: Console, metric: str) -> Iterator[Watcher]:
    """Give a watcher that shows each progress the way the console can."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda progress: live.update(_view(progress, metric))
    else:
        yield _Lines(console, metric)


class _Lines:
    """Prints one line for each trial whose fate is decided, and for each finalist's run."""

    def __init__(self, console: Console, metric: str) -> None:
        self._console, self._metric = console, metric
        self._told: set[int] = set()
        self._ran: set[tuple[int, int]] | None = None

    def __call__(self, progress: Progress) -> None:
        for record in progress.decided:
            if record.number not in self._told | progress.earlier:
                self._told.add(record.number)
                self._print(self._line(record, progress))
        ran = {(run.number, run.seed) for run in progress.runs}
        # What an earlier run of the search did is no news.
        news = ran - (ran if self._ran is None else self._ran)
        for run in progress.runs:
            if (run.number, run.seed) in news:
                self._print(self._run_line(run, progress))
        self._ran = ran

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _run_line(self, run: FinalistRun, progress: Progress) -> str:
        reason = f"  {run.reason}" if run.reason else ""
        return (
            f"{_finalists_done(progress)}: {_name(run.number)}, seed {run.seed}, "
            f"{self._metric} {score(run.value)} {duration(run.seconds):>7}{reason}"
        )

    def _line(self, record: TrialRecord, progress: Progress) -> str:
        reached = "-" if record.value is None else score(record.value)
        best = progress.best
        known = "" if best is None else f"  best {score(best.value)} (trial {best.number})"
        reason = f"  {record.reason}" if record.reason else ""
        return (
            f"trial {record.number:>3} {record.state:<10} {self._metric} {reached:>6} "
            f"{duration(record.seconds):>7}{known}  {short_config(record)}{reason}"
        )


def _view(progress: Progress, metric: str) -> RenderableType:
    if progress.phase == "finalists":
        return Group(_headline(progress, metric), _runs_table(progress, metric))
    table = plain_table("trial", "state", metric, "ninth", "time", "configuration")
    for record in progress.records[-_SHOWN:]:
        last = record.evaluations[-1].step if record.evaluations else 0
        state = Text(record.state, style=_COLOURS.get(record.state, ""))
        table.add_row(
            _name(record.number, ""),
            state,
            "-" if record.value is None else score(record.value),
            f"{last}/9",
            duration(record.seconds),
            short_config(record),
        )
    return Group(_headline(progress, metric), table)


def _runs_table(progress: Progress, metric: str) -> RenderableType:
    table = plain_table("trial", "seed", metric, "time")
    for run in progress.runs[-_SHOWN:]:
        table.add_row(_name(run.number, ""), str(run.seed), score(run.value), duration(run.seconds))
    return table


def _name(number: int, word: str = "trial ") -> str:
    return "default" if number == 0 else f"{word}{number}"


def _finalists_done(progress: Progress) -> str:
    return f"finalists {progress.runs_done}/{progress.runs_done + progress.missing}"


def _headline(progress: Progress, metric: str) -> Text:
    parts = [f"{len(progress.decided)} of {progress.trials} configurations"]
    best = progress.best
    if best is not None:
        parts.append(f"best {metric} {score(best.value)} (trial {best.number})")
    default = next((r for r in progress.records if r.number == 0 and r.value is not None), None)
    if default is not None:
        parts.append(f"default {score(default.value)}")
    parts.append(duration(progress.seconds))
    left = progress.expected_seconds
    if progress.phase == "finalists":
        parts.append(_finalists_done(progress))
    if progress.phase == "delivery":
        parts.append("delivering the best model")
    elif left is not None:
        parts.append(f"about {duration(left)} left")
    return Text(" · ".join(parts), style="bold")
