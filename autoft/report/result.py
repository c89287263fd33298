"""The content of result.json: what a search found, for programs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, cast

from autoft.report.facts import Finalists, StudyFacts
from autoft.report.front import front_entries
from autoft.storage.attributes import plain
from autoft.storage.records import TrialRecord
from autoft.study.trial_weights import best_complete

# Two-sided 95 % points of Student's t with 1, 2, … degrees of freedom.
_STUDENT_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def build_result(
    facts: StudyFacts,
    records: Sequence[TrialRecord],
    finalists: Finalists | None = None,
    test: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of result.json: plain JSON, without NaN.

    The best is the finalist with the best mean where finalists have run, else the complete trial
    with the best value; the default is among them unless it breaks a limit, and the lower number wins
    where two are equal. `front` stands there where the search minimizes a measure.

    Args:
        facts: The study.
        records: All its trials.
        finalists: What they scored on fresh seeds; None where they have not run.
        test: `best` and `default` (metric -> value) and `opened`; None while the split is sealed.
    """
    best = best_trial(records, finalists)
    default = next((one for one in records if one.number == facts.default_number), None)
    found_in = finalists or Finalists(scores={})
    model = facts.model if best is None else best.config.get("model", facts.model)
    result = {
        "study": facts.name,
        "task": facts.task,
        "metric": facts.metric,
        "direction": facts.direction,
        "model": model,
        "seed": facts.seed,
        "plain": facts.plain,
        "best": None if best is None else _entry(best, found_in),
        "default": None if default is None else _entry(default, found_in),
        "gain": _gain(best, facts.default_number, found_in),
        "test": test,
        "trials": {
            "configurations": len(records),
            "complete": _count(records, "complete"),
            "pruned": _count(records, "pruned"),
            "failed": _count(records, "failed"),
            "infeasible": _count(records, "infeasible"),
        },
        "seconds": {
            "search": facts.seconds,
            "finalists": found_in.seconds,
            "total": facts.seconds + found_in.seconds,
        },
        "data": {
            "train": facts.data.train,
            "dev": facts.data.dev,
            "test": facts.data.test,
            "fingerprint": facts.data.fingerprint,
        },
        "versions": facts.versions,
    }
    if facts.aims.minimize:
        result["front"] = front_entries(facts, records)
    return cast(dict[str, Any], plain(result))


def best_trial(records: Sequence[TrialRecord], finalists: Finalists | None = None) -> TrialRecord | None:
    """Return the finalist with the best mean, or else the complete trial with the best value; it breaks no limit."""
    means = {
        number: statistics.fmean(scores) for number, scores in (finalists.scores if finalists else {}).items() if scores
    }
    ran = [record for record in records if record.number in means and record.feasible]
    if ran:
        return max(ran, key=lambda record: (means[record.number], -record.number))
    return best_complete(records)


def paired_gain(best: Sequence[float], default: Sequence[float]) -> dict[str, Any]:
    """Return mean and 95 % interval of the differences, seed by seed, by Student's t.

    One seed has no interval, and no gain of it is significant.

    Args:
        best: The metric of the best on each seed.
        default: The metric of the default on the same seeds.
    """
    differences = [one - other for one, other in zip(best, default, strict=True)]
    mean = statistics.fmean(differences)
    freedom = len(differences) - 1
    if freedom < 1:
        return {"mean": mean, "ci95": None, "significant": False}
    # Beyond the table its last point is a little too careful.
    quantile = _STUDENT_T[min(freedom, len(_STUDENT_T)) - 1]
    half = quantile * statistics.stdev(differences) / math.sqrt(len(differences))
    return {"mean": mean, "ci95": [mean - half, mean + half], "significant": mean - half > 0}


def _entry(record: TrialRecord, finalists: Finalists) -> dict[str, Any]:
    scores = finalists.scores.get(record.number, ())
    return {
        "trial": record.number,
        "config": record.config,
        # What an unfinished trial reached is not comparable with what a finished one reached.
        "dev": record.value if record.state == "complete" else None,
        "dev_seeds": scores,
        "dev_mean": statistics.fmean(scores) if scores else None,
        "dev_std": statistics.stdev(scores) if len(scores) > 1 else None,
    }


def _gain(best: TrialRecord | None, default: int, finalists: Finalists) -> dict[str, Any] | None:
    scores = finalists.scores
    if best is None or not scores.get(best.number) or not scores.get(default):
        return None
    return paired_gain(scores[best.number], scores[default])


def _count(records: Sequence[TrialRecord], state: str) -> int:
    return sum(record.state == state for record in records)
