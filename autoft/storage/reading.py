"""Trials as frozen records: what Optuna holds of a study, joined with where its claims stand."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState

from autoft.storage import attributes as keys
from autoft.storage.leases import ClaimState, states
from autoft.storage.records import TrialRecord, best_value
from autoft.storage.records import TrialState as RecordState
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import MEMORY_CONSTRAINT


def read_trials(study: StudyHandle) -> tuple[TrialRecord, ...]:
    """Return every configuration of a study, by number; told ones are read only once.

    Raises:
        StorageError: If the database cannot be reached.
    """
    claimed = states(study.database, study.study_id)
    trials = study.optuna.get_trials(deepcopy=False)
    return tuple(_as_record(trial, claimed.get(trial.number)) for trial in trials)


def read_trial(study: StudyHandle, number: int) -> TrialRecord:
    """Return one configuration.

    Raises:
        KeyError: If there is none of that number.
    """
    storage = study.database.storage
    trial_id = storage.get_trial_id_from_study_id_trial_number(study.study_id, number)
    return _as_record(storage.get_trial(trial_id), states(study.database, study.study_id).get(number))


def _as_record(trial: FrozenTrial, claimed: ClaimState | None) -> TrialRecord:
    found = trial.user_attrs
    evaluations = keys.evaluations_in(found)
    state, last = _state_of(trial, claimed), evaluations[-1] if evaluations else None
    return TrialRecord(
        number=trial.number,
        state=state,
        value=best_value(evaluations),
        config=found.get(keys.CONFIG, {}),
        evaluations=evaluations,
        metrics=found.get(keys.METRICS, {}),
        reason=found.get(keys.PAUSED) if state == "paused" else found.get(keys.REASON),
        # A continued trial is further than when it paused.
        seconds=max(found.get(keys.SECONDS, 0.0), last.seconds if last else 0.0),
        execution=found.get(keys.EXECUTION, {}),
        facts={**found.get(keys.FACTS, {}), **keys.numbers_under(keys.MEASURE, found)},
        # Optuna's own are written when the trial ends.
        constraints={**keys.numbers_under(keys.CONSTRAINT, found), **trial.constraints},
        started=trial.datetime_start,
        ended=trial.datetime_complete,
        kind=found.get(keys.KIND),
        left_at=last.step if last and state == "paused" else found.get(keys.LEFT_AT),
    )


def _state_of(trial: FrozenTrial, claimed: ClaimState | None) -> RecordState:
    match trial.state:
        case TrialState.COMPLETE:
            return "complete"
        case TrialState.PRUNED:
            return "infeasible" if _is_infeasible(trial) else "pruned"
        case TrialState.FAIL:
            return "failed"
        case _:
            return "paused" if claimed == "paused" else "running"


def _is_infeasible(trial: FrozenTrial) -> bool:
    """Tell whether a constraint ended the trial; the default is trained though it breaks a limit."""
    if trial.constraints.get(MEMORY_CONSTRAINT, 0.0) > 0:
        return True
    return not trial.intermediate_values and any(amount > 0 for amount in trial.constraints.values())
