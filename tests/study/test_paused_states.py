"""Where paused states wait: what fits, what is dropped, and that nothing of it changes on the way."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autoft.storage.checkpoints import Checkpoint, CheckpointStore
from autoft.storage.records import EvaluationRecord
from autoft.study.config import BudgetConfig, StudyConfig
from autoft.study.execution import Best, PausedState
from autoft.study.packing import pack, size_of, tensors_in, unpack
from autoft.study.paused import InMemory, OnDisk, Place, by_order, paused_states, same_scores, too_much
from autoft.study.room import disk_room, memory_room
from autoft.training.trainer import Scores, Snapshot

PLACES = st.tuples(st.integers(0, 9), st.sampled_from([1, 3]))


def evaluation(rung: int = 1, value: float = 0.5, loss: float = 1.0) -> EvaluationRecord:
    return EvaluationRecord(rung, rung / 3, value, loss, 1.5, 2.0)


def state(
    rung: int = 1, *, fill: float = 0.5, best: int | None = None, dtype: torch.dtype = torch.float32, folds: int = 1
) -> PausedState:
    """A state of 1,000 numbers of weights and as many in the optimizer, in each fold."""
    snapshots = tuple(snapshot(fill / (1 + fold), dtype) for fold in range(folds))
    mine = tuple({"a.weight": one.weights["a.weight"] * (1 if best is None else -1)} for one in snapshots)
    weights = tuple(one.weights for one in snapshots) if best is None else mine
    values = (0.5,) * folds
    return PausedState(
        evaluation(rung), snapshots, Best(best or rung, Scores(0.5, 1.0, {"f1": 0.5}), weights, values, {"bias": 1 / 3})
    )


def snapshot(fill: float, dtype: torch.dtype = torch.float32) -> Snapshot:
    weights = {"a.weight": torch.full((10, 100), fill, dtype=dtype)}
    slots = {"step": torch.tensor(7.0), "exp_avg": torch.full((10, 100), fill / 3)}
    group = {"lr": 1e-3 / 3, "betas": (0.9, 0.999), "params": [0], "fused": True, "foreach": None}
    optimizer = {"state": {0: slots}, "param_groups": [group]}
    random = (torch.arange(256, dtype=torch.uint8), torch.zeros(0, dtype=torch.uint8))
    return Snapshot(7, weights, optimizer, random, {"steps": 7, "tokens": 100, "padded_tokens": 120})


SIZE = size_of(state())


def plain(value: Any) -> Any:
    """A value with its tensors as type and numbers."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.double().flatten().tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [plain(one) for one in value]
    return value


def content(one: PausedState) -> Any:
    best = one.best
    snapshots = [(s.step, s.weights, s.optimizer, s.random, s.progress) for s in one.snapshots]
    return plain([one.evaluation, *snapshots, best.step, best.scores, best.weights, best.values, best.decision])


@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize("best", [None, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_state_comes_back_from_disk_as_it_was(
    tmp_path: Path, dtype: torch.dtype, best: int | None, folds: int
) -> None:
    store, kept = CheckpointStore(tmp_path), state(3, fill=1 / 3, best=best, dtype=dtype, folds=folds)
    OnDisk(store, 10**6).keep(4, kept, [4])
    found = OnDisk(store, 10**6).find(4, evaluation(3))
    assert found is not None
    assert content(found) == content(kept)
    shared = [one is other.weights for one, other in zip(found.best.weights, found.snapshots, strict=True)]
    assert shared == [best is None] * folds


def test_no_pickle_is_written(tmp_path: Path) -> None:
    OnDisk(CheckpointStore(tmp_path), 10**6).keep(4, state(), [4])
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".safetensors", ".json"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_survives(value: float) -> None:
    kept = state()
    best = Best(1, Scores(value, value, {"f1": value}), ({},), (value,), {})
    odd = PausedState(evaluation(value=value), kept.snapshots, best)
    found = unpack(pack(odd))
    assert found is not None
    assert repr(found.best.scores) == repr(odd.best.scores)
    assert same_scores(found.evaluation, odd.evaluation)


def test_what_another_version_has_written_is_trained_again(tmp_path: Path) -> None:
    store, packed = CheckpointStore(tmp_path), pack(state())
    store.save(4, 1, Checkpoint(packed.arrays, {"state": packed.meta["state"]}))
    assert OnDisk(store, 10**6).find(4, evaluation()) is None


def test_what_is_read_may_be_written(tmp_path: Path) -> None:
    """An optimizer trains on in the tensors that it was given."""
    store = CheckpointStore(tmp_path)
    OnDisk(store, 10**6).keep(4, state(), [4])
    found = OnDisk(store, 10**6).find(4, evaluation())
    assert found is not None
    for tensor in tensors_in([found.snapshots[0].weights, found.snapshots[0].optimizer]):
        tensor.add_(1)


def test_weights_that_are_shared_are_counted_once() -> None:
    assert size_of(state(best=9)) - SIZE == 4000


def test_each_fold_takes_room() -> None:
    assert size_of(state(folds=3)) == 3 * SIZE


@given(st.dictionaries(PLACES, st.integers(0, 50)), st.permutations(range(10)), st.integers(0, 300))
def test_what_is_dropped_comes_last_and_no_more_than_must_be(
    sizes: dict[Place, int], order: list[int], budget: int
) -> None:
    dropped = too_much(sizes, order, budget)
    ranked = by_order(sizes, order)
    assert ranked[len(ranked) - len(dropped) :] == dropped[::-1]
    left = sum(size for place, size in sizes.items() if place not in dropped)
    assert left <= budget
    if dropped:
        assert left + sizes[dropped[-1]] > budget


def test_what_trains_at_this_moment_is_dropped_last() -> None:
    assert by_order([(1, 1), (2, 1), (3, 3)], [2, 1]) == [(3, 3), (2, 1), (1, 1)]


@pytest.mark.parametrize("budget", [0, SIZE - 1])
def test_a_state_that_does_not_fit_is_not_kept(tmp_path: Path, budget: int) -> None:
    store = CheckpointStore(tmp_path / "paused")
    OnDisk(store, budget).keep(1, state(), [1])
    assert store.stored() == ()


def test_the_disk_drops_what_is_least_likely_to_be_continued(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    home = OnDisk(store, 10**6)
    home.keep(1, state(), [1])
    room = OnDisk(store, 2 * store.size())
    room.keep(2, state(), [2, 1])
    room.keep(3, state(), [2, 3, 1])
    assert [one.number for one in store.stored()] == [2, 3]
    room.keep(4, state(), [2, 3, 4])
    assert [one.number for one in store.stored()] == [2, 3]


def test_memory_moves_to_disk_what_it_cannot_hold(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    home = InMemory(OnDisk(store, 10**6), 2 * SIZE)
    for number, order in ((1, [1]), (2, [2, 1]), (3, [2, 3, 1])):
        home.keep(number, state(), order)
    assert [one.number for one in store.stored()] == [1]
    assert all(home.find(number, evaluation()) is not None for number in (1, 2, 3))


def test_another_evaluation_finds_no_state(tmp_path: Path) -> None:
    for home in (OnDisk(CheckpointStore(tmp_path), 10**6), InMemory(OnDisk(CheckpointStore(tmp_path), 10**6), 10**6)):
        home.keep(1, state(), [1])
        assert home.find(1, evaluation()) is not None
        assert home.find(1, evaluation(loss=1.0000000000000002)) is None
        assert home.find(1, evaluation(3)) is None


def test_a_state_that_is_kept_no_more_leaves_no_older_one(tmp_path: Path) -> None:
    """A lost attempt may have left a state of the same rung: with another micro-batch it has other bits."""
    store = CheckpointStore(tmp_path)
    OnDisk(store, 10**6).keep(1, state(), [1])
    OnDisk(store, 0).keep(1, state(), [1])
    assert store.stored() == ()


def test_what_is_decided_is_tidied_away(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    home = InMemory(OnDisk(store, 10**6), SIZE)
    for number in (1, 2):
        home.keep(number, state(), [1, 2])
    home.tidy({2})
    assert home.find(1, evaluation()) is None
    assert home.find(2, evaluation()) is not None
    home.drop(2)
    assert home.find(2, evaluation()) is None
    assert store.stored() == ()


def test_who_hurries_writes_the_likeliest_first(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    home = InMemory(OnDisk(store, 10**6), 10**6)
    for number in (1, 2, 3):
        home.keep(number, state(), [1, 2, 3])
    asked = iter([False, False, True])
    home.close([3, 1, 2], lambda: next(asked))
    assert [one.number for one in store.stored()] == [1, 3]


def test_one_worker_keeps_states_in_memory_and_several_on_disk(config: StudyConfig) -> None:
    from dataclasses import replace

    assert isinstance(paused_states(config), InMemory)
    assert isinstance(paused_states(replace(config, budget=BudgetConfig(workers=2))), OnDisk)


def test_room_is_a_share_of_what_is_free(tmp_path: Path) -> None:
    assert 0 < memory_room() < 2**45
    assert 0 <= disk_room(tmp_path / "not" / "made" / "yet") <= 10 * 2**30
