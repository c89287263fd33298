"""Who the finalists are, on which seeds they run, and the time that is held back for them; without torch."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

from autoft.storage.finalists import FinalistRun
from autoft.storage.records import TrialRecord
from autoft.strategy.stopping import TimeLimit
from autoft.study.config import BudgetConfig
from autoft.study.trial_weights import ranked_complete

# The search is owed half of the time, whatever the finalists would take.
_MOST_HELD_BACK = 0.5
_MARGIN = 1.1
# Three show the spread, and halves are trained only to say whether more data would help.
_MOST_HALVES = 3


def challengers(records: Sequence[TrialRecord], count: int) -> tuple[TrialRecord, ...]:
    """Return the best complete trials beside the default, the best first; of equal configurations only the best.

    Args:
        records: All trials of the study.
        count: The most of them.
    """
    default = next((record for record in records if record.number == 0), None)
    known = [] if default is None else [default.config]
    found: list[TrialRecord] = []
    for record in ranked_complete(records):
        if len(found) >= count:
            break
        if record.number != 0 and record.config not in known:
            found.append(record)
            known.append(record.config)
    return tuple(found)


def finalists_of(records: Sequence[TrialRecord], budget: BudgetConfig) -> tuple[TrialRecord, ...]:
    """Return who is trained again: the complete default, then the challengers; none where nothing challenges."""
    found = challengers(records, budget.finalists)
    default = [record for record in records if record.number == 0 and record.state == "complete"]
    return (*default, *found) if found else ()


def finalist_seed(study_seed: int, index: int) -> int:
    """Return a fresh seed: those after the study's own, so never that one, and no two alike."""
    return study_seed + 1 + index


def missing_runs(
    records: Sequence[TrialRecord], runs: Sequence[FinalistRun], budget: BudgetConfig
) -> list[tuple[TrialRecord, int]]:
    """Return what is to be trained still, seed by seed: an end at any moment leaves whole pairs."""
    done = {(run.number, run.index) for run in runs}
    finalists = finalists_of(records, budget)
    return [
        (record, index) for index in range(budget.seeds) for record in finalists if (record.number, index) not in done
    ]


def compared_runs(
    records: Sequence[TrialRecord], runs: Sequence[FinalistRun], budget: BudgetConfig
) -> dict[int, tuple[FinalistRun, ...]]:
    """Return what can be compared: the runs of the finalists, and of earlier ones, on the seeds that all have run.

    Until today's finalists have one whole seed, those that an earlier run of the search has finished stand.

    Args:
        records: All trials of the study.
        runs: All of its finalists' runs.
        budget: How many finalists and seeds are asked for; none are compared where it asks for none.

    Returns:
        Trial number -> its runs, on the same seeds in the same order for all; empty where there are not two trials.
    """
    if not budget.finalists:
        return {}
    ran = sorted({run.number for run in runs} & {record.number for record in ranked_complete(records)})
    places = whole_seeds([record.number for record in finalists_of(records, budget)], runs, budget)
    places = places or tuple(range(budget.seeds))
    wanted = [number for number in ran if set(places) <= {run.index for run in runs if run.number == number}]
    found = {(run.number, run.index): run for run in runs}
    return {number: tuple(found[number, index] for index in places) for number in wanted} if len(wanted) > 1 else {}


def best_mean(records: Sequence[TrialRecord], scores: Mapping[int, Sequence[float]]) -> TrialRecord | None:
    """Return the finalist with the best mean that breaks no limit, the lower number where two are equal.

    Args:
        records: All trials of the study.
        scores: Trial number -> the metric on each fresh seed.
    """
    ran = [record for record in records if scores.get(record.number) and record.feasible]
    return max(ran, key=lambda record: (statistics.fmean(scores[record.number]), -record.number), default=None)


def missing_halves(
    records: Sequence[TrialRecord], runs: Sequence[FinalistRun], halves: Sequence[FinalistRun], budget: BudgetConfig
) -> list[tuple[TrialRecord, int]]:
    """Return the seeds on which the winner is to be trained on half of its rows still; none before it is known.

    Args:
        records: All trials of the study.
        runs: All of its finalists' runs.
        halves: All of its runs on half of the rows.
        budget: How many finalists and seeds are asked for.
    """
    found = compared_runs(records, runs, budget)
    winner = best_mean(records, {number: [run.value for run in ran] for number, ran in found.items()})
    if winner is None or missing_runs(records, runs, budget):
        return []
    done = {(run.number, run.index) for run in halves}
    return [(winner, index) for index in range(half_count(budget)) if (winner.number, index) not in done]


def half_count(budget: BudgetConfig) -> int:
    """Return on how many fresh seeds the winner is trained on half of its rows."""
    return min(budget.seeds, _MOST_HALVES) if budget.finalists else 0


def kept_numbers(records: Sequence[TrialRecord], runs: Sequence[FinalistRun], budget: BudgetConfig) -> set[int]:
    """Return the trials whose weights are kept: the default, and all that may still be the best."""
    best = ranked_complete(records)[:1]
    likely = challengers(records, budget.finalists)
    return {0, *(run.number for run in runs), *(record.number for record in (*best, *likely))}


def may_be_kept(records: Sequence[TrialRecord], done: TrialRecord, budget: BudgetConfig) -> bool:
    """Return whether the weights of a trial that is complete now are kept, ties included.

    Args:
        records: All trials of the study, this one still running.
        done: The trial as it will be told.
        budget: How many finalists there are.
    """
    others = [record for record in records if record.number != done.number]
    return done.number in kept_numbers([*others, done], (), budget)


def trials_limit(
    limit: TimeLimit,
    records: Sequence[TrialRecord],
    runs: Sequence[FinalistRun],
    budget: BudgetConfig,
    *,
    audit: float = 0.0,
) -> TimeLimit:
    """Return when trials end so that the audit and the finalists still fit, by what trials took so far.

    Nothing is held back before a trial is complete, so that there is one, and never more than half of the time.

    Args:
        limit: The end of the whole search.
        records: All trials of the study.
        runs: Finalists' runs that are done.
        budget: How much.
        audit: Seconds that the audit will take.
    """
    if limit.deadline is None or budget.timeout is None:
        return limit
    held_back = _MARGIN * (finalist_seconds(records, runs, budget) + audit)
    return TimeLimit(limit.deadline - min(held_back, _MOST_HELD_BACK * budget.timeout))


def audit_limit(
    limit: TimeLimit,
    records: Sequence[TrialRecord],
    runs: Sequence[FinalistRun],
    budget: BudgetConfig,
    *,
    audit: float,
) -> TimeLimit:
    """Return when an audit that begins now ends, so that the finalists still fit.

    Of the time that is held back it is the first to take its part: what the finalists cannot do then is told.

    Args:
        limit: The end of the whole search.
        records: All trials of the study.
        runs: Finalists' runs that are done.
        budget: How much.
        audit: Seconds that the audit will take.
    """
    ends = trials_limit(limit, records, runs, budget, audit=audit).deadline
    if ends is None or limit.deadline is None:
        return limit
    return TimeLimit(min(limit.deadline, ends + _MARGIN * audit))


def finalist_seconds(records: Sequence[TrialRecord], runs: Sequence[FinalistRun], budget: BudgetConfig) -> float:
    """Return the seconds that the finalists and the winner's halves will take, as trials took them.

    It is 0 before the first trial is complete.

    A finalist that is not found yet is taken to need as long as the longest complete trial; so is the winner, which may
    be another one by then, on half of its rows.
    """
    complete = ranked_complete(records)
    wanted = 1 + min(budget.finalists, budget.trials - 1)
    if not complete or wanted == 1:
        return 0.0
    known = finalists_of(records, budget)
    unknown = wanted - len(known)
    longest = max(record.seconds for record in complete)
    seconds = sum(record.seconds for record, _ in missing_runs(records, runs, budget))
    seconds += max(0, unknown) * budget.seeds * longest
    return (seconds + half_count(budget) * longest / 2) / budget.workers


def whole_seeds(numbers: Collection[int], runs: Sequence[FinalistRun], budget: BudgetConfig) -> tuple[int, ...]:
    """Return the places of the seeds on which all of these configurations have run."""
    done = {(run.number, run.index) for run in runs}
    places = range(budget.seeds) if numbers else ()
    return tuple(index for index in places if all((number, index) in done for number in numbers))
