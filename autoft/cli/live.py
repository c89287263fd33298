"""The live view of a search: a table in a terminal, one line a pause, promotion, end and finalist's run elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from autoft.api.progress import Progress, Watcher
from autoft.cli.tables import plain_table, short_config, trial_cell
from autoft.report.words import duration, score, trial_name
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord

_SHOWN = 12
_COLOURS = {
    "complete": "green",
    "running": "cyan",
    "paused": "blue",
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
    """Prints one line for each trial that pauses, goes on, or whose fate is decided, and for each finalist's run."""

    def __init__(self, console: Console, metric: str) -> None:
        self._console, self._metric = console, metric
        # What was told last of a trial: its state, and how far it was.
        self._told: dict[int, tuple[str, int]] = {}
        self._promoted: int | None = None
        self._ran: set[tuple[int, int, int]] | None = None

    def __call__(self, progress: Progress) -> None:
        if self._promoted is None:
            self._promoted = progress.promoted_earlier
            # What an earlier run of the search left paused is no news.
            self._told = {record.number: _reached(record) for record in progress.paused}
        for promoted in progress.promotions[self._promoted :]:
            self._told.pop(promoted.number, None)
            self._print(f"trial {promoted.number:>3} goes on from rung {promoted.rung}")
        self._promoted = len(progress.promotions)
        for record in [*progress.paused, *progress.decided]:
            if record.number not in progress.earlier and self._is_news(record):
                self._print(self._line(record, progress))
        self._tell_runs(progress)

    def _tell_runs(self, progress: Progress) -> None:
        whole, half = _finalists_done(progress), _halves_done(progress)
        told = {(run.number, run.seed, run.rows): (whole, run) for run in progress.runs}
        told |= {(run.number, run.seed, run.rows): (half, run) for run in progress.halves}
        # What an earlier run of the search did is no news.
        known = set(told) if self._ran is None else self._ran
        for key, (done, run) in told.items():
            if key not in known:
                self._print(self._run_line(done, run))
        self._ran = set(told)

    def _is_news(self, record: TrialRecord) -> bool:
        """Tell whether something happened; that a trial is not continued after all is no event of its own."""
        told, now = self._told.get(record.number), _reached(record)
        self._told[record.number] = now
        return told != now and (told, now) != (("paused", now[1]), ("pruned", now[1]))

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _run_line(self, done: str, run: FinalistRun) -> str:
        reason = f"  {run.reason}" if run.reason else ""
        return (
            f"{done}: {trial_name(run.number)}, seed {run.seed}, "
            f"{self._metric} {score(run.value)} {duration(run.seconds):>7}{reason}"
        )

    def _line(self, record: TrialRecord, progress: Progress) -> str:
        reached = "-" if record.value is None else score(record.value)
        best = progress.best
        known = "" if best is None else f"  best {score(best.value)} (trial {best.number})"
        reason = f"  {record.reason}" if record.reason else ""
        return (
            f"trial {record.number:>3} {record.state:<10} {self._metric} {reached:>6} "
            f"{duration(record.seconds):>7}{known}  {_words_of(record)}{reason}"
        )


def _view(progress: Progress, metric: str) -> RenderableType:
    if progress.phase == "finalists":
        return Group(_headline(progress, metric), _runs_table(progress, metric))
    table = plain_table("trial", "state", metric, "ninth", "time", "configuration")
    for record in _shown(progress.records):
        _, last = _reached(record)
        state = Text(record.state, style=_COLOURS.get(record.state, ""))
        table.add_row(
            trial_cell(record.number),
            state,
            "-" if record.value is None else score(record.value),
            f"{last}/9",
            duration(record.seconds),
            _words_of(record),
        )
    return Group(_headline(progress, metric), table)


def _runs_table(progress: Progress, metric: str) -> RenderableType:
    table = plain_table("trial", "seed", metric, "time")
    for run in progress.runs[-_SHOWN:]:
        table.add_row(trial_cell(run.number), str(run.seed), score(run.value), duration(run.seconds))
    return table


def _finalists_done(progress: Progress) -> str:
    return f"finalists {progress.runs_done}/{progress.runs_done + progress.missing}"


def _halves_done(progress: Progress) -> str:
    return f"half of the rows {len(progress.halves)}/{len(progress.halves) + progress.halves_missing}"


def _shown(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the latest trials, and all that train."""
    running = [record for record in records[:-_SHOWN] if record.state == "running"]
    return [*running, *records[-_SHOWN:]]


def _reached(record: TrialRecord) -> tuple[str, int]:
    """Return a trial's state, and its last ninth."""
    return record.state, record.evaluations[-1].step if record.evaluations else 0


def _headline(progress: Progress, metric: str) -> Text:
    parts = [f"{len(progress.decided) + len(progress.paused)} of {progress.trials} configurations"]
    if progress.paused:
        parts.append(f"paused {len(progress.paused)}")
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
        parts += [_halves_done(progress)] if progress.halves_missing and not progress.missing else []
    if progress.phase == "audit":
        parts.append(f"audit {progress.audited}/{progress.audited + progress.audits_missing}")
    if progress.phase == "delivery":
        parts.append("delivering the best model")
    elif left is not None:
        parts.append(f"about {duration(left)} left")
    return Text(" · ".join(parts), style="bold")


def _words_of(record: TrialRecord) -> str:
    """Return a configuration in a few words, and where it was good before."""
    given = {"portfolio": ", portfolio", "warm-start": ", warm start"}
    return short_config(record) + given.get(record.kind or "", "")
