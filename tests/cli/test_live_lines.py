"""What a search prints where there is no terminal, and above its table where there is one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from autoft.api.progress import Progress
from autoft.cli.live import watching
from autoft.storage.lineage import Promoted
from autoft.storage.records import EvaluationRecord, Scalar, TrialRecord, TrialState

CONFIG: dict[str, Scalar] = {"method": "lora", "method.lora.learning_rate": 1e-3, "train.batch_size": 8}


def trial(number: int, state: TrialState, last: int = 1, reason: str | None = None) -> TrialRecord:
    evaluations = tuple(EvaluationRecord(step, 1.0, 0.5, 1.0, 1.0, 2.0) for step in range(1, last + 1))
    return TrialRecord(number, state, 0.5, CONFIG, evaluations, {}, reason, 2.0)


def progress(
    records: Sequence[TrialRecord], promotions: Sequence[Promoted] = (), *, earlier: int = 0, seconds: float = 30.0
) -> Progress:
    return Progress("search", records, 10, seconds, None, promotions=promotions, promoted_earlier=earlier)


def lines(*shown: Progress, terminal: bool = False) -> list[str]:
    text = io.StringIO()
    with watching(Console(file=text, width=200, force_terminal=terminal), "f1") as watch:
        for one in shown:
            watch(one)
    return text.getvalue().splitlines()


def test_a_pause_a_promotion_and_an_end_are_a_line_each() -> None:
    paused, promoted = trial(3, "paused", 1, "rung 1: place 2 of 2, the best 0 go on"), (Promoted(3, 1),)
    told = lines(
        progress([]),
        progress([paused]),
        progress([paused]),
        progress([trial(3, "running", 2)], promoted),
        progress([trial(3, "complete", 9)], promoted),
    )
    assert [line.split()[:3] for line in told] == [
        ["trial", "3", "paused"],
        ["trial", "3", "goes"],
        ["trial", "3", "complete"],
    ]
    assert told[0].endswith("rung 1: place 2 of 2, the best 0 go on")
    assert told[1] == "trial   3 goes on from rung 1"


def test_what_is_not_continued_is_not_told_twice() -> None:
    told = lines(progress([]), progress([trial(3, "paused")]), progress([trial(3, "pruned", 1, "not continued")]))
    assert len(told) == 1


def test_what_is_stopped_after_a_promotion_is_told() -> None:
    told = lines(
        progress([]),
        progress([trial(3, "paused")]),
        progress([trial(3, "pruned", 1, "time was over")], (Promoted(3, 1),)),
    )
    assert [line.split()[2] for line in told] == ["paused", "goes", "pruned"]


def test_what_an_earlier_run_did_is_no_news() -> None:
    before = (Promoted(2, 1), Promoted(3, 1))
    assert lines(progress([trial(3, "paused", 3)], before, earlier=2)) == []


def test_what_a_portfolio_gave_is_told_in_line_and_table() -> None:
    given = replace(trial(1, "complete", 9), kind="portfolio")
    (line,) = lines(progress([]), progress([given]))
    assert line.endswith("batch 8, portfolio")
    assert "batch 8, portfolio" in "\n".join(lines(progress([given]), terminal=True))
    assert "portfolio" not in "\n".join(lines(progress([]), progress([trial(1, "complete", 9)])))


def test_the_table_counts_what_is_paused() -> None:
    text = "\n".join(lines(progress([trial(0, "complete", 9), trial(1, "paused"), trial(2, "running")]), terminal=True))
    assert "2 of 10 configurations · paused 1" in text
    assert "running" in text


def test_the_time_that_is_left_counts_what_is_paused_as_done() -> None:
    records = [trial(0, "complete", 9), trial(1, "paused"), trial(2, "paused"), trial(3, "running")]
    assert progress(records, seconds=30.0).expected_seconds == 70.0
    assert progress([trial(number, "paused") for number in range(10)]).expected_seconds is None
    assert progress([trial(0, "running")]).expected_seconds is None


def test_all_that_trains_is_in_the_table() -> None:
    records = [trial(0, "running"), *(trial(number, "paused") for number in range(1, 30))]
    assert any("default" in line and "running" in line for line in lines(progress(records), terminal=True))


def audit(audited: int, missing: int, *records: TrialRecord) -> Progress:
    return Progress("audit", records, 10, 30.0, 9.0, audited=audited, audits_missing=missing)


def test_a_terminal_shows_how_far_the_audit_is() -> None:
    text = "\n".join(lines(audit(1, 2, trial(0, "complete", 9), trial(3, "pruned")), terminal=True))
    assert "audit 1/3" in text
    assert "left" not in text


def test_a_trial_that_the_audit_has_finished_is_told() -> None:
    before, after = trial(3, "pruned", 1, "rung 1: place 2 of 2"), trial(3, "complete", 9, "…; finished by the audit")
    (line,) = lines(progress([trial(3, "paused")]), audit(0, 1, before), audit(1, 0, after))
    assert line.split()[:3] == ["trial", "3", "complete"]
    assert line.endswith("; finished by the audit")
