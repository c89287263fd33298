"""Only the weights of the default and of what may be the best stay on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoft.errors import StudyError
from autoft.storage.checkpoints import Checkpoint, CheckpointStore
from autoft.storage.records import EvaluationRecord, TrialRecord, TrialState
from autoft.study.config import StudyConfig
from autoft.study.trial_weights import (
    best_complete,
    drop_weights,
    ranked_complete,
    study_folder,
    weights_file,
    weights_store,
)


def record(number: int, value: float | None, state: TrialState = "complete") -> TrialRecord:
    evaluations = () if value is None else (EvaluationRecord(9, 1.0, value, 1.0, 1.0, 1.0),)
    return TrialRecord(number, state, value, {}, evaluations)


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    """Weights of trials 0 to 4."""
    made = CheckpointStore(tmp_path)
    for number in range(5):
        made.save(number, 9, Checkpoint({"w": np.zeros(2)}, {}))
    return made


def kept(store: CheckpointStore) -> list[int]:
    return [one.number for one in store.stored()]


def test_what_is_to_be_kept_is_kept(store: CheckpointStore) -> None:
    drop_weights(store, [record(n, v) for n, v in enumerate((0.1, 0.5, 0.9, 0.7, 0.2))], {0, 2})
    assert kept(store) == [0, 2]


def test_trials_that_run_are_left_alone(store: CheckpointStore) -> None:
    states: list[TrialState] = ["complete", "running", "complete", "paused", "pruned"]
    drop_weights(store, [record(n, 0.1 * n, state) for n, state in enumerate(states)], {0, 2})
    assert kept(store) == [0, 1, 2, 3]


def test_a_pruned_trial_is_never_the_best() -> None:
    records = [record(0, 0.1), record(1, 0.9, "pruned"), record(2, 0.2), record(4, 0.3), record(3, 0.3)]
    assert [one.number for one in ranked_complete(records)] == [3, 4, 2, 0]


def test_nothing_is_dropped_before_anything_is_decided(store: CheckpointStore) -> None:
    drop_weights(store, [], set())
    assert kept(store) == [0, 1, 2, 3, 4]


def test_the_lower_number_is_the_best_of_equals() -> None:
    best = best_complete([record(0, 0.1), record(3, 0.5), record(2, 0.5)])
    assert best is not None
    assert best.number == 2


def test_no_complete_trial_has_no_best() -> None:
    assert best_complete([record(0, None, "failed"), record(1, 0.3, "pruned")]) is None


def test_a_study_keeps_its_weights_in_its_own_folder(config: StudyConfig) -> None:
    assert study_folder(config) == Path(config.storage.folder) / "first"
    weights_store(config).save(2, 9, Checkpoint({"w": np.zeros(2)}, {}))
    assert weights_file(config, record(2, 0.5)).is_relative_to(study_folder(config))


def test_weights_that_are_not_kept_can_be_had_by_a_replay(config: StudyConfig) -> None:
    with pytest.raises(StudyError, match="weights of trial 2 are not kept, autoft replay first 2 trains them again"):
        weights_file(config, record(2, 0.5))


def test_damaged_weights_are_not_given(config: StudyConfig) -> None:
    weights_store(config).save(2, 9, Checkpoint({"w": np.zeros(2)}, {}))
    path = weights_file(config, record(2, 0.5))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(StudyError, match="are not kept"):
        weights_file(config, record(2, 0.5))
