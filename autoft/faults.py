"""The fault switch: tests name a place and what goes wrong there; off in ordinary use.

`AUTOFT_FAULTS="trial.step=oom@3,storage.write=error@1"` makes the third arrival at `trial.step` and the first at
`storage.write` fail. Kinds: `oom`, `nan`, `error`, `kill`, `term`, `sleep`.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

_arrivals: Counter[str] = Counter()


def reached(place: str) -> str | None:
    """Count one arrival at `place`; carry out or return the fault set for it.

    Returns:
        None, or the kind of fault (`oom`, `nan`, `error`) that the caller turns into its own failure.
    """
    plan = os.environ.get("AUTOFT_FAULTS")
    if not plan:
        return None
    _arrivals[place] += 1
    for entry in plan.split(","):
        where, _, what = entry.partition("=")
        kind, _, nth = what.partition("@")
        if where == place and int(nth or 1) == _arrivals[place]:
            return _carry_out(kind)
    return None


def _carry_out(kind: str) -> str | None:
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "term":
        os.kill(os.getpid(), signal.SIGTERM)
        return None
    if kind == "sleep":
        time.sleep(3)
        return None
    return kind


def reset() -> None:
    """Forget all arrivals."""
    _arrivals.clear()
