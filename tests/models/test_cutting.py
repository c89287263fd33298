"""Models run in two parts, below and above a boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers

from autoft.models.anatomy import inspect_model
from autoft.models.assembly import Recipe, TrialModel, assemble, compatible
from autoft.models.base import Pristine
from autoft.models.cutting import Cut, exact_boundaries
from autoft.models.heads import Linear
from autoft.models.methods import METHODS
from autoft.models.methods.lora import Lora
from autoft.testing.methods import tiny_batch, train
from autoft.testing.tiny import FAMILIES, tiny_model

LoadTiny = Callable[[str], Pristine]
# DeBERTa's convolution mixes what enters the first layer into what leaves it; ALBERT's layers are one.
CUT = {family: {2, 3, 4} for family in FAMILIES} | {"deberta-v2": {4}, "albert": set()}


def inputs_of(pristine: Pristine) -> dict[str, torch.Tensor]:
    batch = tiny_batch(len(pristine.labels))
    return {word: batch[word] for word in pristine.anatomy.inputs}


def trial_of(pristine: Pristine, name: str, freeze: float = 0.67) -> TrialModel:
    method = METHODS.get(name)()
    if compatible(pristine.anatomy, Linear(), method):
        pytest.skip("a refused pair")
    return assemble(pristine, Recipe(Linear(), method, freeze, dropout=0.3), 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_cut_where_it_can_be(load_tiny: LoadTiny, family: str) -> None:
    assert load_tiny(family).boundaries == CUT[family]


def test_deberta_without_its_convolution_is_cut_anywhere() -> None:
    config: Any = FAMILIES["deberta-v2"]()
    config.conv_kernel_size = 0
    model = transformers.DebertaV2ForTokenClassification(config).eval()
    assert exact_boundaries(model, inspect_model(model)) == {2, 3, 4}


@pytest.mark.parametrize("family", [family for family in FAMILIES if CUT[family]])
def test_a_deeper_boundary_is_the_same_from_a_lower_one(load_tiny: LoadTiny, family: str) -> None:
    pristine = load_tiny(family)
    cut, inputs = Cut(pristine.model, pristine.anatomy), inputs_of(pristine)
    real = inputs["attention_mask"].bool()
    with torch.no_grad():
        for lower in pristine.boundaries:
            hidden = cut.below(lower, inputs)
            # Whatever stands on padding is without effect.
            hidden = torch.where(real[..., None], hidden, 7.0)
            for deeper in (one for one in pristine.boundaries if one > lower):
                again = cut.below(deeper, inputs, lower, hidden)
                assert torch.equal(again[real], cut.below(deeper, inputs)[real])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", METHODS.names())
def test_a_trial_above_its_prefix_gives_the_bits_of_the_whole(load_tiny: LoadTiny, family: str, name: str) -> None:
    """After training too: what trains lies above, what lies below is the base model's."""
    pristine = load_tiny(family)
    trial = trial_of(pristine, name)
    if not trial.boundary:
        assert not any(one <= trial.prefix_units for one in pristine.boundaries)
        return
    train(trial)
    trial.module.eval()
    batch = tiny_batch(trial.classes)
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        hidden = Cut(pristine.model, pristine.anatomy).below(trial.boundary, inputs_of(pristine))
        above = trial.logits({**batch, "hidden": hidden})
        assert torch.equal(above[real], trial.logits(batch)[real])


@pytest.mark.parametrize("name", ["full", "lora", "head"])
def test_gradients_above_the_prefix_are_those_of_the_whole(pristine: Pristine, name: str) -> None:
    trial = trial_of(pristine, name)
    trial.module.eval()
    batch = tiny_batch(trial.classes)
    hidden = Cut(pristine.model, pristine.anatomy).below(trial.boundary, inputs_of(pristine))
    found = []
    for columns in (batch, {**batch, "hidden": hidden}):
        summed, _ = trial.loss(columns, 0.1)
        gradients = torch.autograd.grad(summed, [value for _, value, _ in trial.named_trainable()], allow_unused=True)
        found.append([gradient for gradient in gradients if gradient is not None])
    assert len(found[0]) == len(found[1]) > 0
    for whole, above in zip(*found, strict=True):
        torch.testing.assert_close(whole, above)


def test_layers_below_do_not_run(pristine: Pristine) -> None:
    trial = trial_of(pristine, "full", freeze=0.67)
    ran: list[int] = []
    for index, layer in enumerate(pristine.anatomy.layers):
        trial.module.get_submodule(layer.path).register_forward_hook(lambda *_, at=index: ran.append(at))
    hidden = torch.zeros(2, 9, pristine.anatomy.width)
    trial.logits({**tiny_batch(trial.classes), "hidden": hidden})
    assert ran == [2]


def test_a_pass_that_fails_leaves_the_model_whole(pristine: Pristine) -> None:
    trial = trial_of(pristine, "full")
    trial.module.eval()
    batch = tiny_batch(trial.classes)
    before, names = trial.logits(batch), [name for name, _ in trial.module.named_modules()]
    with pytest.raises(RuntimeError):
        trial.logits({**batch, "hidden": torch.zeros(2, 9, 3)})
    assert [name for name, _ in trial.module.named_modules()] == names
    assert torch.equal(trial.logits(batch), before)


@pytest.mark.parametrize(
    ("name", "freeze", "above", "wanted"),
    [
        ("full", 0.0, True, (3, 3)),
        ("full", 0.67, False, (3, 1)),
        ("full", 0.67, True, (1, 1)),
        ("lora", 0.34, True, (2, 2)),
        ("head", 0.0, True, (0, 0)),
        ("head", 0.0, False, (3, 0)),
    ],
)
def test_layers_are_counted(pristine: Pristine, name: str, freeze: float, above: bool, wanted: tuple[int, int]) -> None:
    assert trial_of(pristine, name, freeze).layers_run(above=above) == wanted


def test_a_model_that_is_not_known_to_be_cut_exactly_starts_from_tokens(load_tiny: LoadTiny) -> None:
    trial = assemble(load_tiny("deberta-v2"), Recipe(Linear(), Lora(), 0.67), 1)
    assert (trial.prefix_units, trial.boundary) == (3, 0)


def test_a_family_that_looks_at_padding_is_not_cut() -> None:
    """ConvBERT's convolutions run over padding too: what stands there would have to be known."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.ConvBertConfig(vocab_size=60, embedding_size=16, head_ratio=1, **sizes)
    model = transformers.ConvBertForTokenClassification(config).eval()
    assert exact_boundaries(model, inspect_model(model)) <= {4}


def test_a_model_whose_scores_depend_on_how_it_is_run_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("bert").eval()
    inner = model.bert.encoder.forward
    monkeypatch.setattr(
        model.bert.encoder, "forward", lambda hidden, **words: inner(hidden * len(model.bert.encoder.layer), **words)
    )
    assert exact_boundaries(model, inspect_model(model)) == {4}
