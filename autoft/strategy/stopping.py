"""When a search ends: the budget that all workers of a study share."""

from __future__ import annotations

from dataclasses import dataclass

from autoft.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search may spend; None is no limit.

    Attributes:
        trials: Configurations in total, over all workers and resumes, the default included.
        deadline: Seconds since the epoch after which no configuration is begun.
    """

    trials: int | None = None
    deadline: float | None = None

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise ConfigError(f"--trials: a total of at least 1 expected, got {self.trials}")

    def time_left(self, now: float) -> float | None:
        """Return the seconds until the deadline, never negative; None where there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - now)

    def over(self, *, asked: int, now: float) -> bool:
        """Tell whether nothing may be begun any more, with `asked` configurations asked so far."""
        if self.trials is not None and asked >= self.trials:
            return True
        return self.time_left(now) == 0.0


def budget_of(*, trials: int | None, timeout: float | None, started: float) -> Budget:
    """Return the budget of a search that `started` now and may take `timeout` seconds.

    Raises:
        ConfigError: If a limit is not above zero.
    """
    if timeout is not None and not timeout > 0:
        raise ConfigError(f"--timeout: a time above 0 expected, got {timeout:g} s")
    return Budget(trials, None if timeout is None else started + timeout)
