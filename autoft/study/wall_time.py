"""Where a worker's wall time goes: each moment belongs to one part of its work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WORDS = {
    "import": "importing libraries",
    "load": "loading base models",
    "encode": "reading and encoding the data",
    "measure": "measuring what trials cost",
    "prefix": "computing what frozen layers hand on",
    "train": "training",
    "evaluate": "evaluating on dev",
    "checkpoint": "keeping weights and states",
    "storage": "the study's database",
    "propose": "proposing configurations",
    "idle": "waiting for other workers",
    "other": "everything else",
}
"""Part of a worker's work -> what it is."""
PARTS = tuple(WORDS)


class WallTime:
    """The seconds of each part; where parts lie within one another a moment is the innermost's.

    Args:
        clock: Seconds that only rise.
        before: Seconds that went into importing libraries, before there was a clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, before: float = 0.0) -> None:
        self._clock = clock
        self._spent = {**dict.fromkeys(PARTS, 0.0), "import": before}
        self._parts = ["other"]
        self._since = clock()

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count the body's time as one part's."""
        self._note()
        self._parts.append(part)
        try:
            yield
        finally:
            self._note()
            self._parts.pop()

    def spent(self) -> dict[str, float]:
        """Return part -> seconds, all of `PARTS`."""
        self._note()
        return dict(self._spent)

    def _note(self) -> None:
        now = self._clock()
        self._spent[self._parts[-1]] += now - self._since
        self._since = now
