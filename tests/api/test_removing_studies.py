"""Removal takes a study's own folder and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoft.api.removing import remove_caches, remove_study
from autoft.errors import StudyError
from autoft.storage.database import open_database
from autoft.storage.studies import create_study, study_names
from autoft.storage.trials import ask_trial
from autoft.storage.workers import worker_name
from autoft.study.config import StorageConfig


@pytest.fixture
def storage(tmp_path: Path) -> StorageConfig:
    """A folder of studies with `kept` and `mine`, and another folder beside it."""
    folder = tmp_path / "studies"
    database = open_database(None, folder)
    for name in ("kept", "mine", ".", "../other"):
        create_study(database, name, metric="f1", config="{}")
    database.close()
    for name in ("kept", "mine"):
        (folder / name).mkdir()
    (tmp_path / "other").mkdir()
    return StorageConfig(folder=str(folder))


def names(storage: StorageConfig) -> tuple[str, ...]:
    database = open_database(None, Path(storage.folder))
    found = study_names(database)
    database.close()
    return found


def test_a_study_goes_with_its_folder(storage: StorageConfig) -> None:
    remove_study("mine", storage)
    assert "mine" not in names(storage)
    assert not (Path(storage.folder) / "mine").exists()
    assert (Path(storage.folder) / "kept").is_dir()


@pytest.mark.parametrize("name", [".", "../other", "..", "kept/.."])
def test_a_name_that_is_no_folder_among_the_studies_removes_nothing(storage: StorageConfig, name: str) -> None:
    with pytest.raises(StudyError, match="the name of a folder"):
        remove_study(name, storage)
    assert (Path(storage.folder) / "kept").is_dir()
    assert (Path(storage.folder).parent / "other").is_dir()
    assert len(names(storage)) == 4


def test_a_study_that_a_worker_trains_stays(storage: StorageConfig) -> None:
    database = open_database(None, Path(storage.folder))
    from autoft.storage.studies import open_study

    ask_trial(open_study(database, "mine"), worker_name(), limit=None)
    database.close()
    with pytest.raises(StudyError, match="training trial 0"):
        remove_study("mine", storage)
    assert "mine" in names(storage)


def test_caches_are_counted_and_removed(storage: StorageConfig) -> None:
    cache = Path(storage.folder) / ".cache" / "features"
    cache.mkdir(parents=True)
    (cache / "one.safetensors").write_bytes(b"12345")
    assert remove_caches(storage) == 5
    assert not cache.exists()
