"""The content of result.json: what a search found, for programs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from autoft.report.audit import audit_entry
from autoft.report.facts import Finalists, StudyFacts
from autoft.report.front import front_entries
from autoft.report.gain import Gain, gains_over
from autoft.storage.attributes import plain
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord
from autoft.study.config import BudgetConfig
from autoft.study.final_choice import finalists_of, whole_seeds
from autoft.study.trial_weights import best_complete, ranked_complete


def build_result(
    facts: StudyFacts,
    records: Sequence[TrialRecord],
    test: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of result.json: plain JSON, without NaN.

    The best is the finalist with the best mean where finalists have run, else the complete trial
    with the best value; the default is among them unless it breaks a limit, and the lower number wins
    where two are equal. `gain` is what the best gives over the default: exactly 0 where the default itself
    is the best; what the others lack then stands in `finalists`. `front` stands there where the search
    minimizes a measure. `stopped` says why the search began fewer configurations than were asked; None where it did
    not stop by itself. `audit` says how often pruning threw away a better configuration; None where that is not asked.
    What the audit has finished is complete like any other, and may be the best. `time` says where the wall time of all
    workers went, in seconds.

    Args:
        facts: The study.
        records: All its trials.
        test: `best` and `default` (metric -> value) and `opened`; None while the split is sealed.
    """
    best = best_trial(records, facts.finalists)
    default = next((one for one in records if one.number == facts.default_number), None)
    gains = finalist_gains(facts)
    model = facts.model if best is None else best.config.get("model", facts.model)
    result = {
        "study": facts.name,
        "task": facts.task,
        "metric": facts.metric,
        "direction": "maximize",
        "model": model,
        "seed": facts.seed,
        "plain": facts.plain,
        "best": None if best is None else _entry(best, facts.finalists),
        "default": None if default is None else _entry(default, facts.finalists),
        "gain": _gain(best, facts.default_number, gains),
        "finalists": _finalists(records, facts.finalists, gains),
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
            "finalists": facts.finalists.seconds,
            "total": facts.seconds + facts.finalists.seconds,
        },
        "data": {
            "train": facts.data.train,
            "dev": facts.data.dev,
            "test": facts.data.test,
            "fingerprint": facts.data.fingerprint,
        },
        "versions": facts.versions,
        "audit": audit_entry(facts, records),
        "stopped": None if facts.stop is None else {**asdict(facts.stop), "asked": facts.asked},
    }
    result["time"] = facts.time
    if facts.aims.minimize:
        result["front"] = front_entries(facts, records)
    return cast(dict[str, Any], plain(result))


def best_trial(records: Sequence[TrialRecord], finalists: Finalists) -> TrialRecord | None:
    """Return the finalist with the best mean, or else the complete trial with the best value; it breaks no limit."""
    means = {number: statistics.fmean(scores) for number, scores in finalists.scores.items() if scores}
    ran = [record for record in records if record.number in means and record.feasible]
    if ran:
        return max(ran, key=lambda record: (means[record.number], -record.number))
    return best_complete(records)


def compared_finalists(records: Sequence[TrialRecord], runs: Sequence[FinalistRun], budget: BudgetConfig) -> Finalists:
    """Return what can be compared: the finalists on the seeds that all have run, and earlier ones with them.

    Until today's finalists have one whole seed, those that an earlier run of the search has finished stand.

    Args:
        records: All trials of the study.
        runs: All of its finalists' runs.
        budget: How many finalists and seeds are asked for; none are compared where it asks for none.
    """
    if not budget.finalists:
        return Finalists()
    ran = sorted({run.number for run in runs} & {record.number for record in ranked_complete(records)})
    places = whole_seeds([record.number for record in finalists_of(records, budget)], runs, budget)
    places = places or tuple(range(budget.seeds))
    wanted = [number for number in ran if set(places) <= {run.index for run in runs if run.number == number}]
    if len(wanted) < 2:
        return Finalists()
    found = {(run.number, run.index): run for run in runs}
    return Finalists(
        scores={number: tuple(found[number, index].value for index in places) for number in wanted},
        seeds=tuple(found[wanted[0], index].seed for index in places),
        asked=budget.seeds,
        mishaps=tuple(
            f"trial {run.number}, seed {run.seed}: {run.state}, {run.reason}; it counts with {run.value:.4f}"
            for run in runs
            if run.number in wanted and run.index in places and run.reason
        ),
    )


def finalist_gains(facts: StudyFacts) -> dict[int, Gain]:
    """Return the gain of each finalist over the default; empty where they have not run."""
    scores = facts.finalists.scores
    default = scores.get(facts.default_number)
    if not default:
        return {}
    return gains_over(default, {number: one for number, one in scores.items() if number != facts.default_number})


def _entry(record: TrialRecord, finalists: Finalists) -> dict[str, Any]:
    scores = finalists.scores.get(record.number, ())
    return {
        "trial": record.number,
        "config": record.config,
        # What an unfinished trial reached is not comparable with what a finished one reached.
        "dev": record.value if record.state == "complete" else None,
        **_seeds(scores),
    }


def _seeds(scores: Sequence[float]) -> dict[str, Any]:
    return {
        "dev_seeds": scores,
        "dev_mean": statistics.fmean(scores) if scores else None,
        "dev_std": statistics.stdev(scores) if len(scores) > 1 else None,
    }


def _gain(best: TrialRecord | None, default: int, gains: Mapping[int, Gain]) -> dict[str, Any] | None:
    if best is None or not gains:
        return None
    return (Gain(0.0, (0.0, 0.0)) if best.number == default else gains[best.number]).to_json()


def _finalists(
    records: Sequence[TrialRecord], finalists: Finalists, gains: Mapping[int, Gain]
) -> dict[str, Any] | None:
    """Return all that ran on fresh seeds, the best mean first; None where none has."""
    ran = [record for record in records if finalists.scores.get(record.number)]
    if not ran:
        return None
    entries = [
        {
            "trial": record.number,
            "dev": record.value,
            **_seeds(finalists.scores[record.number]),
            "gain": gains[record.number].to_json() if record.number in gains else None,
        }
        for record in ran
    ]
    return {
        "seeds": finalists.seeds,
        "asked": finalists.asked,
        "mishaps": finalists.mishaps,
        "ran": sorted(entries, key=lambda entry: (-entry["dev_mean"], entry["trial"])),
    }


def _count(records: Sequence[TrialRecord], state: str) -> int:
    return sum(record.state == state for record in records)
