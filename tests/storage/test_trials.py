from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from autoft.storage.leases import Claim, LeaseLost
from autoft.storage.lineage import Promoted, links, promotions
from autoft.storage.reading import read_trial, read_trials
from autoft.storage.records import EvaluationRecord, Scalar
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import (
    Outcome,
    ask_trial,
    configure,
    continue_paused,
    forget,
    pause,
    prune_paused,
    record_evaluation,
    record_measures,
    recover_lost,
    tell,
)

CONFIG: Mapping[str, Scalar] = {"method": "lora", "train.dropout": 0.1, "train.epochs": 3}
DONE = Outcome("complete", seconds=12.5, execution={"threads": 1}, facts={"parameters": 7})


def evaluation(step: int, value: float, loss: float = 1.0) -> EvaluationRecord:
    return EvaluationRecord(step, step / 3, value, loss, 1.5, 2.0 * step)


def begin(study: StudyHandle, worker: str = "a", seconds: float = 60.0) -> Claim:
    held = ask_trial(study, worker, limit=None, seconds=seconds)
    assert held is not None
    configure(
        study,
        held,
        config=CONFIG,
        parameters={"method": "lora", "train.dropout": 0.1},
        distributions={
            "method": CategoricalDistribution(("full", "lora")),
            "train.dropout": FloatDistribution(0.0, 0.3),
        },
        kind="sampled",
        seconds=seconds,
    )
    return held


def optuna_trial(study: StudyHandle, number: int) -> optuna.trial.FrozenTrial:
    return study.optuna.get_trials()[number]


def test_a_complete_trial_is_read_as_it_was_told(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    record_evaluation(study, held, evaluation(3, 0.5), {"f1": 0.5, "f1.PER": 0.75})
    tell(study, held, DONE)
    (record,) = read_trials(study)
    assert (record.number, record.state, record.value, record.reason) == (0, "complete", 0.5, None)
    assert record.config == CONFIG
    assert record.evaluations == (evaluation(1, 0.25), evaluation(3, 0.5))
    assert record.metrics == {"f1": 0.5, "f1.PER": 0.75}
    assert (record.seconds, record.execution, record.facts) == (
        12.5,
        {"threads": 1},
        {"parameters": 7},
    )
    assert record.started is not None
    assert record.ended is not None


def test_one_record_equals_its_place_among_all(study: StudyHandle) -> None:
    begin(study)
    record_evaluation(study, begin(study), evaluation(1, 0.25), {"f1": 0.25})
    assert read_trial(study, 1) == read_trials(study)[1]


def test_what_a_trial_costs_is_known_while_it_runs(study: StudyHandle) -> None:
    held = begin(study)
    record_measures(study, held, {"latency": np.float64(6.5), "parameters": 9}, {"max_latency": -0.35})
    record = read_trial(study, 0)
    assert (record.state, record.facts) == ("running", {"latency": 6.5, "parameters": 9})
    assert (record.constraints, record.feasible) == ({"max_latency": -0.35}, True)
    assert optuna_trial(study, 0).user_attrs["measure:latency"] == 6.5


@pytest.mark.parametrize("outcome", [DONE, Outcome("pruned", "rung 1: place 5 of 6")], ids=["complete", "pruned"])
def test_constraints_become_optunas_whatever_the_end(study: StudyHandle, outcome: Outcome) -> None:
    held = begin(study)
    record_measures(study, held, {"memory": 300.0}, {"max_memory": -0.5, "max_latency": 0.0})
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    tell(study, held, outcome)
    assert optuna_trial(study, 0).constraints == {"max_memory": -0.5, "max_latency": 0.0}
    assert read_trial(study, 0).facts["memory"] == 300.0
    assert read_trial(study, 0).feasible


def test_over_a_limit_is_infeasible_by_its_amount(study: StudyHandle) -> None:
    held = begin(study)
    record_measures(study, held, {"memory": 900.0}, {"max_memory": 0.5})
    tell(study, held, Outcome("infeasible", "memory 900 MiB, at most 600 MiB allowed"))
    assert optuna_trial(study, 0).constraints == {"max_memory": 0.5}
    assert (read_trial(study, 0).state, read_trial(study, 0).feasible) == ("infeasible", False)


def test_out_of_memory_within_the_limits_is_infeasible_too(study: StudyHandle) -> None:
    held = begin(study)
    record_measures(study, held, {"memory": 300.0}, {"max_memory": -0.5})
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    tell(study, held, Outcome("infeasible", "no memory left"))
    assert optuna_trial(study, 0).constraints == {"max_memory": -0.5, "memory": 1.0}
    assert read_trial(study, 0).state == "infeasible"


def test_a_default_that_breaks_a_limit_is_pruned_as_any_other(study: StudyHandle) -> None:
    held = begin(study)
    record_measures(study, held, {"memory": 900.0}, {"max_memory": 0.5})
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    tell(study, held, Outcome("pruned", "the time given to the search was over"))
    assert (read_trial(study, 0).state, read_trial(study, 0).feasible) == ("pruned", False)


def test_the_value_is_the_best_evaluation_not_the_last(study: StudyHandle) -> None:
    held = begin(study)
    for step, value in ((1, 0.2), (2, 0.6), (3, 0.4)):
        record_evaluation(study, held, evaluation(step, value), {"f1": value})
    tell(study, held, DONE)
    record = read_trial(study, 0)
    assert (record.value, record.best_step, record.metrics) == (0.6, 2, {"f1": 0.6})
    assert study.optuna.best_value == 0.6


def test_optuna_shows_parameters_and_curves(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    trial = optuna_trial(study, 0)
    assert trial.params == {"method": "lora", "train.dropout": 0.1}
    assert trial.intermediate_values == {1: 0.25}
    assert trial.user_attrs["kind"] == "sampled"
    assert trial.state == optuna.trial.TrialState.RUNNING


def test_a_pruned_trial_says_why(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    tell(study, held, Outcome("pruned", "rung 1: place 5 of 6"))
    record = read_trial(study, 0)
    assert (record.state, record.reason, record.value) == ("pruned", "rung 1: place 5 of 6", 0.25)


def test_out_of_memory_is_a_constraint_that_samplers_see(study: StudyHandle) -> None:
    tell(study, begin(study), Outcome("infeasible", "does not fit"))
    record, trial = read_trial(study, 0), optuna_trial(study, 0)
    assert (record.state, record.value, record.reason) == ("infeasible", None, "does not fit")
    assert trial.constraints == {"memory": 1.0}
    assert trial.state == optuna.trial.TrialState.PRUNED


def test_a_failure_is_kept_from_samplers(study: StudyHandle) -> None:
    tell(study, begin(study), Outcome("failed", "ValueError: x"))
    assert read_trial(study, 0).state == "failed"
    assert optuna_trial(study, 0).state == optuna.trial.TrialState.FAIL


def test_a_default_outside_the_space_has_no_parameters_in_optuna(study: StudyHandle) -> None:
    held = ask_trial(study, "a", limit=None)
    assert held is not None
    configure(study, held, config=CONFIG, parameters={}, distributions={}, kind="default")
    assert optuna_trial(study, 0).params == {}
    assert read_trial(study, 0).config == CONFIG


def test_telling_twice_is_telling_once(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    tell(study, held, DONE)
    tell(study, held, Outcome("failed", "told by a repeated call"))
    assert read_trial(study, 0).state == "complete"


def test_configuring_twice_is_configuring_once(study: StudyHandle) -> None:
    held = begin(study)
    other = {"method": "full"}
    distributions = {"method": CategoricalDistribution(("full", "lora"))}
    configure(study, held, config=other, parameters=other, distributions=distributions, kind="sampled")
    assert read_trial(study, 0).config == CONFIG


def test_numpy_scalars_become_numbers(study: StudyHandle) -> None:
    held = begin(study)
    quarter: Any = np.float32(0.25)
    nine: Any = np.int64(9)
    record_evaluation(study, held, EvaluationRecord(nine, quarter, quarter, quarter, 1.0, 1.0), {"f1": quarter})
    tell(study, held, Outcome("complete", facts={"steps": nine}))
    record = read_trial(study, 0)
    assert (record.value, record.metrics, record.facts) == (0.25, {"f1": 0.25}, {"steps": 9})


def test_not_a_number_survives_and_is_never_the_best(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    record_evaluation(study, held, evaluation(3, math.nan, math.nan), {"f1": math.nan})
    record = read_trial(study, 0)
    assert record.value == 0.25
    assert math.isnan(record.evaluations[1].value)
    assert record.metrics == {"f1": 0.25}


def test_a_complete_trial_without_an_evaluation_is_refused(study: StudyHandle) -> None:
    held = begin(study)
    with pytest.raises(ValueError, match="a complete trial has an evaluation"):
        tell(study, held, DONE)
    assert read_trial(study, 0).state == "running"


def test_an_ending_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="a reason is given unless"):
        Outcome("failed")


def test_what_is_no_json_is_refused(study: StudyHandle) -> None:
    with pytest.raises(TypeError, match="plain JSON, got set"):
        tell(study, begin(study), Outcome("failed", "x", execution={"bad": {1}}))


def test_the_limit_is_a_total(study: StudyHandle) -> None:
    asked = [ask_trial(study, "a", limit=3) for _ in range(5)]
    assert [held and held.number for held in asked] == [0, 1, 2, None, None]
    more = ask_trial(study, "a", limit=4)
    assert more is not None


def test_a_paused_trial_is_continued_as_the_same_trial(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    pause(study, held, {"seconds": 2.0, "execution": {"threads": 1}})
    record = read_trial(study, 0)
    assert (record.state, record.seconds, record.execution) == ("paused", 2.0, {"threads": 1})
    again = continue_paused(study, 0, 1, "b")
    assert again is not None
    assert continue_paused(study, 0, 1, "c") is None
    record_evaluation(study, again, evaluation(3, 0.5), {"f1": 0.5})
    tell(study, again, DONE)
    (record,) = read_trials(study)
    assert [one.step for one in record.evaluations] == [1, 3]
    assert record.state == "complete"


def test_what_is_still_paused_at_the_end_is_pruned(study: StudyHandle) -> None:
    for _ in range(2):
        held = begin(study)
        record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
        pause(study, held, {})
    running = begin(study)
    assert prune_paused(study, "the search ended") == 2
    records = read_trials(study)
    assert [record.state for record in records] == ["pruned", "pruned", "running"]
    assert (records[0].reason, records[0].value) == ("the search ended", 0.25)
    record_evaluation(study, running, evaluation(1, 0.25), {})


def test_a_pruned_pause_keeps_what_was_known(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    so_far = Outcome("paused", "rung 1: place 2 of 2", 2.5, {"threads": 1}, {"steps": 7})
    pause(study, held, so_far.so_far())
    assert read_trial(study, 0).reason == "rung 1: place 2 of 2"
    prune_paused(study, "the search ended")
    record = read_trial(study, 0)
    assert record.reason == "rung 1: place 2 of 2; the search ended"
    assert (record.seconds, record.execution, record.facts) == (2.5, {"threads": 1}, {"steps": 7})
    assert prune_paused(study, "the search ended") == 0


def test_a_trial_that_went_on_forgets_why_it_paused(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    pause(study, held, Outcome("paused", "rung 1: place 2 of 2", 2.5).so_far())
    again = continue_paused(study, 0, 1, "b")
    assert again is not None
    assert (read_trial(study, 0).state, read_trial(study, 0).reason) == ("running", None)
    record_evaluation(study, again, evaluation(3, 0.5), {"f1": 0.5})
    # What it took so far is the later of the pause and the latest evaluation.
    assert read_trial(study, 0).seconds == 6.0
    tell(study, again, DONE)
    assert (read_trial(study, 0).state, read_trial(study, 0).reason) == ("complete", None)


def test_a_promotion_is_written_with_its_claim(study: StudyHandle) -> None:
    for _ in range(2):
        held = begin(study)
        record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
        pause(study, held, {})
    assert continue_paused(study, 1, 1, "b") is not None
    assert continue_paused(study, 1, 1, "c") is None
    assert promotions(study) == (Promoted(1, 1),)
    (link,) = links(study)
    assert (link.kind, link.facts) == ("promoted_from", {"number": 1, "rung": 1, "worker": "b"})


def test_only_what_is_paused_is_continued(study: StudyHandle) -> None:
    running = begin(study, seconds=-1.0)
    assert continue_paused(study, running.number, 1, "b") is None
    told = begin(study)
    record_evaluation(study, told, evaluation(9, 0.25), {"f1": 0.25})
    tell(study, told, DONE)
    assert continue_paused(study, told.number, 1, "b") is None
    assert promotions(study) == ()


def test_a_lost_continuation_is_not_a_pause(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    pause(study, held, {})
    assert continue_paused(study, 0, 1, "a", seconds=-1.0) is not None
    # Whoever takes it over must forget what it evaluated: `recover_lost` does.
    assert continue_paused(study, 0, 1, "b") is None


def test_a_trial_that_begins_anew_forgets_its_evaluations(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    forget(study, held)
    record = read_trial(study, 0)
    assert (record.evaluations, record.metrics, record.value) == ((), {}, None)
    record_evaluation(study, held, evaluation(1, 0.5), {"f1": 0.5})
    assert read_trial(study, 0).metrics == {"f1": 0.5}


def test_an_equal_evaluation_may_be_recorded_again(study: StudyHandle) -> None:
    held = begin(study)
    for _ in range(2):
        record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    assert read_trial(study, 0).evaluations == (evaluation(1, 0.25),)


def test_a_pause_is_not_told(study: StudyHandle) -> None:
    with pytest.raises(ValueError, match="an ending expected"):
        tell(study, begin(study), Outcome("paused", "rung 1"))


def test_a_lost_trial_starts_again_as_the_same_trial(study: StudyHandle) -> None:
    lost = begin(study, "a", seconds=-1.0)
    record_evaluation(study, lost, evaluation(1, 0.25), {"f1": 0.25}, seconds=-1.0)
    again = recover_lost(study, "b")
    assert again is not None
    assert (again.number, again.trial_id, again.attempt) == (0, lost.trial_id, 2)
    record = read_trial(study, 0)
    assert (record.state, record.config, record.evaluations) == ("running", CONFIG, ())
    assert optuna_trial(study, 0).intermediate_values == {}
    record_evaluation(study, again, evaluation(1, 0.5), {"f1": 0.5})
    tell(study, again, DONE)
    assert [record.value for record in read_trials(study)] == [0.5]
    assert [(link.kind, link.facts["attempt"]) for link in links(study)] == [("retry_of", 2)]


def test_a_lost_continuation_starts_again_from_its_rung(study: StudyHandle) -> None:
    held = begin(study)
    record_evaluation(study, held, evaluation(1, 0.25), {"f1": 0.25})
    pause(study, held, {})
    lost = continue_paused(study, 0, 1, "a", seconds=-1.0)
    assert lost is not None
    record_evaluation(study, lost, evaluation(2, 0.5), {"f1": 0.5}, seconds=-1.0)
    again = recover_lost(study, "b")
    assert again is not None
    assert (again.rung, again.attempt) == (1, 2)
    record = read_trial(study, 0)
    assert [one.step for one in record.evaluations] == [1]
    assert record.metrics == {"f1": 0.25}


def test_a_worker_that_lost_its_lease_cannot_write(study: StudyHandle) -> None:
    lost = begin(study, "a", seconds=-1.0)
    assert recover_lost(study, "b") is not None
    with pytest.raises(LeaseLost, match="trial 0: another worker has taken it over from a"):
        record_evaluation(study, lost, evaluation(1, 0.25), {})
    with pytest.raises(LeaseLost):
        tell(study, lost, Outcome("failed", "x"))
    with pytest.raises(LeaseLost):
        pause(study, lost, {})
    with pytest.raises(LeaseLost):
        configure(study, lost, config={}, parameters={}, distributions={}, kind="sampled")
    assert read_trial(study, 0).state == "running"


def test_only_one_worker_recovers_a_lost_trial(study: StudyHandle) -> None:
    begin(study, "a", seconds=-1.0)
    assert recover_lost(study, "b") is not None
    assert recover_lost(study, "c") is None


def test_nothing_is_recovered_from_workers_that_live(study: StudyHandle) -> None:
    begin(study)
    assert recover_lost(study, "b") is None


def test_a_trial_lost_before_it_was_configured_has_no_configuration(study: StudyHandle) -> None:
    ask_trial(study, "a", limit=None, seconds=-1.0)
    again = recover_lost(study, "b")
    assert again is not None
    assert read_trial(study, again.number).config == {}
