"""Whether a search stops by itself: asked by whoever would begin a configuration, remembered for all workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from autoft.storage.records import StopRecord, TrialRecord
from autoft.storage.studies import StudyHandle, record_stop, recorded_stop
from autoft.strategy.stopping import standstill
from autoft.study.trial_weights import ranked_complete

if TYPE_CHECKING:
    from autoft.study.bench import Workbench

logger = logging.getLogger(__name__)
Stopping = Callable[[Sequence[TrialRecord]], StopRecord | None]


def never(records: Sequence[TrialRecord]) -> StopRecord | None:
    """Go on until all configurations were begun."""
    del records
    return None


class SelfStop:
    """Stops a search that stands still; what was decided once holds for all workers.

    Args:
        study: The search.
        units: What is scored one by one on dev.
        floor: The metric's value of a useless model.
    """

    def __init__(self, study: StudyHandle, *, units: int, floor: float) -> None:
        self._study, self._units, self._floor = study, units, floor

    def __call__(self, records: Sequence[TrialRecord]) -> StopRecord | None:
        """Return why nothing new is begun, None where it is.

        Args:
            records: All trials of the study.
        """
        known = recorded_stop(self._study)
        if known is not None:
            return known
        complete = {record.number: record.value for record in ranked_complete(records) if record.value is not None}
        found = standstill(len(records), complete, units=self._units, floor=self._floor)
        if found is None:
            return None
        stop = StopRecord(**asdict(found))
        record_stop(self._study, stop)
        logger.info("the search stands still after %d configurations", stop.begun)
        return stop


def stopping_of(study: StudyHandle, workbench: Workbench) -> Stopping:
    """Return whether a search stops by itself, as its budget asks."""
    if workbench.config.budget.stop is None:
        return never
    counts = workbench.task.label_counts(workbench.data.scored)
    return SelfStop(study, units=sum(counts.values()), floor=workbench.floor)


def reopen(study: StudyHandle, begun: int, stop: str | None) -> None:
    """Let a search that had stopped by itself go on, unless it is asked to stop and nothing was begun since.

    Args:
        study: The search, before it runs again.
        begun: How many configurations it has.
        stop: What its budget asks now.
    """
    known = recorded_stop(study)
    if known is not None and (stop is None or known.begun != begun):
        record_stop(study, None)
