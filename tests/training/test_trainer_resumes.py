"""Snapshots: a fit that goes on from one is, bit for bit, the fit that never stopped."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from autoft.models.base import Pristine
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.base import Method
from autoft.models.methods.full import Full
from autoft.models.methods.lora import Lora
from autoft.testing.fits import tiny_data, tiny_fit, tiny_runtime, tiny_trial
from autoft.training.config import FitConfig, Optimizer, Sgd
from autoft.training.trainer import Evaluation, Scores, Snapshot

METHODS = [Full(), Lora(dropout=0.1), Adapter()]
# 10 sequences, 4 a batch: no point lies at the border of an epoch but the last.
CONFIG = FitConfig(learning_rate=3e-3, epochs=5, batch_size=4, seed=3)
POINTS = {1: 1, 2: 2, 4: 7, 9: 15}


def whole(
    pristine: Pristine, method: Method, config: FitConfig
) -> tuple[list[Evaluation[Scores]], list[Snapshot], str]:
    """The evaluations, the snapshot of each, and the digest of a fit without a stop."""
    model = tiny_trial(pristine, method, dropout=0.2)
    evaluations, snapshots = [], []
    for evaluation in tiny_fit(model, tiny_data(10), config, points=POINTS):
        evaluations.append(evaluation)
        snapshots.append(evaluation.snapshot())
        torch.rand(5)
    return evaluations, snapshots, model.sha256()


def rest(
    pristine: Pristine, method: Method, config: FitConfig, snapshot: Snapshot
) -> tuple[list[Evaluation[Scores]], str]:
    """The evaluations from a snapshot on and the digest; the caller draws random numbers all the time."""
    torch.rand(11)
    model = tiny_trial(pristine, method, dropout=0.2)
    evaluations = []
    for evaluation in tiny_fit(model, tiny_data(10), config, points=POINTS, resume=snapshot):
        evaluations.append(evaluation)
        torch.rand(3)
    return evaluations, model.sha256()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_resumed_equals_uninterrupted(pristine: Pristine, method: Method) -> None:
    evaluations, snapshots, digest = whole(pristine, method, CONFIG)
    for done, snapshot in enumerate(snapshots[:-1], 1):
        assert rest(pristine, method, CONFIG, snapshot) == (evaluations[done:], digest)


@pytest.mark.parametrize("optimizer", [Sgd(learning_rate_ratio=10.0)], ids=lambda optimizer: optimizer.name)
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_resumed_equals_uninterrupted_for_other_optimizers(
    pristine: Pristine, optimizer: Optimizer, schedule: str
) -> None:
    config = FitConfig(optimizer=optimizer, schedule=schedule, epochs=5, batch_size=4, layer_decay=0.8)
    evaluations, snapshots, digest = whole(pristine, Full(), config)
    assert rest(pristine, Full(), config, snapshots[1]) == (evaluations[2:], digest)


def test_a_snapshot_can_be_continued_more_than_once(pristine: Pristine) -> None:
    evaluations, snapshots, digest = whole(pristine, Full(), CONFIG)
    for _ in range(2):
        assert rest(pristine, Full(), CONFIG, snapshots[1]) == (evaluations[2:], digest)


def test_stopped_twice_equals_uninterrupted(pristine: Pristine) -> None:
    evaluations, snapshots, digest = whole(pristine, Full(), CONFIG)
    model = tiny_trial(pristine, Full(), dropout=0.2)
    second = next(iter(tiny_fit(model, tiny_data(10), CONFIG, points=POINTS, resume=snapshots[0])))
    assert second == evaluations[1]
    assert rest(pristine, Full(), CONFIG, second.snapshot()) == (evaluations[2:], digest)


def test_resumed_with_micro_batches_equals_uninterrupted(pristine: Pristine) -> None:
    runtime = tiny_runtime(micro_batch=2)
    model = tiny_trial(pristine, Full(), dropout=0.2)
    first, *others = [(e, e.snapshot()) for e in tiny_fit(model, tiny_data(10), CONFIG, points=POINTS, runtime=runtime)]
    again = tiny_trial(pristine, Full(), dropout=0.2)
    resumed = list(tiny_fit(again, tiny_data(10), CONFIG, points=POINTS, runtime=runtime, resume=first[1]))
    assert resumed == [evaluation for evaluation, _ in others]
    assert again.sha256() == model.sha256()


def test_training_on_does_not_change_a_snapshot(pristine: Pristine) -> None:
    model = tiny_trial(pristine, Full(), dropout=0.2)
    run = tiny_fit(model, tiny_data(10), CONFIG, points=POINTS)
    snapshot = next(run).snapshot()
    before = digest_of(snapshot)
    list(run)
    assert digest_of(snapshot) == before


def test_continuing_does_not_change_a_snapshot(pristine: Pristine) -> None:
    _, snapshots, _ = whole(pristine, Full(), CONFIG)
    before = digest_of(snapshots[0])
    rest(pristine, Full(), CONFIG, snapshots[0])
    assert digest_of(snapshots[0]) == before


def test_a_snapshot_lies_on_the_cpu_and_holds_what_trains(pristine: Pristine) -> None:
    _, snapshots, _ = whole(pristine, Lora(), CONFIG)
    model = tiny_trial(pristine, Lora())
    assert snapshots[0].weights.keys() == {name for name, _, _ in model.named_trainable()}
    assert len(snapshots[0].optimizer["state"]) == len(model.named_trainable())
    assert {value.device.type for value in tensors_of(snapshots[0])} == {"cpu"}


def test_nothing_is_left_to_do_after_the_last_point(pristine: Pristine) -> None:
    _, snapshots, digest = whole(pristine, Full(), CONFIG)
    model = tiny_trial(pristine, Full(), dropout=0.2)
    assert list(tiny_fit(model, tiny_data(10), CONFIG, points=POINTS, resume=snapshots[-1])) == []
    assert model.sha256() == digest


def test_a_snapshot_of_another_recipe_is_refused(pristine: Pristine) -> None:
    _, snapshots, _ = whole(pristine, Full(), CONFIG)
    with pytest.raises(ValueError, match="another recipe"):
        rest(pristine, Lora(), CONFIG, snapshots[0])


def tensors_of(snapshot: Snapshot) -> list[torch.Tensor]:
    slots: Mapping[int, Mapping[str, torch.Tensor]] = snapshot.optimizer["state"]
    return [
        *snapshot.weights.values(),
        *snapshot.random,
        *(value for slot in slots.values() for value in slot.values()),
    ]


def digest_of(snapshot: Snapshot) -> list[list[float]]:
    return [value.double().flatten().tolist() for value in tensors_of(snapshot)]
