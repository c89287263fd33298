"""The record of fine-tuning curves: what a row holds, kept as JSON lines while it is made and as Parquet afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from autoft.files import write_bytes, write_text
from autoft.space.domains import Scalar

FILE = "runs.parquet"
_INTS, _REALS = pa.list_(pa.int16()), pa.list_(pa.float32())
_SCHEMA = pa.schema(
    [
        ("data", pa.string()),
        ("task", pa.string()),
        ("metric", pa.string()),
        ("configuration", pa.int16()),
        ("seed", pa.int16()),
        ("config", pa.string()),
        ("steps", pa.list_(pa.int8())),
        ("values", pa.list_(pa.float64())),
        ("losses", _REALS),
        ("train_losses", _REALS),
        ("processor", _REALS),
        ("wanted", _INTS),
        ("found", pa.list_(_INTS)),
        ("right", pa.list_(_INTS)),
        ("facts", pa.string()),
        ("ended", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Run:
    """One configuration trained to its end on one data set, E evaluations on N dev rows.

    Attributes:
        data: The data set.
        task: Its task.
        metric: What `values` are.
        configuration: The same number is the same configuration on every data set of a task; 0 is the default.
        seed: Of the training.
        config: Path -> value, complete.
        steps: The ninths of the schedule at which it was evaluated, [E].
        values: The metric on dev, [E].
        losses: Dev loss, [E].
        train_losses: Mean training loss since the evaluation before, [E].
        processor: Seconds of processor time up to each, [E].
        wanted: Of each dev row how many entities it has; in classification the number of its class, [N].
        found: How many were predicted; in classification the number of the predicted class, [E][N].
        right: How many of them are correct; in classification 1 or 0, [E][N].
        facts: Rows, versions, device, memory counted in MiB, parameters and the cache's counters.
        ended: Why it ended before its last ninth; empty as a rule.
    """

    data: str
    task: str
    metric: str
    configuration: int
    seed: int
    config: Mapping[str, Scalar]
    steps: tuple[int, ...]
    values: tuple[float, ...]
    losses: tuple[float, ...]
    train_losses: tuple[float, ...] = ()
    processor: tuple[float, ...] = ()
    wanted: tuple[int, ...] = ()
    found: tuple[tuple[int, ...], ...] = ()
    right: tuple[tuple[int, ...], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ""

    @property
    def seconds(self) -> float:
        """Processor seconds of the whole run."""
        return self.processor[-1] if self.processor else 0.0

    @property
    def best(self) -> float:
        """The best evaluation; minus infinity where there is none."""
        return max(self.values, default=float("-inf"))


def append_line(path: Path, run: Run) -> None:
    """Add a run to a file of JSON lines, whole or not at all."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_text(path, before + json.dumps(asdict(run)) + "\n")


def read_lines(path: Path) -> list[Run]:
    """Return the runs of a file of JSON lines; none where there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [_run(json.loads(line)) for line in lines]


def write_runs(folder: Path, runs: Iterable[Run]) -> Path:
    """Write the record of `folder` as Parquet; returns the file."""
    rows = [
        {**asdict(run), "config": json.dumps(run.config, sort_keys=True), "facts": json.dumps(run.facts)}
        for run in sorted(runs, key=lambda run: (run.task, run.data, run.configuration, run.seed))
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), sink, compression="zstd", compression_level=19)
    path = folder / FILE
    write_bytes(path, sink.getvalue().to_pybytes())
    return path


def read_runs(folder: Path) -> list[Run]:
    """Return every run of the record in a folder, by task, data set, configuration and seed.

    Raises:
        FileNotFoundError: If there is no record.
    """
    rows = pq.read_table(folder / FILE).to_pylist()
    return [_run({**row, "config": json.loads(row["config"]), "facts": json.loads(row["facts"])}) for row in rows]


def _run(row: Mapping[str, Any]) -> Run:
    return Run(**{name: _frozen(value) for name, value in row.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
