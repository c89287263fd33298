"""What a frozen prefix hands on of a split."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.base import Pristine
from autoft.models.heads import Linear
from autoft.models.methods import METHODS
from autoft.models.methods.full import Full
from autoft.testing.fits import tiny_data, tiny_fit, tiny_runtime
from autoft.training.batches import Sequences
from autoft.training.config import FitConfig
from autoft.training.inference import run_model
from autoft.training.prefix import prefix_shape, run_prefix
from autoft.training.runtime import Runtime

CONFIG = FitConfig(epochs=3, batch_size=4, learning_rate=1e-3)
RUNTIME = Runtime(device=torch.device("cpu"), micro_batch=64, evaluation_tokens=4096)


def prefix(pristine: Pristine, data: Sequences, boundary: int, **words: Any) -> Tensor:
    out = torch.full(prefix_shape(pristine, data), torch.nan)
    run_prefix(pristine, data, boundary, out, runtime=RUNTIME, **words)
    return out


def trial_of(pristine: Pristine, name: str = "full", dropout: float = 0.2) -> TrialModel:
    return assemble(pristine, Recipe(Linear(), METHODS.get(name)(), 0.67, dropout=dropout), 3)


@pytest.mark.parametrize("count", [0, 1, 17])
@pytest.mark.parametrize("boundary", [2, 3, 4])
def test_every_token_has_its_place(pristine: Pristine, count: int, boundary: int) -> None:
    data = tiny_data(count)
    hidden = prefix(pristine, data, boundary)
    assert hidden.shape == prefix_shape(pristine, data) == (data.lengths.sum(), 16)
    assert hidden.isfinite().all()
    assert not hidden.requires_grad


@pytest.mark.parametrize("family", ["bert", "modernbert", "electra", "distilbert"])
@given(count=st.integers(1, 30), seed=st.integers(0, 99), lower=st.sampled_from([2, 3]))
def test_from_a_lower_boundary_come_the_same_bits(load_tiny, family: str, count: int, seed: int, lower: int) -> None:  # type: ignore[no-untyped-def]
    pristine, data = load_tiny(family), tiny_data(count, seed=seed)
    known = prefix(pristine, data, lower)
    cold = prefix(pristine, data, 4)
    assert torch.equal(prefix(pristine, data, 4, start=lower, known=known), cold)


@pytest.mark.parametrize("name", ["full", "lora", "adapter", "head"])
def test_an_evaluation_above_the_prefix_has_the_bits_of_a_whole_one(pristine: Pristine, name: str) -> None:
    model, data = trial_of(pristine, name), tiny_data(23)
    above = replace(data, hidden=prefix(pristine, data, model.boundary))
    whole, cut = run_model(model, data, RUNTIME), run_model(model, above, RUNTIME)
    assert whole.loss == cut.loss
    assert all(np.array_equal(one, other) for one, other in zip(whole.scores, cut.scores, strict=True))


@pytest.mark.parametrize("name", ["full", "lora", "head"])
def test_training_above_the_prefix_learns_what_training_the_whole_does(pristine: Pristine, name: str) -> None:
    found = []
    data = tiny_data(20)
    for hidden in (None, prefix(pristine, data, trial_of(pristine, name).boundary)):
        model = trial_of(pristine, name, dropout=0.0)
        last = list(tiny_fit(model, replace(data, hidden=hidden), CONFIG))[-1]
        found.append((last.scores.loss, model.weights()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    for key, whole in found[0][1].items():
        torch.testing.assert_close(found[1][1][key], whole, rtol=1e-3, atol=1e-5)


def test_padding_in_a_batch_changes_nothing_that_is_real(pristine: Pristine) -> None:
    model, data = trial_of(pristine, dropout=0.0), tiny_data(6)
    above = replace(data, hidden=prefix(pristine, data, model.boundary))
    model.module.eval()
    alone, together = above.batch(np.array([0])), above.batch(np.arange(6))
    width = int(data.lengths[0])
    assert alone["hidden"].shape == (1, width, 16)
    with torch.no_grad():
        torch.testing.assert_close(model.logits(together)[:1, :width], model.logits(alone))


def test_layers_that_tokens_go_through_are_counted(pristine: Pristine) -> None:
    data = tiny_data(8)
    tokens = int(data.lengths.sum())
    hidden = prefix(pristine, data, 3)
    counts = []
    for sequences in (data, replace(data, hidden=hidden)):
        [only] = tiny_fit(trial_of(pristine), sequences, FitConfig(epochs=1, batch_size=4), points={9: 2})
        counts.append((only.counts["tokens"], only.counts["forwarded"], only.counts["backpropagated"]))
    assert counts == [(tokens, 3 * tokens, tokens), (tokens, tokens, tokens)]
    assert assemble(pristine, Recipe(Linear(), Full(), 0.67), 0).boundary == 3


def test_a_time_limit_ends_it(pristine: Pristine) -> None:
    def over() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run_prefix(pristine, tiny_data(3), 3, torch.empty(36, 16), runtime=replace(tiny_runtime(), tick=over))
