"""Studies: made once, opened by every worker, listed and removed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.study import StudyDirection
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from autoft.errors import StudyError
from autoft.registry import nearest
from autoft.storage.database import Database
from autoft.storage.records import StopRecord
from autoft.storage.tables import claims, epoch, lineage, studies

# Optuna's user attribute of the study; its dashboard shows it.
_TIME = "time:"
_STOP = "stopped by itself"


@dataclass(frozen=True, slots=True)
class StudyHandle:
    """An open study.

    Attributes:
        database: Where it lies.
        name: The study's name.
        study_id: Optuna's.
        config: The content of its study.json.
        optuna: Optuna's own handle, for reading, notes and figures; its calls are retried too.
    """

    database: Database
    name: str
    study_id: int
    config: str
    optuna: optuna.Study


def create_study(database: Database, name: str, *, metric: str, config: str) -> StudyHandle:
    """Make a study.

    Args:
        database: Where it shall lie.
        name: A name that no study there has.
        metric: What its trials are judged by; larger is better.
        config: The content of its study.json.

    Raises:
        StudyError: If there is a study of that name.
        StorageError: If the database cannot be reached.
    """
    if name in study_names(database):
        raise StudyError(f"{database.where}: there is a study {name!r} already")
    study_id = _create_in_optuna(database, name)
    row = insert(studies).values(study_id=study_id, name=name, config=config, created=epoch())
    try:
        database.write(lambda session: session.execute(row))
    except IntegrityError as error:
        if _stored_config(database, name) != config:
            raise StudyError(f"{database.where}: there is a study {name!r} already") from error
    handle = open_study(database, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        handle.optuna.set_metric_names([metric])
    return handle


def open_study(database: Database, name: str) -> StudyHandle:
    """Open a study that was made before.

    Raises:
        StudyError: If there is none of that name.
        StorageError: If the database cannot be reached.
    """
    config = _stored_config(database, name)
    if config is None:
        hint = nearest(name, study_names(database))
        raise StudyError(f"{database.where}: unknown study {name!r}{hint}")
    # Optuna's own sampler and pruner are never asked: strategy decides.
    study = optuna.load_study(study_name=name, storage=database.storage, sampler=RandomSampler(), pruner=NopPruner())
    return StudyHandle(database, name, database.storage.get_study_id_from_name(name), config, study)


def study_names(database: Database) -> tuple[str, ...]:
    """Return the names of all studies, oldest first."""
    names = select(studies.c.name).order_by(studies.c.study_id)
    return tuple(database.read(lambda session: session.scalars(names).all()))


def update_config(study: StudyHandle, config: str) -> None:
    """Store a changed study.json: a resumed study may have another budget."""
    change = update(studies).where(studies.c.study_id == study.study_id).values(config=config)
    study.database.write(lambda session: session.execute(change))


def record_stop(study: StudyHandle, stop: StopRecord | None) -> None:
    """Store that the search stopped by itself; None: it goes on."""
    study.optuna.set_user_attr(_STOP, None if stop is None else asdict(stop))


def recorded_stop(study: StudyHandle) -> StopRecord | None:
    """Return why the search stopped by itself, None where it did not."""
    found = study.optuna.user_attrs.get(_STOP)
    return None if found is None else StopRecord(**found)


def record_time(study: StudyHandle, worker: str, seconds: Mapping[str, float]) -> None:
    """Store where a worker's wall time went so far.

    Args:
        study: The search.
        worker: Its name.
        seconds: Part -> seconds.
    """
    study.optuna.set_user_attr(f"{_TIME}{worker}", dict(seconds))


def recorded_time(study: StudyHandle) -> dict[str, float]:
    """Return part -> seconds, of all workers that the study has had."""
    total: dict[str, float] = {}
    for name, seconds in study.optuna.user_attrs.items():
        for part, spent in seconds.items() if name.startswith(_TIME) else ():
            total[part] = total.get(part, 0.0) + spent
    return total


def delete_study(database: Database, name: str) -> None:
    """Remove a study from the database, with its trials.

    Raises:
        StudyError: If there is none of that name.
    """
    study = open_study(database, name)

    def once(session: Session) -> None:
        for table in (claims, lineage, studies):
            session.execute(delete(table).where(table.c.study_id == study.study_id))

    database.storage.delete_study(study.study_id)
    database.write(once)


def _stored_config(database: Database, name: str) -> str | None:
    return database.read(lambda session: session.scalar(select(studies.c.config).where(studies.c.name == name)))


def _create_in_optuna(database: Database, name: str) -> int:
    """Make Optuna's study, or take over the empty one that a killed process left without ours."""
    storage = database.storage
    try:
        return storage.create_new_study([StudyDirection.MAXIMIZE], name)
    except DuplicatedStudyError as error:
        study_id = storage.get_study_id_from_name(name)
        if storage.get_all_trials(study_id) or storage.get_study_directions(study_id) != [StudyDirection.MAXIMIZE]:
            raise StudyError(f"{database.where}: {name!r} is a study of another program") from error
        return study_id
