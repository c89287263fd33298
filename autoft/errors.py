"""The tree of errors: what stops a command, and what ends one trial only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class AutoftError(Exception):
    """Any error that autoft raises on purpose."""


class ConfigError(AutoftError):
    """What the user gave is wrong; every problem found, one line each.

    A problem reads `place: law, got value, hint`.
    """

    def __init__(self, *problems: str) -> None:
        self.problems: tuple[str, ...] = problems
        super().__init__("\n".join(problems))


class SpaceError(ConfigError):
    """A search space, or a value in it, breaks a law."""


class DataError(ConfigError):
    """A data set, or a row of it, breaks a law."""


class UnknownNameError(ConfigError):
    """A name that nothing is registered under."""


class StudyError(ConfigError):
    """A study cannot be opened, resumed or used as asked."""


class StorageError(AutoftError):
    """The storage cannot be reached, or lost the connection for longer than the retries last."""


class TrialError(AutoftError):
    """Ends this trial only; the search goes on."""


class OutOfMemory(TrialError):  # noqa: N818 - the design's name
    """The trial does not fit the device, even one sequence at a time."""


class Diverged(TrialError):  # noqa: N818 - the design's name
    """The training loss is no longer a finite number."""


class OverLimit(TrialError):  # noqa: N818 - named like its neighbours
    """The trial needs more than a limit of the study allows."""


class TimedOut(TrialError):  # noqa: N818 - the design's name
    """The time given to the search ended inside the trial."""


class Findings:
    """Problems of several parts of what the user gave, raised together."""

    def __init__(self) -> None:
        self._errors: list[ConfigError] = []

    def of(self, judge: Callable[[], T]) -> T | None:
        """Return what `judge` returns; None where it raised a ConfigError, which is kept."""
        try:
            return judge()
        except ConfigError as error:
            self._errors.append(error)
            return None

    def add(self, error: ConfigError) -> None:
        """Keep one more error."""
        self._errors.append(error)

    def raise_any(self) -> None:
        """Raise what was kept: a single error as it is, several as one with every problem.

        Raises:
            ConfigError: If there are any.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise ConfigError(*dict.fromkeys(problem for error in self._errors for problem in error.problems))
