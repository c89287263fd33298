from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from autoft.errors import ConfigError
from autoft.models.base import load_pristine, resolve_model
from autoft.models.headed import classifier_path, rescale_classifier
from autoft.models.heads import KINDS, Attention, Cls, Head, Linear, Max, Mean
from autoft.testing.tiny import FAMILIES, LABELS, tiny_model

POOLED: tuple[type[Head], ...] = (Cls, Mean, Max, Attention)


def states() -> tuple[Tensor, dict[str, Tensor]]:
    hidden = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    return hidden, {"attention_mask": torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])}


@pytest.mark.parametrize("made", POOLED, ids=lambda made: made.name)
def test_padding_changes_nothing(made: type[Head]) -> None:
    module = made(kind="sequence-classification").module(8, 3, None).eval()
    hidden, inputs = states()
    scores = module(hidden, inputs)
    assert scores.shape == (2, 3)
    torch.testing.assert_close(module(hidden[:1, :3], {"attention_mask": inputs["attention_mask"][:1, :3]}), scores[:1])
    elsewhere = torch.where(inputs["attention_mask"][..., None].bool(), hidden, 1e3)
    torch.testing.assert_close(module(elsewhere, inputs), scores)


@pytest.mark.parametrize(
    ("made", "pooled"),
    [(Cls, lambda real: real[0]), (Mean, lambda real: real.mean(0)), (Max, lambda real: real.amax(0))],
)
def test_what_is_pooled_is_what_the_name_says(made: type[Head], pooled: Callable[[Tensor], Tensor]) -> None:
    module: Any = made(kind="regression").module(8, 2, None).eval()
    hidden, inputs = states()
    expected = module.classifier(pooled(hidden[0, :3]))
    torch.testing.assert_close(module(hidden, inputs)[0], expected)


def test_attention_weighs_tokens_alike_where_all_are_alike() -> None:
    module: Any = Attention(size=4, kind="sequence-classification").module(8, 3, None).eval()
    hidden, inputs = states()
    same = hidden[:, :1].expand_as(hidden)
    torch.testing.assert_close(module(same, inputs), module.classifier(hidden[:, 0]))
    module.context.weight.data.zero_()
    torch.testing.assert_close(module(hidden, inputs)[0], module.classifier(hidden[0, :3].mean(0)))


@pytest.mark.parametrize("kind", ["token-classification", "question-answering"])
@pytest.mark.parametrize("made", POOLED, ids=lambda made: made.name)
def test_pooling_is_refused_where_tokens_are_asked_for(made: type[Head], kind: str) -> None:
    refusal = f"head '{made.name}' is for sequence-classification, multi-label-classification, regression, got {kind}"
    assert made(kind=kind).refuse() == refusal
    with pytest.raises(ConfigError, match="is for sequence-classification"):
        load_pristine(resolve_model("."), made(kind=kind), LABELS)
    assert kind in KINDS


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_layer_can_be_scaled_and_shifted(family: str) -> None:
    model = tiny_model(family, head=Linear(kind="sequence-classification"), labels=("a", "b", "c"))
    inputs = {"input_ids": torch.tensor([[2, 40, 41, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    with torch.no_grad():
        before = model(**inputs).logits
        rescale_classifier(model, (2.0, 1.0, 0.5), (1.0, 0.0, -3.0))
        after = model(**inputs).logits
    torch.testing.assert_close(after, before * torch.tensor([2.0, 1.0, 0.5]) + torch.tensor([1.0, 0.0, -3.0]))


def test_a_last_layer_without_bias_or_with_other_classes_is_refused() -> None:
    model = tiny_model("bert", head=Linear(kind="sequence-classification"), labels=("a", "b"))
    with pytest.raises(ConfigError, match="a bias of each of 3 classes expected"):
        rescale_classifier(model, (1.0,) * 3, (0.0,) * 3)
    model.get_submodule(classifier_path(model)).bias = None
    with pytest.raises(ConfigError, match="a bias of each of 2 classes expected"):
        rescale_classifier(model, (1.0,) * 2, (0.0,) * 2)
