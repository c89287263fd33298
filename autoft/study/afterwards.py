"""What workers do once no trial trains any more: one missing run after another, each by one worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from autoft.storage.beside import is_searching
from autoft.storage.leases import Claim, LeaseLost
from autoft.study.trial import TrialContext

logger = logging.getLogger(__name__)
T = TypeVar("T")
_WAIT_SECONDS = 0.5


def run_missing(context: TrialContext, run_next: Callable[[], bool]) -> None:
    """Run what is missing until nothing is, time is over or the worker is to end.

    Args:
        context: The worker's.
        run_next: Runs one, or waits for other workers; returns False where nothing is left to do.

    Raises:
        Interrupted: If the worker is to end.
    """
    while not context.stop.is_set() and not context.limit.is_over(time.time()):
        try:
            if not run_next():
                return
        except LeaseLost as lost:
            logger.warning("%s", lost)


def run_next_of(
    context: TrialContext,
    missing: Callable[[], Sequence[T]],
    claim: Callable[[T], Claim | None],
    run: Callable[[Claim, T], None],
) -> bool:
    """Run the first that is missing and free, or wait for other workers; return False where nothing is left to do.

    Args:
        context: The worker's.
        missing: Returns what is to be run still; it is asked once all configurations are decided.
        claim: Claims one of them; None where another worker has it.
        run: Runs what is claimed.

    Raises:
        Interrupted: If the worker is to end.
        LeaseLost: If another worker has taken the run over.
    """
    if is_searching(context.study):
        _wait(context)
        return True
    left = missing()
    for one in left:
        held = claim(one)
        if held is not None:
            run(held, one)
            return True
    if left:
        # Others are at the last ones: they may be lost, and then it is for this worker to take them over.
        _wait(context)
    return bool(left)


def _wait(context: TrialContext) -> None:
    with context.workbench.time.on("idle"):
        context.stop.wait(_WAIT_SECONDS)
