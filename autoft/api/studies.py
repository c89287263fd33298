"""A study that exists: opened by name, its trials, result and best model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autoft.api.outputs import Runs, Spent, StudyFiles
from autoft.api.stored import known_database, stored_config
from autoft.errors import StudyError
from autoft.report.facts import Finalists, StudyFacts
from autoft.report.result import best_trial, compared_finalists
from autoft.storage.audits import read_audited
from autoft.storage.finalists import fresh_runs
from autoft.storage.records import StopRecord, TrialRecord
from autoft.storage.studies import StudyHandle, open_study, recorded_stop, recorded_time, study_names
from autoft.study.config import StorageConfig, StudyConfig


@dataclass(frozen=True, slots=True)
class StudyView:
    """What is known of a study, at the moment it was loaded.

    Attributes:
        config: Its configuration.
        records: Its trials, those that the audit has finished as it left them.
        runs: What was trained again on fresh seeds.
        files: Its folder.
        stop: Why it stopped by itself, None where it did not.
        spent: Where its workers' time went; the seconds of earlier runs stand in result.json.
    """

    config: StudyConfig
    records: tuple[TrialRecord, ...]
    runs: Runs
    files: StudyFiles
    stop: StopRecord | None = None
    spent: Spent = field(default_factory=Spent)

    @property
    def best(self) -> TrialRecord | None:
        """The finalist with the best mean, or else the complete trial with the best value."""
        return best_trial(self.records, self.finalists)

    @property
    def facts(self) -> StudyFacts:
        """What a report must know of it besides its trials."""
        return self.files.facts(self.records, self.runs, self.spent, self.stop)

    @property
    def finalists(self) -> Finalists:
        """What the finalists scored on fresh seeds; no scores where none have run."""
        return compared_finalists(self.records, self.runs.finalists, self.config.budget)

    @property
    def result(self) -> dict[str, Any]:
        """The content of result.json, empty before the first."""
        return self.files.read_result()

    @property
    def best_folder(self) -> Path:
        """Where the best model lies once it is delivered."""
        return self.files.folder / "best"

    def trial(self, number: int) -> TrialRecord:
        """Return one trial.

        Raises:
            StudyError: If there is none of that number.
        """
        for record in self.records:
            if record.number == number:
                return record
        raise StudyError(
            f"study {self.config.name!r}: a trial from 0 to {len(self.records) - 1} expected, got {number}"
        )


@contextmanager
def opened(name: str, storage: StorageConfig) -> Iterator[StudyHandle]:
    """Open a study for the body.

    Raises:
        StudyError: If there is none of that name.
    """
    database = known_database(storage)
    if database is None:
        raise StudyError(f"{storage.folder}: unknown study {name!r}, there are no studies in this folder yet")
    try:
        yield open_study(database, name)
    finally:
        database.close()


def load_study(name: str, *, studies_dir: str | Path = "studies", storage: str | None = None) -> StudyView:
    """Return what is known of a study.

    Args:
        name: The study's name.
        studies_dir: Folder of all studies.
        storage: SQLAlchemy URL; SQLite in `studies_dir` unless given.

    Raises:
        StudyError: If there is none of that name.
    """
    place = StorageConfig(folder=str(studies_dir), url=storage)
    with opened(name, place) as study:
        config = replace(stored_config(study.config), storage=place)
        files = StudyFiles(config, json.loads(study.config))
        spent = Spent(parts=recorded_time(study))
        runs = Runs(fresh_runs(study, "finalist"), fresh_runs(study, "half"))
        return StudyView(config, read_audited(study), runs, files, recorded_stop(study), spent)


def list_studies(storage: StorageConfig) -> list[StudyView]:
    """Return all studies, oldest first."""
    database = known_database(storage)
    if database is None:
        return []
    try:
        names = study_names(database)
    finally:
        database.close()
    return [load_study(name, studies_dir=storage.folder, storage=storage.url) for name in names]
