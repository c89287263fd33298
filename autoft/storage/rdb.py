"""Optuna's relational storage with retries around every call, and pieces for our own transactions.

The pieces touch methods of Optuna that are not public; all such use stands in this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import delete, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from autoft.storage.retries import Retry, retrying

# What Study, Trial and Optuna's cache call.
_READS = (
    "get_all_studies",
    "get_all_trials",
    "get_best_trial",
    "get_study_directions",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_system_attrs",
    "get_study_user_attrs",
    "get_trial",
    "get_trial_system_attrs",
    "get_trial_user_attrs",
    "get_trial_id_from_study_id_trial_number",
    "get_trial_param",
    "_get_trials",
    "_get_best_trial_id",
)
_WRITES = (
    "create_new_study",
    "delete_study",
    "set_study_user_attr",
    "set_study_system_attr",
    "_create_new_trial",
    "_set_trial_param",
    "set_trial_state_values",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
)


def create_optuna_tables(engine: Engine) -> None:
    """Create Optuna's tables where they are missing."""
    models.BaseModel.metadata.create_all(engine)


class StudyStorage(RDBStorage):
    """Optuna's tables, reached through retries.

    Args:
        url: With the driver and the password.
        where: The URL as messages show it.
        engine_kwargs: For SQLAlchemy's `create_engine`.
        retry: How long a failing call is tried again.
    """

    def __init__(self, url: str, *, where: str, engine_kwargs: dict[str, Any], retry: Retry) -> None:
        # The URL is a template to Optuna, so braces in a path or password must be doubled.
        template = url.replace("{", "{{").replace("}", "}}")
        super().__init__(template, engine_kwargs=engine_kwargs, skip_table_creation=True)
        for place, names in (("storage.read", _READS), ("storage.write", _WRITES)):
            for name in names:
                call = retrying(getattr(self, name), place=place, where=where, retry=retry)
                setattr(self, name, call)

    def lock_study(self, session: Session, study_id: int) -> None:
        """Let no other transaction number a trial of the study until this one ends."""
        models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)

    def count_trials(self, session: Session, study_id: int) -> int:
        """Return how many trials the study has, whatever their states."""
        study = models.StudyModel.find_or_raise_by_id(study_id, session)
        return int(models.TrialModel.count(session, study))

    def new_trial(self, session: Session, study_id: int) -> tuple[int, int]:
        """Add a running trial to a study that is locked; return its id and number."""
        trial = self._get_prepared_new_trial(study_id, None, session)
        session.flush()
        return cast(int, trial.trial_id), cast(int, trial.number)

    def is_running(self, session: Session, trial_id: int) -> bool:
        """Tell whether the trial has not been told."""
        return bool(models.TrialModel.find_or_raise_by_id(trial_id, session).state == TrialState.RUNNING)

    def user_attributes(self, session: Session, trial_id: int) -> dict[str, Any]:
        """Return the trial's user attributes."""
        row = models.TrialUserAttributeModel
        found = session.execute(select(row.key, row.value_json).where(row.trial_id == trial_id))
        return {one.key: json.loads(one.value_json) for one in found}

    def write_parameters(
        self,
        session: Session,
        trial_id: int,
        parameters: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
    ) -> None:
        """Write what the sampler chose."""
        for path, value in parameters.items():
            distribution = distributions[path]
            inner = distribution.to_internal_repr(value)
            self._set_trial_param_without_commit(session, trial_id, path, inner, distribution)

    def write_attributes(self, session: Session, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Write user attributes, overwriting."""
        for key, value in attributes.items():
            self._set_trial_attr_without_commit(session, models.TrialUserAttributeModel, trial_id, key, value)

    def write_intermediate(self, session: Session, trial_id: int, step: int, value: float) -> None:
        """Write what Optuna and its dashboard show of an evaluation, overwriting."""
        self._set_trial_intermediate_value_without_commit(session, trial_id, step, value)

    def forget_evaluations(self, session: Session, trial_id: int, steps: Iterable[int], keys: Iterable[str]) -> None:
        """Delete the intermediate values at `steps` and the user attributes `keys`."""
        value, attribute = models.TrialIntermediateValueModel, models.TrialUserAttributeModel
        session.execute(delete(value).where(value.trial_id == trial_id, value.step.in_(list(steps))))
        session.execute(delete(attribute).where(attribute.trial_id == trial_id, attribute.key.in_(list(keys))))

    def finish_trial(
        self,
        session: Session,
        trial_id: int,
        state: TrialState,
        value: float | None,
        constraints: Mapping[str, float],
    ) -> None:
        """Give the trial its final state; a constraint above 0 makes it infeasible to samplers."""
        trial = models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)
        for key, broken in constraints.items():
            attributes = models.TrialSystemAttributeModel
            self._set_trial_attr_without_commit(session, attributes, trial_id, f"constraints:{key}", broken)
        if value is not None:
            self._set_trial_value_without_commit(session, trial, 0, value)
        trial.state = state
        trial.datetime_complete = datetime.now()
