"""What the pruning audit says: how often pruning threw away a configuration better than the best it had left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

from autoft.report.facts import StudyFacts
from autoft.storage.records import TrialRecord
from autoft.study.audit_choice import counted, drawn, left_unfinished
from autoft.study.trial_weights import best_complete

_ERROR = 0.05


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of which `hits` of `count` were seen, by Wilson's score.

    Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference; it is of use where few or none
    were seen (Newcombe 1998). That the population is finite is left out: the interval is a little too wide.

    Raises:
        ValueError: If nothing was counted.
    """
    if count < 1 or not 0 <= hits <= count:
        raise ValueError(f"hits among at least one expected, got {hits} of {count}")
    quantile = NormalDist().inv_cdf(1 - _ERROR / 2)
    share, weight = hits / count, quantile**2 / count
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    # The ends are exact where none or all were seen.
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == count else middle + half)


def audit_entry(facts: StudyFacts, records: Sequence[TrialRecord]) -> dict[str, Any] | None:
    """Return what result.json says of the audit; None where none is asked for.

    What was audited is compared with the best complete trial that was not: with what the search would have delivered
    without it. `gap` is by how much the best of them is better (below 0: worse) and `trial` which it is.

    Args:
        facts: The study.
        records: All its trials, as the audit left them.
    """
    if facts.audit is None:
        return None
    found, rival = counted(records, facts.seed), best_complete([one for one in records if not one.audited])
    best = best_complete(found)
    entry: dict[str, Any] = {
        "share": facts.audit,
        "pruned": len(left_unfinished(records, facts.seed)),
        "drawn": len(drawn(records, facts.audit, facts.seed)),
        "audited": len(found),
        **dict.fromkeys(("better", "rate", "ci95", "gap", "trial")),
    }
    if not found or rival is None or rival.value is None:
        return entry
    bar = rival.value
    better = sum(one.state == "complete" and one.value is not None and one.value > bar for one in found)
    entry |= {"better": better, "rate": better / len(found), "ci95": wilson_interval(better, len(found))}
    if best is not None and best.value is not None:
        entry |= {"gap": best.value - bar, "trial": best.number}
    return entry
