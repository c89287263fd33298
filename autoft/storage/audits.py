"""The pruning audit in storage: what pruning left unfinished and was finished all the same, beside the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autoft.storage.attributes import as_evaluation
from autoft.storage.beside import claim_beside, finish_beside
from autoft.storage.leases import LEASE_SECONDS, Claim
from autoft.storage.lineage import links
from autoft.storage.reading import read_trials
from autoft.storage.records import EvaluationRecord, TrialRecord, best_value
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import Word


@dataclass(frozen=True, slots=True)
class AuditRun:
    """One configuration that pruning had left unfinished, trained to its end.

    Attributes:
        number: The configuration's.
        rung: Where the search had left it.
        state: `complete`, or how it ended before its end.
        reason: Why, in words; None for `complete`.
        evaluations: All of them, those of the search too.
        metrics: Every metric at the best evaluation.
        seconds: What the audit spent on it.
        execution: What a replay needs besides the configuration.
        facts: Counts about the trial.
    """

    number: int
    rung: int
    state: Word
    reason: str | None = None
    evaluations: tuple[EvaluationRecord, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    execution: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)


def claim_audit(
    study: StudyHandle, number: int, rung: int, worker: str, *, seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Claim a configuration for the audit; None where another worker has it, or where it is done.

    Args:
        study: The study.
        number: The configuration's.
        rung: Where the search has left it.
        worker: This process.
        seconds: How long the lease holds without a renewal.
    """
    return claim_beside(study, number, rung, worker, work="audit", seconds=seconds)


def finish_audit(study: StudyHandle, held: Claim, run: AuditRun) -> None:
    """Store how an audited configuration ended, and end its claim in the same transaction.

    Raises:
        LeaseLost: If another worker has taken it over.
    """
    finish_beside(study, held, "audit_of", asdict(run))


def audit_runs(study: StudyHandle) -> tuple[AuditRun, ...]:
    """Return every configuration that the audit has trained, in the order in which they ended."""
    found: dict[int, AuditRun] = {}
    for link in links(study, "audit_of"):
        evaluations = tuple(as_evaluation(one) for one in link.facts["evaluations"])
        run = AuditRun(**{**link.facts, "evaluations": evaluations})
        # A transaction that is repeated after a lost answer writes the same twice.
        found.setdefault(run.number, run)
    return tuple(found.values())


def read_audited(study: StudyHandle) -> tuple[TrialRecord, ...]:
    """Return every configuration of a study, those that the audit has trained as it left them.

    It is for whoever picks, delivers or reports; the search itself asks `read_trials`, and so sees nothing of it.

    Raises:
        StorageError: If the database cannot be reached.
    """
    return with_audits(read_trials(study), audit_runs(study))


def with_audits(records: Sequence[TrialRecord], runs: Sequence[AuditRun]) -> tuple[TrialRecord, ...]:
    """Return trials as the search has told them, but those that the audit has trained as it left them."""
    found = {run.number: run for run in runs}
    return tuple(_audited(record, found[record.number]) if record.number in found else record for record in records)


def _audited(record: TrialRecord, run: AuditRun) -> TrialRecord:
    if record.state not in ("paused", "pruned"):
        # A search that went on has trained it further itself.
        return record
    seconds = record.seconds + run.seconds
    if run.state != "complete":
        reason = f"{record.reason}; in the audit {run.state}, {run.reason}"
        return replace(record, audited=True, state="pruned", reason=reason, seconds=seconds)
    return replace(
        record,
        audited=True,
        state="complete",
        value=best_value(run.evaluations),
        evaluations=run.evaluations,
        metrics=run.metrics,
        reason=f"{record.reason}; finished by the audit",
        seconds=seconds,
        execution=run.execution,
        facts={**record.facts, **run.facts},
    )
