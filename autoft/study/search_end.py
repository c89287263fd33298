"""How a worker leaves a search: what is paused is told, or kept for whoever goes on."""

from __future__ import annotations

import logging
import time

from autoft.errors import StorageError
from autoft.storage.audits import audit_runs, with_audits
from autoft.storage.reading import read_trials
from autoft.storage.trials import prune_paused
from autoft.study.audit_choice import missing_audits
from autoft.study.standings import outlook_of, standings_of
from autoft.study.trial import TrialContext

logger = logging.getLogger(__name__)
# The coordinator waits a little longer than this before it ends a worker that was asked to stop.
_HURRY_SECONDS = 12.0
_REASON = "not continued before the search ended"


def end_search(context: TrialContext) -> None:
    """Tell what is paused as pruned, now that nobody can continue it, and remove its checkpoints; twice is once."""
    pruned = prune_paused(context.study, _REASON)
    logger.info("the search ended, %d paused configurations are pruned", pruned)
    _tidy(context)


def keep_paused(context: TrialContext) -> None:
    """Leave paused configurations paused, their states where the next run of the search finds them.

    So it is where the time was over or the worker was asked to stop: the search has not ended.
    """
    until = time.monotonic() + _HURRY_SECONDS
    try:
        _tidy(context)
        records = read_trials(context.study)
        order = outlook_of(context.schedule, records, standings_of(context.workbench, records))
    except StorageError as error:
        logger.warning("states of paused configurations are not written, %s", error)
        return
    context.paused.close(order, lambda: context.stop.is_set() and time.monotonic() > until)


def _tidy(context: TrialContext) -> None:
    records = read_trials(context.study)
    waiting = {record.number for record in records if record.state in ("running", "paused")}
    config = context.config
    # What the audit goes on with has been told, but its state is worth as much as that of a paused one.
    audits = missing_audits(with_audits(records, audit_runs(context.study)), config.budget, config.seed)
    context.paused.tidy({*waiting, *(record.number for record in audits)})
