"""events.jsonl: what happened in a study, a line each, written by the coordinator alone."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autoft.storage.finalists import FinalistRun, Fresh
from autoft.storage.lineage import Promoted
from autoft.storage.records import StopRecord, TrialRecord


class EventLog:
    """The events of a study, each written once, however often the study is resumed.

    Args:
        path: The file; made with the first event.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        written = list(self._written())
        self._decided = {event["number"] for event in written if event["event"] == "trial"}
        self._ran = {
            (event["event"], event["number"], event["seed"])
            for event in written
            if event["event"] in ("finalist", "half")
        }
        self._promoted = sum(event["event"] == "promoted" for event in written)
        self._audited = {event["number"] for event in written if event["event"] == "audited"}
        self._stops = {event["begun"] for event in written if event["event"] == "stopped"}

    def add(self, kind: str, **facts: Any) -> None:
        """Add one line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"time": round(time.time(), 3), "event": kind, **facts}, ensure_ascii=False)
        with self._path.open("ab+") as file:
            # A killed process leaves half a line; the next one begins on its own.
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            torn = file.read(1) not in (b"", b"\n")
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")

    def note_decided(self, records: Sequence[TrialRecord]) -> None:
        """Add each trial whose fate was decided since the last call."""
        for record in records:
            if record.state not in ("running", "paused") and record.number not in self._decided:
                self._decided.add(record.number)
                self.add("trial", number=record.number, state=record.state, value=record.value, reason=record.reason)

    def note_runs(self, runs: Sequence[FinalistRun], kind: Fresh = "finalist") -> None:
        """Add each run on a fresh seed that was done since the last call.

        Args:
            runs: All of that kind.
            kind: Of finalists, or of the winner on half of its rows.
        """
        for run in runs:
            if (kind, run.number, run.seed) not in self._ran:
                self._ran.add((kind, run.number, run.seed))
                self.add(kind, number=run.number, seed=run.seed, value=run.value, reason=run.reason)

    def note_promotions(self, promotions: Sequence[Promoted]) -> None:
        """Add each promotion since the last call.

        Args:
            promotions: All of the study, oldest first.
        """
        for promoted in promotions[self._promoted :]:
            self.add("promoted", number=promoted.number, rung=promoted.rung)
        self._promoted = max(self._promoted, len(promotions))

    def note_audits(self, records: Sequence[TrialRecord]) -> None:
        """Add each configuration that the audit has trained to its end since the last call."""
        for record in records:
            if record.audited and record.number not in self._audited:
                self._audited.add(record.number)
                self.add("audited", number=record.number, rung=record.left_at, state=record.state, value=record.value)

    def note_stop(self, stop: StopRecord | None) -> None:
        """Add that the search stopped by itself, once for each number of configurations."""
        if stop is not None and stop.begun not in self._stops:
            self._stops.add(stop.begun)
            self.add("stopped", **asdict(stop))

    def _written(self) -> Iterator[dict[str, Any]]:
        for line in self._path.read_text(encoding="utf-8").split("\n") if self._path.is_file() else ():
            # A killed process leaves half a line.
            with contextlib.suppress(ValueError):
                yield json.loads(line)
