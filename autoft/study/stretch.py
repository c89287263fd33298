"""What earlier stretches of a configuration have left: a stretch lasts from one pause to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.storage.trials import Outcome
from autoft.study.paused import same_scores

_SUMMED = ("cache_hits", "cache_computed", "cache_bytes")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of a configuration before a stretch.

    Attributes:
        rung: Where the last stretch ended; 0 is untrained.
        evaluations: Up to there.
        seconds: Spent so far.
        execution: The record of how it was executed; empty where it was not.
        facts: Its counts.
    """

    rung: int = 0
    evaluations: tuple[EvaluationRecord, ...] = ()
    seconds: float = 0.0
    execution: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def last(self) -> EvaluationRecord | None:
        """The evaluation at which it paused."""
        return next((one for one in self.evaluations if one.step == self.rung), None)

    def known(self, evaluation: EvaluationRecord) -> EvaluationRecord | None:
        """Return the evaluation as it was recorded, None where none is recorded that is the same to the last bit."""
        return next((one for one in self.evaluations if same_scores(one, evaluation)), None)

    def outcome(self, outcome: Outcome, reached: int) -> Outcome:
        """Return an outcome whose records tell of the deepest evaluation: this stretch may not have come so far.

        What was taken from the cache is counted over all stretches.
        """
        if not self.execution:
            return outcome
        if reached > self.rung:
            summed = {
                name: count + self.facts.get(name, 0.0) for name, count in outcome.facts.items() if name in _SUMMED
            }
            return replace(outcome, facts={**outcome.facts, **summed})
        return replace(outcome, execution=self.execution, facts=self.facts)


def earlier_stretches(record: TrialRecord, rung: int) -> Earlier:
    """Return what a trial that goes on from `rung` has behind it; nothing where it begins."""
    if rung == 0:
        return Earlier()
    evaluations = tuple(one for one in record.evaluations if one.step <= rung)
    return Earlier(rung, evaluations, record.seconds, record.execution, record.facts)
