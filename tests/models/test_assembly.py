from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, assemble, compatible, what_trains
from autoft.models.base import Pristine
from autoft.models.heads import Linear, Mlp
from autoft.models.methods import METHODS, Method
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.bitfit import BitFit
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.models.methods.lora import Lora
from autoft.testing.methods import scores, tiny_batch, train
from autoft.testing.tiny import FAMILIES

LoadTiny = Callable[[str], Pristine]


def dropouts(module: nn.Module) -> dict[str, float]:
    return {path: inner.p for path, inner in module.named_modules() if isinstance(inner, nn.Dropout)}


@pytest.mark.parametrize(
    ("method", "freeze", "prefix"),
    [
        (Full(), 0.0, 0),
        (Full(), 0.34, 2),
        (Full(), 1.0, 3),
        (HeadOnly(), 0.0, 4),
        (Lora(), 0.0, 1),
        (Lora(), 1.0, 3),
        (Adapter(), 0.34, 2),
        (BitFit(), 0.0, 1),
    ],
)
def test_prefix_is_all_below_the_lowest_parameter_that_trains(
    pristine: Pristine, method: Method, freeze: float, prefix: int
) -> None:
    assert assemble(pristine, Recipe(Linear(), method, freeze), 1).prefix_units == prefix


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", [BitFit(), Lora(), Adapter()], ids=lambda method: method.name)
def test_prefix_runs_without_dropout(load_tiny: LoadTiny, family: str, method: Method) -> None:
    pristine = load_tiny(family)
    if compatible(pristine.anatomy, Linear(), method):
        pytest.skip("a refused pair")
    trial = assemble(pristine, Recipe(Linear(), method, 0.67, dropout=0.5), 1)
    lowest = pristine.anatomy.layers[trial.prefix_units - 1].path
    layer = next(inner for name, inner in trial.module.named_modules() if name.endswith(lowest))
    seen: list[torch.Tensor] = []

    def note(_: nn.Module, args: tuple[torch.Tensor, ...], kwargs: dict[str, torch.Tensor]) -> None:
        seen.append((*args, *kwargs.values())[0])

    layer.register_forward_pre_hook(note, with_kwargs=True)
    trial.module.train()
    for _ in range(2):
        trial.logits(tiny_batch(trial.classes))
    # A shared layer runs several times in a pass; its first input is the prefix's output.
    assert torch.equal(seen[0], seen[len(seen) // 2])


@pytest.mark.parametrize("family", FAMILIES)
def test_whole_encoder_is_the_prefix_of_the_head(load_tiny: LoadTiny, family: str) -> None:
    trial = assemble(load_tiny(family), Recipe(Linear(), HeadOnly(), dropout=0.5), 1)
    trial.module.train()
    encoder: Any = trial.module.base_model
    batch = {word: tiny_batch(trial.classes)[word] for word in trial.anatomy.inputs}
    assert torch.equal(encoder(**batch)[0], encoder(**batch)[0])
    assert not torch.equal(trial.logits(batch), trial.logits(batch))


@pytest.mark.parametrize("family", FAMILIES)
def test_dropout_reaches_all_that_is_not_frozen(load_tiny: LoadTiny, family: str) -> None:
    trial = assemble(load_tiny(family), Recipe(Linear(), Full(), dropout=0.25), 1)
    found = dropouts(trial.module)
    assert found
    assert set(found.values()) == {0.25}


def test_dropout_that_attention_keeps_as_a_number_is_set(load_tiny: LoadTiny) -> None:
    trial = assemble(load_tiny("modernbert"), Recipe(Linear(), Full(), 1.0, dropout=0.25), 1)
    layers: Any = trial.module.get_submodule("model.layers")
    assert [layer.attn.attention_dropout for layer in layers] == [0.0, 0.0, 0.25]


def test_no_dropout_given_keeps_the_models_own(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full(), 0.34), 1)
    found = dropouts(trial.module)
    assert found["bert.encoder.layer.1.output.dropout"] == 0.1
    assert found["bert.encoder.layer.0.output.dropout"] == found["bert.embeddings.dropout"] == 0.0


def test_dropout_of_the_head_stays_where_only_the_head_trains(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), HeadOnly(), dropout=0.5), 1)
    assert [path for path, p in dropouts(trial.module).items() if p > 0] == ["dropout"]


def test_dropout_of_lora_is_its_own(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Lora(dropout=0.4), dropout=0.1), 1)
    found = dropouts(trial.module)
    assert {p for path, p in found.items() if "lora_dropout" in path} == {0.4}
    assert {p for path, p in found.items() if "lora_dropout" not in path} == {0.0, 0.1}


def test_what_does_not_train_shares_memory_with_the_base_model(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full(), 0.34), 1)
    own = dict(pristine.model.named_parameters())
    shared = {name for name, value in trial.module.named_parameters() if value.data_ptr() == own[name].data_ptr()}
    assert shared == {name for name, value in trial.module.named_parameters() if not value.requires_grad}


def test_moving_a_trial_leaves_the_base_model_where_it_was(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), HeadOnly()), 1)
    trial.module.to(torch.float64)
    assert {value.dtype for value in pristine.model.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["full", "lora", "adapter"])
def test_dropped_trials_give_their_memory_back(pristine: Pristine, name: str) -> None:
    recipe = Recipe(Linear(), METHODS.get(name)(), 0.34, dropout=0.1)
    alive = []
    counts = []
    for seed in range(50):
        trial = train(assemble(pristine, recipe, seed), steps=1)
        alive.append(weakref.ref(trial.module))
        del trial
        if seed in {9, 49}:
            gc.collect()
            counts.append(sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()))
    assert not any(reference() for reference in alive)
    assert counts[1] <= counts[0]


def test_depth_is_the_unit(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full()), 1)
    depths = {name: depth for name, _, depth in trial.named_trainable()}
    assert depths["bert.embeddings.word_embeddings.weight"] == 0
    assert depths["bert.encoder.layer.1.output.dense.bias"] == 2
    assert depths["classifier.weight"] == 4


@pytest.mark.parametrize(
    ("method", "freeze", "words"),
    [
        (Full(), 0.0, "the embeddings, layers 1-3 and the head: 8,989 of 8,989 parameters"),
        (Full(), 0.34, "layers 2-3 and the head: 4,005 of 8,989 parameters"),
        (Full(), 1.0, "layer 3 and the head: 2,045 of 8,989 parameters"),
        (HeadOnly(), 0.0, "the head: 85 of 8,989 parameters"),
        (Lora(rank=1), 1.0, "layer 3 and the head: 213 of 9,117 parameters"),
    ],
)
def test_description_says_what_trains(pristine: Pristine, method: Method, freeze: float, words: str) -> None:
    assert what_trains(assemble(pristine, Recipe(Linear(), method, freeze), 1)) == words


def test_description_of_shared_layers(load_tiny: LoadTiny) -> None:
    trial = assemble(load_tiny("albert"), Recipe(Linear(), Lora()), 1)
    assert what_trains(trial).startswith("the shared layers and the head:")


def test_weights_are_copies(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full()), 1)
    before = trial.sha256()
    for value in trial.weights().values():
        value.zero_()
    assert trial.sha256() == before


def test_weights_of_another_recipe_are_refused(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full()), 1)
    other = assemble(pristine, Recipe(Linear(), HeadOnly()), 1)
    with pytest.raises(ValueError, match="names of what trains differ"):
        trial.load_weights(other.weights())


def test_weights_of_another_shape_are_refused(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Lora(rank=4)), 1)
    other = assemble(pristine, Recipe(Linear(), Lora(rank=2)), 1)
    with pytest.raises(ValueError, match="has another shape"):
        trial.load_weights(other.weights())


def test_merged_model_shares_nothing_with_the_trial(pristine: Pristine) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full(), 0.34), 1)
    before = scores(trial)
    for value in trial.merged().state_dict().values():
        value.zero_()
    assert torch.equal(scores(trial), before)


def test_a_head_that_the_model_was_not_loaded_with_is_refused(pristine: Pristine) -> None:
    with pytest.raises(ValueError, match="that the model was loaded with expected, got Mlp"):
        assemble(pristine, Recipe(Mlp(), HeadOnly()), 1)


def test_recipe_names_every_value_out_of_range() -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe(Linear(), Full(), freeze=1.5, dropout=-0.1)
    assert len(caught.value.problems) == 2


def test_refused_pair_is_refused_at_assembly(load_tiny: LoadTiny) -> None:
    pristine = load_tiny("modernbert")
    reason = compatible(pristine.anatomy, Linear(), BitFit())
    assert reason is not None
    with pytest.raises(ConfigError, match="bitfit needs biases"):
        assemble(pristine, Recipe(Linear(), BitFit()), 1)
