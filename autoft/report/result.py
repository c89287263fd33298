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
from autoft.report.more_data import more_data_entry
from autoft.storage.attributes import plain
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord
from autoft.study.config import BudgetConfig
from autoft.study.final_choice import best_mean, compared_runs
from autoft.study.trial_weights import best_complete


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
    `more_data` says what the best scores on half of its training rows; None where that has not run.
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
            "folds": facts.data.folds,
        },
        "versions": facts.versions,
        "audit": audit_entry(facts, records),
        "stopped": None if facts.stop is None else {**asdict(facts.stop), "asked": facts.asked},
        "more_data": None if facts.more_data is None else more_data_entry(facts.more_data),
    }
    result["time"] = facts.time
    if facts.aims.minimize:
        result["front"] = front_entries(facts, records)
    return cast(dict[str, Any], plain(result))


def best_trial(records: Sequence[TrialRecord], finalists: Finalists) -> TrialRecord | None:
    """Return the finalist with the best mean, or else the complete trial with the best value; it breaks no limit."""
    return best_mean(records, finalists.scores) or best_complete(records)


def compared_finalists(records: Sequence[TrialRecord], runs: Sequence[FinalistRun], budget: BudgetConfig) -> Finalists:
    """Return what the finalists scored, as far as it can be compared, see `compared_runs`.

    Args:
        records: All trials of the study.
        runs: All of its finalists' runs.
        budget: How many finalists and seeds are asked for.
    """
    found = compared_runs(records, runs, budget)
    if not found:
        return Finalists()
    return Finalists(
        scores={number: tuple(run.value for run in ran) for number, ran in found.items()},
        seeds=tuple(run.seed for run in next(iter(found.values()))),
        asked=budget.seeds,
        mishaps=tuple(
            f"trial {run.number}, seed {run.seed}: {run.state}, {run.reason}; it counts with {run.value:.4f}"
            for run in runs
            if run.reason and run in found.get(run.number, ())
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
