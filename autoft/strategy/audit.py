"""Which pruned configurations an audit finishes: a random draw, as large as a share of the search affords."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Iterable, Sequence


def audit_order(numbers: Iterable[int], seed: int) -> list[int]:
    """Return configurations in a random order, every order as likely as any other.

    A configuration's place follows from a key of its own, so that those which a longer search adds are mixed in and
    leave the others in their order: the first of it are a uniform random sample at any time (bottom-k sampling, Cohen
    and Kaplan 2007, Summarizing Data using Bottom-k Sketches).

    Args:
        numbers: The configurations that pruning has left unfinished.
        seed: The study's.
    """
    return sorted(numbers, key=lambda number: (_key(seed, number), number))


def audit_size(share: float, spent: float, costs: Sequence[float]) -> int:
    """Return how many configurations an audit finishes, at least one where there is any.

    It is reckoned from the mean cost of all: were the costs of those that are drawn summed up to the budget, cheap ones
    would be let in more often, and the draw would not be uniform any more.

    Args:
        share: What the audit may cost, as a share of the search.
        spent: What the search has cost, in epochs.
        costs: What each configuration that may be drawn lacks to its end, in epochs.
    """
    if not costs:
        return 0
    mean = statistics.fmean(costs)
    affordable = len(costs) if mean <= 0 else int(share * spent / mean)
    return min(len(costs), max(1, affordable))


def _key(seed: int, number: int) -> bytes:
    return hashlib.sha256(f"audit:{seed}:{number}".encode()).digest()
