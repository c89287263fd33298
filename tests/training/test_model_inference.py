"""Inference: the same scores as one sequence at a time, without padding, and the mean loss of a split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from autoft.data.features import Features
from autoft.models.base import Pristine
from autoft.models.heads import IGNORED
from autoft.models.methods.full import Full
from autoft.testing.fits import CPU, tiny_data, tiny_features, tiny_runtime, tiny_trial
from autoft.testing.tiny import FAMILIES, LABELS
from autoft.training.batches import make_resident
from autoft.training.inference import run_model
from autoft.training.runtime import Runtime

# float32 keeps seven digits; another batch shape multiplies in another order.
CLOSE = 1e-5


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores.astype(np.float64) - scores.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_give_the_scores_of_one_sequence_at_a_time(load_tiny: Callable[[str], Pristine], family: str) -> None:
    model, data = tiny_trial(load_tiny(family), Full(), dropout=0.3), tiny_data(14)
    outputs = run_model(model, data, tiny_runtime())
    model.module.eval()
    for member in range(len(data)):
        with torch.no_grad():
            alone = model.logits(data.batch(np.array([member])))[0].numpy()
        np.testing.assert_allclose(outputs.scores[member], alone, atol=CLOSE, rtol=0)


def test_scores_have_no_padding_and_keep_the_splits_order(pristine: Pristine) -> None:
    data = tiny_data(14)
    scores = run_model(tiny_trial(pristine, Full()), data, tiny_runtime()).scores
    assert [array.shape for array in scores] == [(length, len(LABELS)) for length in data.lengths]
    assert {array.dtype for array in scores} == {np.dtype(np.float32)}


def test_scores_own_their_memory(pristine: Pristine) -> None:
    # A view would keep every padded batch alive.
    scores = run_model(tiny_trial(pristine, Full()), tiny_data(14), tiny_runtime()).scores
    assert all(array.base is None for array in scores)


def test_loss_is_the_mean_over_labelled_tokens(pristine: Pristine) -> None:
    features = tiny_features(14)
    outputs = run_model(tiny_trial(pristine, Full()), make_resident(features, CPU), tiny_runtime())
    losses = [
        -log_softmax(scores)[position, target]
        for scores, targets in zip(outputs.scores, features.columns["labels"], strict=True)
        for position, target in enumerate(targets)
        if target != IGNORED
    ]
    assert outputs.loss == pytest.approx(np.mean(losses), rel=CLOSE)


@pytest.mark.parametrize("tokens", [1, 30, 4096])
def test_the_size_of_evaluation_batches_does_not_matter(pristine: Pristine, tokens: int) -> None:
    model, data = tiny_trial(pristine, Full()), tiny_data(14)
    found = run_model(model, data, Runtime(device=CPU, micro_batch=1, evaluation_tokens=tokens))
    wanted = run_model(model, data, tiny_runtime())
    assert found.loss == pytest.approx(wanted.loss, rel=CLOSE)
    for one, other in zip(found.scores, wanted.scores, strict=True):
        np.testing.assert_allclose(one, other, atol=CLOSE, rtol=0)


def test_without_targets_there_is_no_loss(pristine: Pristine) -> None:
    features = tiny_features(3)
    columns = {name: column for name, column in features.columns.items() if name != "labels"}
    padding = {name: value for name, value in features.padding.items() if name != "labels"}
    outputs = run_model(
        tiny_trial(pristine, Full()), make_resident(Features(columns, padding, features.owner), CPU), tiny_runtime()
    )
    assert np.isnan(outputs.loss)
    assert len(outputs.scores) == 3


def test_scoring_draws_no_random_numbers_and_changes_no_weight(pristine: Pristine) -> None:
    model = tiny_trial(pristine, Full(), dropout=0.3)
    before, state = model.sha256(), torch.get_rng_state()
    run_model(model, tiny_data(5), tiny_runtime())
    assert model.sha256() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_scoring_twice_gives_the_same_bits(pristine: Pristine) -> None:
    model, data = tiny_trial(pristine, Full(), dropout=0.3), tiny_data(14)
    first, second = (run_model(model, data, tiny_runtime()) for _ in range(2))
    assert first.loss == second.loss
    assert all(np.array_equal(one, other) for one, other in zip(first.scores, second.scores, strict=True))
