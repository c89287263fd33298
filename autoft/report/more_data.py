"""Whether more data would help: what the winner scores on half of its training rows, beside all of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from autoft.report.facts import Finalists, MoreData
from autoft.report.gain import Gain, gains_over
from autoft.report.words import count_words, score, signed_score
from autoft.storage.finalists import FinalistRun

# All rows are the only rival of half of them.
_WHOLE = 1


def more_data_of(number: int, finalists: Finalists, halves: Sequence[FinalistRun]) -> MoreData | None:
    """Return what a finalist scored on half of its rows and on all, on the same seeds; None where that has not run.

    Args:
        number: The winner's.
        finalists: What the finalists scored.
        halves: All runs on half of the rows.
    """
    full = dict(zip(finalists.seeds, finalists.scores.get(number, ()), strict=False))
    ran = [run for run in halves if run.number == number and run.seed in full]
    if not ran:
        return None
    return MoreData(
        half_rows=ran[0].rows,
        seeds=tuple(run.seed for run in ran),
        half=tuple(run.value for run in ran),
        full=tuple(full[run.seed] for run in ran),
        mishaps=tuple(f"seed {run.seed}: {run.reason}" for run in ran if run.reason),
    )


def cost_of_half(found: MoreData) -> Gain:
    """Return what halving cost: the mean difference seed by seed, judged as a finalist's gain over the default is."""
    return gains_over(found.half, {_WHOLE: found.full})[_WHOLE]


def more_data_entry(found: MoreData) -> dict[str, Any]:
    """Return what result.json says of it."""
    return {
        "half_rows": found.half_rows,
        "half_mean": statistics.fmean(found.half),
        "half_std": statistics.stdev(found.half) if len(found.half) > 1 else None,
        "full_mean": statistics.fmean(found.full),
        "seeds": found.seeds,
        "cost": cost_of_half(found).to_json(),
        "mishaps": found.mishaps,
    }


def more_data_words(result: Mapping[str, Any]) -> str:
    """Return whether more data would help, in words; empty where no finalist has run."""
    found = result.get("more_data")
    if found is None:
        missing = "Whether more data would help is not known: the best has not been trained on half of its rows."
        return missing if result.get("finalists") else ""
    cost, spread = found["cost"], "" if found["half_std"] is None else f" ± {score(found['half_std'])}"
    half = (
        f"On half of its training rows ({found['half_rows']}) the best reaches {score(found['half_mean'])}{spread} "
        f"instead of {score(found['full_mean'])} ({count_words(len(found['seeds']), 'fresh seed')})"
    )
    if found.get("mishaps"):
        half += f" (a run that ended early counts with the best it had reached: {'; '.join(found['mishaps'])})"
    if cost["mean"] <= 0:
        return f"{half}: halving cost nothing, and more data of this kind is not expected to help."
    interval = ""
    if cost["ci95"] is not None:
        low, high = map(signed_score, cost["ci95"])
        interval = f" (95\N{NO-BREAK SPACE}% interval {low} to {high})"
    verdict = "more than noise" if cost["significant"] else "which may be noise"
    return (
        f"{half}: halving cost {score(cost['mean'])}{interval}, {verdict}. "
        "As a rule of thumb, doubling the data would gain less than that."
    )
