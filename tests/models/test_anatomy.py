from __future__ import annotations

from collections.abc import Callable

import pytest
import transformers

from autoft.errors import ConfigError
from autoft.models.anatomy import inspect_model
from autoft.models.base import Pristine
from autoft.testing.tiny import FAMILIES, tiny_model

LoadTiny = Callable[[str], Pristine]

ATTENTION = {
    "bert": ["query", "key", "value", "dense"],
    "roberta": ["query", "key", "value", "dense"],
    "xlm-roberta": ["query", "key", "value", "dense"],
    "distilbert": ["q_lin", "k_lin", "v_lin", "out_lin"],
    "deberta-v2": ["query_proj", "key_proj", "value_proj", "dense"],
    "modernbert": ["Wqkv", "Wo"],
    "electra": ["query", "key", "value", "dense"],
    "albert": ["query", "key", "value", "dense"],
}
SECOND_LAYER = {
    "bert": ("bert.encoder.layer.1", "intermediate.dense", "output.dense"),
    "roberta": ("roberta.encoder.layer.1", "intermediate.dense", "output.dense"),
    "xlm-roberta": ("roberta.encoder.layer.1", "intermediate.dense", "output.dense"),
    "distilbert": ("distilbert.transformer.layer.1", "ffn.lin1", "ffn.lin2"),
    "deberta-v2": ("deberta.encoder.layer.1", "intermediate.dense", "output.dense"),
    "modernbert": ("model.layers.1", "mlp.Wi", "mlp.Wo"),
    "electra": ("electra.encoder.layer.1", "intermediate.dense", "output.dense"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_is_found(load_tiny: LoadTiny, family: str) -> None:
    layer = load_tiny(family).anatomy.layers[0]
    assert [part.path.rpartition(".")[2] for part in layer.attention] == ATTENTION[family]


@pytest.mark.parametrize("family", SECOND_LAYER)
def test_layers_and_feed_forward_are_found(load_tiny: LoadTiny, family: str) -> None:
    anatomy = load_tiny(family).anatomy
    layer = anatomy.layers[1]
    path, up, down = SECOND_LAYER[family]
    assert (layer.path, layer.feed_forward.up.path) == (path, f"{path}.{up}")
    assert layer.feed_forward.down.path == f"{path}.{down}"
    assert (len(anatomy.layers), anatomy.applications, anatomy.shared) == (3, 3, False)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_modernbert_is_gated(load_tiny: LoadTiny, family: str) -> None:
    assert load_tiny(family).anatomy.layers[0].feed_forward.fused == (family == "modernbert")


def test_shared_layer_counts_once_and_its_applications_three_times(load_tiny: LoadTiny) -> None:
    anatomy = load_tiny("albert").anatomy
    assert (len(anatomy.layers), anatomy.applications, anatomy.shared, anatomy.top) == (
        1,
        3,
        True,
        2,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_has_a_unit(load_tiny: LoadTiny, family: str) -> None:
    pristine = load_tiny(family)
    assert pristine.anatomy.units.keys() == dict(pristine.model.named_parameters()).keys()


@pytest.mark.parametrize(
    ("family", "name", "unit"),
    [
        ("bert", "bert.embeddings.LayerNorm.weight", 0),
        ("bert", "bert.encoder.layer.2.output.LayerNorm.bias", 3),
        ("bert", "classifier.weight", 4),
        ("deberta-v2", "deberta.encoder.rel_embeddings.weight", 0),
        ("deberta-v2", "deberta.encoder.LayerNorm.weight", 0),
        ("deberta-v2", "deberta.encoder.conv.conv.weight", 1),
        ("electra", "electra.embeddings_project.weight", 0),
        ("albert", "albert.encoder.embedding_hidden_mapping_in.weight", 0),
        ("modernbert", "model.final_norm.weight", 3),
        ("modernbert", "head.dense.weight", 4),
    ],
)
def test_unit_follows_the_flow_of_data(load_tiny: LoadTiny, family: str, name: str, unit: int) -> None:
    assert load_tiny(family).anatomy.units[name] == unit


@pytest.mark.parametrize(
    ("family", "path", "unit"),
    [
        ("bert", "bert.embeddings.dropout", 0),
        ("bert", "bert.encoder.layer.0.attention.self.dropout", 1),
        ("bert", "dropout", 4),
        ("bert", "base_model.model.bert.encoder.layer.1.attention.self.query.lora_A.default", 2),
        ("bert", "base_model.model.classifier.modules_to_save.default.weight", 4),
        ("deberta-v2", "deberta.encoder.conv.dropout", 1),
        ("modernbert", "model.layers.2.mlp.drop", 3),
    ],
)
def test_module_without_parameters_has_the_unit_of_its_place(
    load_tiny: LoadTiny, family: str, path: str, unit: int
) -> None:
    assert load_tiny(family).anatomy.unit_of(path) == unit


def test_parameter_that_the_forward_pass_never_uses_has_no_unit() -> None:
    model = transformers.BertForTokenClassification(FAMILIES["bert"]())
    model.bert.pooler = transformers.models.bert.modeling_bert.BertPooler(model.config)
    assert not any("pooler" in name for name in inspect_model(model).units)


def test_inspection_leaves_flags_mode_and_hooks_alone() -> None:
    model = tiny_model("bert").train().requires_grad_(False)
    inspect_model(model)
    assert model.training
    assert not any(value.requires_grad for value in model.parameters())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_encoder_decoder_is_refused() -> None:
    config = transformers.T5Config(d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2, vocab_size=50)
    with pytest.raises(ConfigError, match="an encoder expected, got an encoder-decoder"):
        inspect_model(transformers.T5ForConditionalGeneration(config))


def test_bare_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match="layers expected as a ModuleList"):
        inspect_model(tiny_model("bert").base_model)
