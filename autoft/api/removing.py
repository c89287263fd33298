"""Removal of studies and caches."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from autoft.api.studies import opened
from autoft.errors import StudyError
from autoft.storage.leases import lost_claims, states
from autoft.storage.studies import delete_study
from autoft.study.config import StorageConfig


def remove_study(name: str, storage: StorageConfig) -> None:
    """Remove a study from the storage, then its folder.

    Raises:
        StudyError: If there is none of that name, a worker is at work on it, or its name is no folder in `storage`.
    """
    folder = Path(storage.folder).resolve()
    if (folder / name).resolve().parent != folder:
        raise StudyError(f"study {name!r}: the name of a folder in {storage.folder} expected")
    with opened(name, storage) as study:
        lost = {claim.number for claim in lost_claims(study.database, study.study_id)}
        claimed = states(study.database, study.study_id)
        held = [number for number, state in claimed.items() if state == "claimed" and number not in lost]
        if held:
            raise StudyError(f"study {name!r}: a worker is training trial {held[0]}, stop the search first")
        delete_study(study.database, name)
    shutil.rmtree(Path(storage.folder) / name, ignore_errors=True)


def remove_caches(storage: StorageConfig) -> int:
    """Remove encoded features and outputs of frozen layers; returns how many bytes they took."""
    folder, size = Path(storage.folder) / ".cache", 0
    for path in folder.rglob("*"):
        # A search that runs may replace it at this moment.
        with suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return size
