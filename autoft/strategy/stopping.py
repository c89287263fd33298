"""When a search ends: the time that it was given, or that more configurations bring nothing which could be seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# So many latest configurations must have brought nothing; of them and of all but the default, so many be complete.
_WINDOW = 20
_FEWEST_LATE = 2
_FEWEST = 4


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


@dataclass(frozen=True, slots=True)
class Standstill:
    """That the latest configurations gained less than what the dev score can show.

    Attributes:
        begun: How many configurations had been begun, the default among them.
        window: How many of them are the latest.
        gain: By how much the best of the latest beats the best before them, 0 where it does not.
        noise: Standard error of the best dev score.
    """

    begun: int
    window: int
    gain: float
    noise: float


def standstill(begun: int, complete: Mapping[int, float], *, units: int, floor: float) -> Standstill | None:
    """Return that a search stands still, None where it does not or too little is known.

    It stands still when the best of the latest 20 configurations beats the best before them by less than the standard
    error of the best score: by then the next 20 cannot be expected to bring what anyone could see. The idea to set the
    possible gain against the error of the estimate is that of Makarova et al. 2022, Automatic Termination for
    Hyperparameter Optimization; their bound by a Gaussian process is not used, since promotion leaves too few
    complete configurations for one.

    Args:
        begun: How many configurations were begun, whatever their states.
        complete: Number -> value of those that are complete and break no limit.
        units: What is scored one by one on dev: entities, or rows.
        floor: The metric's value of a useless model: a search that has learned nothing yet does not stand still.
    """
    first = begun - _WINDOW
    earlier = [value for number, value in complete.items() if number < first]
    late = [value for number, value in complete.items() if number >= first and number > 0]
    rivals = sum(number > 0 for number in complete)
    if not earlier or len(late) < _FEWEST_LATE or rivals < _FEWEST:
        return None
    best = max(*earlier, *late)
    noise = standard_error(best, units)
    gain = max(0.0, max(late) - max(earlier))
    if noise is None or best <= floor or gain >= noise:
        return None
    return Standstill(begun, _WINDOW, gain, noise)


def standard_error(value: float, units: int) -> float | None:
    r"""Return the standard error of a mean of `units` scores between 0 and 1; None where `value` is no such mean.

    :math:`\sqrt{p (1 - p) / n}` is that of a share and the largest of any such mean (Bhatia and Davis 2000, A Better
    Bound on the Variance). It is taken at the plus-four estimate of Agresti and Coull 1998, so that a perfect score of
    few units is not free of error.

    Args:
        value: The score.
        units: Of how many.
    """
    if units < 1 or not 0.0 <= value <= 1.0:
        return None
    share = (value * units + 2.0) / (units + 4.0)
    return math.sqrt(share * (1.0 - share) / units)
