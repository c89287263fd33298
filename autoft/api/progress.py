"""What a watcher of a search is shown, again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from autoft.storage.finalists import FinalistRun
from autoft.storage.lineage import Promoted
from autoft.storage.records import StopRecord, TrialRecord
from autoft.study.trial_weights import best_complete

Phase = Literal["search", "audit", "finalists", "delivery"]


@dataclass(frozen=True, slots=True)
class Progress:
    """A search at one moment.

    Attributes:
        phase: What is going on.
        records: All trials so far.
        trials: Configurations that the search may ask in total.
        seconds: Since this run of the search began.
        seconds_left: Until the time limit; None where there is none.
        earlier: Trials that were decided before this run of the search.
        runs: Finalists' runs so far.
        runs_done: Those of today's finalists.
        missing: Those of today's finalists that are to be done still.
        workers: Processes that train at once.
        promotions: Paused trials that were continued, oldest first.
        promoted_earlier: How many of them before this run of the search.
        stop: Why the search begins nothing new though more was asked; None where it does.
        audited: Pruned configurations that the audit has trained to their end.
        audits_missing: Those that it has to finish still, as it looks now.
        halves: Runs of the winner on half of its rows so far.
        halves_missing: Those that are to be done still.
    """

    phase: Phase
    records: Sequence[TrialRecord]
    trials: int
    seconds: float
    seconds_left: float | None
    earlier: frozenset[int] = frozenset()
    runs: Sequence[FinalistRun] = ()
    runs_done: int = 0
    missing: int = 0
    workers: int = 1
    promotions: Sequence[Promoted] = ()
    promoted_earlier: int = 0
    stop: StopRecord | None = None
    audited: int = 0
    audits_missing: int = 0
    halves: Sequence[FinalistRun] = ()
    halves_missing: int = 0

    @property
    def decided(self) -> list[TrialRecord]:
        """Trials whose fate is decided."""
        return [record for record in self.records if record.state not in ("running", "paused")]

    @property
    def paused(self) -> list[TrialRecord]:
        """Trials that wait at a rung."""
        return [record for record in self.records if record.state == "paused"]

    @property
    def stretches(self) -> int:
        """Stretches of training that have ended, at a pause or for good."""
        return len(self.decided) + len(self.paused) + len(self.promotions)

    @property
    def best(self) -> TrialRecord | None:
        """The complete trial with the best value so far."""
        return best_complete(self.records)

    @property
    def expected_seconds(self) -> float | None:
        """Seconds until all is done that the phase is about, from the pace so far; None before the first.

        What is paused counts as done, and the pace holds what promotions have taken so far: how many will follow when
        all configurations have been begun is not known.
        """
        if self.phase == "finalists":
            return self._finalists_seconds()
        done = len(self.decided) + len(self.paused)
        new = done - len(self.earlier)
        if new <= 0 or done >= self.trials or self.phase == "audit":
            return None
        left = (self.trials - done) * self.seconds / new
        return left if self.seconds_left is None else min(left, self.seconds_left)

    def _finalists_seconds(self) -> float | None:
        if not self.runs:
            return None
        mean = sum(run.seconds for run in self.runs) / len(self.runs)
        left = (self.missing + self.halves_missing / 2) * mean / self.workers
        return left if self.seconds_left is None else min(left, self.seconds_left)


Watcher = Callable[[Progress], None]
