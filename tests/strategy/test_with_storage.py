from __future__ import annotations

from pathlib import Path

from autoft.space.search_space import SearchSpace
from autoft.storage.database import open_database
from autoft.storage.reading import read_trial, read_trials
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.storage.studies import StudyHandle, create_study, open_study
from autoft.storage.trials import Outcome, ask_trial, configure, record_evaluation, recover_lost, tell
from autoft.strategy.samplers import propose
from autoft.strategy.schedule import StoppingHalving, Verdict
from autoft.strategy.standing import standing_of
from autoft.strategy.steps import RUNGS
from autoft.strategy.suggest import proposal_of


def work(study: StudyHandle, space: SearchSpace, *, limit: int, killed_at: int | None = None) -> None:
    schedule = StoppingHalving()
    while held := recover_lost(study, "w") or ask_trial(study, "w", limit=limit):
        config = read_trial(study, held.number).config
        if not config:
            default = held.number == 0
            proposal = (
                proposal_of(space, space.default)
                if default
                else propose("tpe", space, read_trials(study), seed=5, number=held.number)
            )
            configure(
                study,
                held,
                config=proposal.config,
                parameters=proposal.parameters,
                distributions=proposal.distributions,
                kind="default" if default else "sampled",
                seconds=-1.0,
            )
            config = proposal.config
        outcome = Outcome("complete")
        for step in RUNGS:
            value = step / 9 * ((config["method"] == "lora") + float(config["train.dropout"]))
            record_evaluation(
                study,
                held,
                EvaluationRecord(step, 1.0, value, 1.0, 1.0, 1.0),
                {"f1": value},
                seconds=-1.0,
            )
            if held.number == killed_at and held.attempt == 1:
                return
            mine, *peers = (
                standing_of(one.number, one.evaluations, RUNGS)
                for one in (read_trial(study, held.number), *read_trials(study))
            )
            ruling = schedule.verdict(mine, peers, step)
            if ruling.verdict is Verdict.STOP:
                outcome = Outcome("pruned", ruling.reason)
                break
        tell(study, held, outcome)


def lasting(record: TrialRecord) -> tuple[object, ...]:
    return record.number, record.state, record.config, record.evaluations, record.reason


def test_a_search_that_was_killed_and_resumed_is_the_one_that_was_not(space: SearchSpace, tmp_path: Path) -> None:
    database = open_database(None, tmp_path)
    whole = create_study(database, "whole", metric="f1", config="{}")
    work(whole, space, limit=18)
    broken = create_study(database, "broken", metric="f1", config="{}")
    work(broken, space, limit=18, killed_at=13)
    assert len(read_trials(broken)) == 14
    work(open_study(database, "broken"), space, limit=18)
    assert [*map(lasting, read_trials(broken))] == [*map(lasting, read_trials(whole))]
    states = {record.state for record in read_trials(whole)}
    assert states == {"complete", "pruned"}
    database.close()
