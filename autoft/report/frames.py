"""Trials and evaluations as pandas frames, and trials.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autoft.files import write_text
from autoft.storage.records import TrialRecord

if TYPE_CHECKING:
    import pandas as pd

_FIXED = ("number", "kind", "state", "value", "best_step", "seconds", "reason", "started", "ended")
_EVALUATION = ("number", "state", "step", "epoch", "value", "loss", "train_loss", "seconds")
# A spreadsheet would read such a cell as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def trials_frame(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return one row a trial: what became of it, each parameter by its path, facts, metrics.

    A parameter named like a fixed column keeps its path; facts are prefixed with `facts.`, metrics
    with `metrics.`. What a trial lacks is missing.
    """
    import pandas as pd

    head, rows = _table(records)
    return pd.DataFrame([{name: row.get(name) for name in head} for row in rows], columns=head)


def evaluations_frame(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return one row an evaluation, trial by trial and step by step."""
    import pandas as pd

    rows = [
        (record.number, record.state, *(getattr(one, name) for name in _EVALUATION[2:]))
        for record in records
        for one in record.evaluations
    ]
    return pd.DataFrame(rows, columns=list(_EVALUATION))


def write_trials_csv(path: Path, records: Sequence[TrialRecord]) -> None:
    """Write the trials, one a line, atomically; no pandas is needed."""
    head, rows = _table(records)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(row.get(name)) for name in head] for row in rows)
    write_text(path, text.getvalue())


def parameter_paths(records: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return every parameter path of any trial, in the order of first sight."""
    return tuple(dict.fromkeys(path for record in records for path in record.config))


def _table(records: Sequence[TrialRecord]) -> tuple[list[str], list[dict[str, object]]]:
    rows = [_row(record) for record in records]
    paths = parameter_paths(records)
    extra = dict.fromkeys(name for row in rows for name in row if name not in {*_FIXED, *paths})
    return [*_FIXED, *paths, *extra], rows


def _row(record: TrialRecord) -> dict[str, object]:
    row: dict[str, object] = dict(record.config)
    row |= {f"facts.{name}": value for name, value in record.facts.items()}
    row |= {f"metrics.{name}": value for name, value in record.metrics.items()}
    return row | {name: getattr(record, name) for name in _FIXED}


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
