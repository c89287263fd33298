"""Which configurations the audit finishes, what is missing of them, and the time that it needs; without torch.

All of it is asked of trials as the audit has left them, `read_audited`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from autoft.storage.records import TrialRecord
from autoft.strategy.audit import audit_order, audit_size
from autoft.study.config import BudgetConfig


def left_unfinished(records: Sequence[TrialRecord], seed: int) -> list[TrialRecord]:
    """Return all that pruning has left unfinished, in the order in which the audit finishes them.

    What waits at a rung belongs to it: where time was over before the search had ended, that is what was not finished.

    Args:
        records: All trials of the study.
        seed: The study's.
    """
    found = {record.number: record for record in records if record.left_at is not None}
    return [found[number] for number in audit_order(found, seed)]


def drawn(records: Sequence[TrialRecord], share: float | None, seed: int) -> list[TrialRecord]:
    """Return the configurations that the audit finishes, in its order; none where no audit is asked for.

    Args:
        records: All trials of the study.
        share: What the audit may cost, as a share of the epochs of the search.
        seed: The study's.
    """
    if share is None:
        return []
    ordered = left_unfinished(records, seed)
    spent = sum(_trained(record) for record in records)
    return ordered[: audit_size(share, spent, [_lacking(record) for record in ordered])]


def missing_audits(records: Sequence[TrialRecord], budget: BudgetConfig, seed: int) -> list[TrialRecord]:
    """Return what the audit has to finish still, in its order."""
    return [record for record in drawn(records, budget.audit, seed) if not record.audited]


def counted(records: Sequence[TrialRecord], seed: int) -> list[TrialRecord]:
    """Return the audited configurations from which a frequency may be told: the first of the order without a gap.

    With a gap those that end quickly would stand for the others: where time is over among several workers' audits, or
    where a search that went on has mixed in new ones.
    """
    return list(takewhile(lambda record: record.audited, left_unfinished(records, seed)))


def audit_seconds(records: Sequence[TrialRecord], budget: BudgetConfig, seed: int) -> float:
    """Return the seconds that the audit will take still, as trials took them.

    What is paused goes on from its rung; what was told has no state any more, and is reckoned from its beginning.
    """
    seconds = 0.0
    for record in missing_audits(records, budget, seed):
        epoch = record.seconds / _trained(record)
        seconds += epoch * (_lacking(record) if record.state == "paused" else _whole(record))
    return seconds / budget.workers


def _whole(record: TrialRecord) -> float:
    return float(record.config["train.epochs"])


def _trained(record: TrialRecord) -> float:
    """Return the epochs that the search has trained of a configuration."""
    evaluations = record.as_searched.evaluations
    return evaluations[-1].epoch if evaluations else 0.0


def _lacking(record: TrialRecord) -> float:
    return max(0.0, _whole(record) - _trained(record))
