"""What a free worker does next: continue a paused configuration, begin a new one, wait, or end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autoft.strategy.schedule import Promotion, Schedule
from autoft.strategy.standing import Standing


@dataclass(frozen=True, slots=True)
class Begin:
    """Ask the sampler for a new configuration."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue a paused configuration.

    Attributes:
        promotion: Which, and from where.
    """

    promotion: Promotion


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again when another worker has paused or ended what it trains: it may be worth continuing."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing is left to do."""


Move = Begin | Continue | Wait | End


def next_move(
    schedule: Schedule,
    standings: Sequence[Standing],
    *,
    paused: Collection[int],
    running: int,
    limit: int | None,
) -> Move:
    """Return what a free worker does.

    What deserves to be continued comes before anything new; when `limit` configurations have been begun, what is
    still promotable is promoted, then the search ends.

    Args:
        schedule: Who is promoted.
        standings: Every configuration that was begun, whatever its state.
        paused: The numbers of those that are paused.
        running: How many others train at this moment.
        limit: Configurations in total; None is no limit.
    """
    waiting = [one for one in standings if one.number in paused]
    promotions = schedule.promotable(waiting, standings)
    if promotions:
        return Continue(promotions[0])
    if limit is None or len(standings) < limit:
        return Begin()
    promotions = schedule.deserving(waiting, standings)
    if promotions:
        return Continue(promotions[0])
    return Wait() if running else End()
