"""Dropout with masks of a trial's own: the same law as PyTorch's, drawn from seeds alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from autoft.models import attention
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.attention import use_masks_in_attention, use_plain_attention
from autoft.models.base import Pristine
from autoft.models.dropout import MaskedDropout, Masks, dropped, use_masks, use_plain_dropout
from autoft.models.heads import Linear
from autoft.models.methods import METHODS
from autoft.testing.methods import tiny_batch
from autoft.testing.tiny import FAMILIES, tiny_model

LoadTiny = Callable[[str], Pristine]


def masks(*seed: int) -> Masks:
    made = Masks()
    made.begin(*(seed or (1,)))
    return made


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.3, 0.9])
def test_as_many_are_dropped_as_asked_and_the_mean_stays(probability: float) -> None:
    values = torch.ones(400, 1000)
    found = dropped(values, probability, masks())
    error = (probability * (1 - probability) / values.numel()) ** 0.5
    assert float((found == 0).float().mean()) == pytest.approx(probability, abs=5 * error)
    assert float(found.mean()) == pytest.approx(1.0, abs=5 * error / (1 - probability))
    assert len(found.unique()) == 2


def test_neighbours_are_dropped_independently() -> None:
    """Of 16 bits that lie in one number, none says anything of the others."""
    found = (dropped(torch.ones(10**6), 0.5, masks()) > 0).float() - 0.5
    for distance in (1, 2, 3, 4, 64):
        assert abs(float((found[distance:] * found[:-distance]).mean())) < 0.25 * 5 / 10**3


def test_a_mask_follows_from_the_seed_and_the_calls_since() -> None:
    values = torch.ones(3, 7)
    one, other = masks(5, 2), masks(5, 2)
    first, second = dropped(values, 0.5, one), dropped(values, 0.5, one)
    assert torch.equal(first, dropped(values, 0.5, other))
    assert torch.equal(second, dropped(values, 0.5, other))
    assert not torch.equal(torch.cat([first, second]), torch.cat([second, first]))
    assert not torch.equal(first, dropped(values, 0.5, masks(5, 3)))


def test_gradients_go_where_values_went() -> None:
    values = torch.randn(6, 5, requires_grad=True)
    found = dropped(values, 0.4, masks())
    found.backward(torch.full_like(found, 2.0))
    factor = torch.where(found == 0, 0.0, float(np.float32(65536 / round(0.6 * 65536))))
    torch.testing.assert_close(values.grad, 2.0 * factor)
    torch.testing.assert_close(found, values * factor)


def test_all_and_nothing() -> None:
    values = torch.randn(4, 4)
    assert dropped(values, 1.0, masks()).eq(0).all()
    layer = MaskedDropout(0.0, masks())
    assert layer(values) is values
    layer = MaskedDropout(0.5, masks()).eval()
    assert layer(values) is values


def test_values_that_do_not_lie_in_one_piece_are_masked_too() -> None:
    values = torch.randn(5, 4).t()
    found = dropped(values, 0.5, masks())
    assert found.shape == (4, 5)
    assert torch.equal(found[found != 0], values[found != 0] * 2.0)


def test_another_precision_is_left_to_pytorch() -> None:
    layer, values = MaskedDropout(0.5, masks()), torch.ones(1000, dtype=torch.float64)
    torch.manual_seed(0)
    first = layer(values)
    torch.manual_seed(0)
    assert torch.equal(first, nn.Dropout(0.5)(values))


def test_modules_are_exchanged_and_put_back() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3), nn.ModuleDict({"a": nn.Dropout(0.1)})).eval()
    use_masks(model, masks())
    inner = [child for child in model.modules() if isinstance(child, nn.Dropout)]
    assert [(type(one), one.p, one.training) for one in inner] == [
        (MaskedDropout, 0.3, False),
        (MaskedDropout, 0.1, False),
    ]
    use_plain_dropout(model)
    assert [type(one) for one in model.modules() if isinstance(one, nn.Dropout)] == [nn.Dropout, nn.Dropout]


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_transformers(masked: bool) -> None:
    """With a probability that rounds to nothing dropped, and in the mean where something is."""
    torch.manual_seed(3)
    query, key, value = (torch.randn(2, 3, 5, 4) for _ in range(3))
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    mask[1, ..., 3:] = False
    module = nn.Module()
    module.is_causal = False  # type: ignore[assignment]
    setattr(module, attention._ATTRIBUTE, masks())
    given = mask if masked else None
    wanted, _ = sdpa_attention_forward(module, query, key, value, given)
    found, _ = attention._attention(module, query, key, value, given, dropout=1e-9)
    torch.testing.assert_close(found, wanted)
    mean = torch.stack([attention._attention(module, query, key, value, given, 0.3)[0] for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, wanted, atol=0.06, rtol=0.0)
    assert not torch.equal(attention._attention(module, query, key, value, given, 0.3)[0], wanted)


def unusual(kind: str) -> tuple[dict[str, Any], bool]:
    """Return what `_attention` is given besides query, and whether the module is causal."""
    key, value = torch.randn(2, 4, 5, 4), torch.randn(2, 4, 5, 4)
    given: dict[str, Any] = {"key": key, "value": value, "attention_mask": None}
    match kind:
        case "a bias by position":
            given |= {"position_bias": torch.randn(1, 4, 5, 5)}
        case "a mask of numbers":
            given |= {"attention_mask": torch.randn(2, 1, 5, 5)}
        case "fewer keys":
            given |= {"key": key[:, :2], "value": value[:, :2]}
    return given, kind == "causal"


@pytest.mark.parametrize("kind", ["a bias by position", "a mask of numbers", "fewer keys", "causal"])
def test_attention_of_another_kind_is_left_to_transformers(kind: str) -> None:
    torch.manual_seed(3)
    module: Any = nn.Module()
    given, module.is_causal = unusual(kind)
    module.num_key_value_groups = 2 if kind == "fewer keys" else 1
    setattr(module, attention._ATTRIBUTE, masks())
    query = torch.randn(2, 4, 5, 4)
    torch.manual_seed(5)
    wanted, _ = sdpa_attention_forward(module, query, dropout=0.3, **given)
    torch.manual_seed(5)
    found, _ = attention._attention(module, query, dropout=0.3, **given)
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_asked_whether_it_may_use_the_masks(load_tiny: LoadTiny, family: str) -> None:
    assert load_tiny(family).masked == (family != "deberta-v2")


def test_a_model_that_looks_at_the_name_of_its_attention_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("bert").eval()
    inner = model.classifier.forward
    monkeypatch.setattr(
        model.classifier, "forward", lambda hidden: inner(hidden) * (model.config._attn_implementation == "sdpa")
    )
    inputs = {"input_ids": torch.tensor([[5, 6, 7]])}
    assert not attention.masks_fit(model, inputs)
    assert model.config._attn_implementation == "sdpa"


def trial_of(pristine: Pristine, name: str) -> TrialModel:
    return assemble(pristine, Recipe(Linear(), METHODS.get(name)(), dropout=0.4), 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trials_dropout_draws_nothing_from_pytorch(load_tiny: LoadTiny, family: str) -> None:
    trial = trial_of(load_tiny(family), "full")
    trial.module.train()
    batch, state = tiny_batch(trial.classes), torch.get_rng_state()
    found = []
    for step in (1, 1, 2):
        trial.masks.begin(7, step)
        found.append(trial.logits(batch))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", ["full", "lora", "adapter"])
def test_a_merged_model_knows_nothing_of_masks(pristine: Pristine, name: str) -> None:
    trial = trial_of(pristine, name)
    merged = trial.merged()
    assert not any(isinstance(module, MaskedDropout) for module in merged.modules())
    assert not any(hasattr(module, attention._ATTRIBUTE) for module in merged.modules())
    assert merged.config._attn_implementation == "sdpa"
    assert pristine.model.config._attn_implementation == "sdpa"
    batch = {word: tiny_batch(trial.classes)[word] for word in trial.anatomy.inputs}
    merged.train()
    merged(**batch)


def test_a_module_around_the_model_is_no_hindrance(pristine: Pristine) -> None:
    """PEFT's hands every question on to the model inside."""
    trial = trial_of(pristine, "lora")
    use_plain_dropout(trial.module)
    use_plain_attention(trial.module)
    assert not any(attention._ATTRIBUTE in vars(module) for module in trial.module.modules())


def test_a_model_with_an_attention_of_its_own_keeps_it(load_tiny: LoadTiny) -> None:
    model = copy.deepcopy(load_tiny("deberta-v2").model)
    before = model.config._attn_implementation
    use_masks_in_attention(model, masks())
    assert model.config._attn_implementation == before
    use_plain_attention(model)
    assert model.config._attn_implementation == before
