"""Best weights on disk: which trials keep theirs, and where they lie; without torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from autoft.errors import StudyError
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.records import TrialRecord
from autoft.study.config import StudyConfig


def study_folder(config: StudyConfig) -> Path:
    """Return the folder of a study's files."""
    return Path(config.storage.folder) / config.name


def weights_store(config: StudyConfig) -> CheckpointStore:
    """Return where the best weights of the default and of those that may be the best are kept."""
    return CheckpointStore(study_folder(config) / "checkpoints" / "weights")


def weights_file(config: StudyConfig, record: TrialRecord) -> Path:
    """Return the safetensors file of a trial's best weights, after comparing it with its sha256.

    Raises:
        StudyError: If the weights are not kept, or damaged.
    """
    path = weights_store(config).arrays_file(record.number, record.best_step or 0)
    if path is None:
        raise StudyError(
            f"{study_folder(config)}: the weights of trial {record.number} are not kept, "
            f"autoft replay {config.name} {record.number} trains them again"
        )
    return path


def ranked_complete(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the complete trials that break no limit, the best value first, the lower number where two are equal."""
    complete = [one for one in records if one.state == "complete" and one.value is not None and one.feasible]
    return sorted(complete, key=lambda record: (-(record.value or 0.0), record.number))


def best_complete(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the complete trial with the best value that breaks no limit, the lower number where two are equal."""
    return next(iter(ranked_complete(records)), None)


def drop_weights(store: CheckpointStore, records: Sequence[TrialRecord], kept: Collection[int]) -> None:
    """Drop the weights of all trials but those to be kept; trials still running are left alone."""
    decided = {record.number for record in records if record.state not in ("running", "paused")}
    for stored in store.stored():
        if stored.number in decided - set(kept):
            store.drop(stored.number, stored.rung)
