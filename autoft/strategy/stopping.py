"""When a search ends: the time that it was given. How many configurations it asks is decided where they are asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The end of a search's time, the same moment for all of its processes.

    Attributes:
        deadline: Seconds since the epoch; None has no end.
    """

    deadline: float | None = None

    def left(self, now: float) -> float | None:
        """Return the seconds until the deadline, never negative; None where there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - now)

    def is_over(self, now: float) -> bool:
        """Tell whether nothing may be begun or continued any more."""
        return self.left(now) == 0.0


def limit_from(started: float, timeout: float | None) -> TimeLimit:
    """Return the limit of a search that `started` then and may take `timeout` seconds; None is no limit."""
    return TimeLimit(None if timeout is None else started + timeout)
