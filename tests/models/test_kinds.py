"""What is asked of tokens, of sequences and of pairs of tokens, on every family of models."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, assemble
from autoft.models.base import (
    Pristine,
    load_pristine,
    load_tokenizer,
    meanings,
    resolve_model,
    share_tensors,
)
from autoft.models.cutting import Cut
from autoft.models.heads import KINDS, Attention, Cls, Head, Linear, MarkerPair, Max, Mean, Mlp
from autoft.models.losses import span_cross_entropy
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.testing.methods import batch_of, scores, train
from autoft.testing.tiny import FAMILIES, LABELS, save_tiny, tiny_pristine

Load = Callable[[str, Head], Pristine]
HEADS = [
    made(kind=kind)
    for made in (Linear, Mlp, MarkerPair, Cls, Mean, Max, Attention)
    for kind in KINDS
    if kind in made.kinds
]
EVERY = pytest.mark.parametrize(
    ("family", "head"),
    [pytest.param(family, head, id=f"{family}-{head.name}-{head.kind}") for family in FAMILIES for head in HEADS],
)
# DeBERTa's convolution mixes what enters the first layer into what leaves it; ALBERT's layers are one.
CUT = {family: {2, 3, 4} for family in FAMILIES} | {"deberta-v2": {4}, "albert": set()}
POOLED = {"bert", "albert"}


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    @cache
    def loaded(family: str, head: Head) -> Pristine:
        labels = {"question-answering": ("start", "end"), "regression": ("score",)}.get(head.kind, LABELS)
        return tiny_pristine(tmp_path_factory.mktemp(family), family, head=head, labels=labels)

    return loaded


@EVERY
def test_scores_are_of_what_is_asked(load: Load, family: str, head: Head) -> None:
    trial = assemble(load(family, head), Recipe(head, HeadOnly()), 1)
    of_tokens = head.kind in ("token-classification", "question-answering")
    assert scores(trial).shape == ((2, 9, trial.classes) if of_tokens else (2, trial.classes))


@EVERY
def test_models_are_cut_where_they_can_be(load: Load, family: str, head: Head) -> None:
    assert load(family, head).boundaries == CUT[family]


@EVERY
def test_a_head_above_the_whole_base_model_gives_the_bits_of_the_whole(load: Load, family: str, head: Head) -> None:
    pristine = load(family, head)
    trial = train(assemble(pristine, Recipe(head, HeadOnly()), 1))
    trial.module.eval()
    batch = batch_of(trial)
    inputs = {word: batch[word] for word in pristine.anatomy.inputs if word in batch}
    if family == "albert":
        assert trial.boundary == 0
        return
    assert trial.boundary == 4
    with torch.no_grad():
        hidden = Cut(pristine.model, pristine.anatomy).below(4, inputs)
        given = {"hidden": hidden} if not pristine.read_above else {**batch, "hidden": hidden}
        found, whole = trial.logits(given), trial.logits(batch)
    real = batch["attention_mask"].bool() if whole.ndim == 3 else slice(None)
    assert torch.equal(found[real], whole[real])


@EVERY
def test_the_loss_falls(load: Load, family: str, head: Head) -> None:
    trial = assemble(load(family, head), Recipe(head, Full()), 1)
    trial.module.eval()
    before = trial.loss(batch_of(trial), 0.0)[0].item()
    train(trial, steps=5)
    trial.module.eval()
    assert trial.loss(batch_of(trial), 0.0)[0].item() < before


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pooler_that_is_used_belongs_to_the_head(load: Load, family: str) -> None:
    head = Linear(kind="sequence-classification")
    pristine = load(family, head)
    trial = assemble(pristine, Recipe(head, HeadOnly()), 1)
    inside = {name for name, _, _ in trial.named_trainable() if ".pooler" in name and "classifier" not in name}
    assert bool(inside) == (family in POOLED)
    assert {depth for _, _, depth in trial.named_trainable()} == {pristine.anatomy.top}


def test_mean_pooling_reads_the_mask_above_the_base_model(load: Load) -> None:
    head = Linear(kind="sequence-classification")
    read = {family: load(family, head).read_above for family in FAMILIES if CUT[family]}
    assert not read["bert"]
    assert not read["roberta"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_mlp_head_has_the_parameters_of_its_two_layers(load: Load, kind: str) -> None:
    head = Mlp(size=7, kind=kind)
    trial = assemble(load("bert", head), Recipe(head, HeadOnly()), 1)
    classes = trial.classes
    assert trial.parameters_trainable == 16 * 7 + 7 + 7 * classes + classes


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "albert"])
def test_kept_layers_are_the_lowest(load: Load, tmp_path: Path, family: str, kept: int) -> None:
    whole = load(family, Linear())
    cut = tiny_pristine(tmp_path, family, layers=kept)
    assert len(cut.anatomy.layers) == kept == cut.model.config.num_hidden_layers
    mine, values = dict(cut.model.named_parameters()), dict(whole.model.named_parameters())
    assert [name for name in mine.keys() - set(cut.fresh) if not torch.equal(mine[name], values[name])] == []
    share_tensors(cut, whole)
    addresses = {value.data_ptr() for value in values.values()}
    assert {name for name, value in mine.items() if value.data_ptr() not in addresses} == set(cut.fresh)


def test_a_token_that_was_added_starts_at_the_mean_of_its_meaning(tmp_path: Path) -> None:
    source = resolve_model(str(save_tiny(tmp_path, "bert")))
    tokenizer = load_tokenizer(source, ["[HEAD]", "[TAIL]"])
    added = meanings(source, tokenizer, {"[HEAD]": "a b", "[TAIL]": "c"})
    assert tokenizer.tokenize("[HEAD]a[TAIL]") == ["[HEAD]", "a", "[TAIL]"]
    weight = load_pristine(source, Linear(), LABELS, added=added).model.get_input_embeddings().weight
    assert len(weight) == len(tokenizer)
    first, second = (tokenizer.convert_tokens_to_ids(token) for token in ("[HEAD]", "[TAIL]"))
    one, two, three = (weight[tokenizer.convert_tokens_to_ids(word)] for word in ("a", "b", "c"))
    torch.testing.assert_close(weight[first], (one + two) / 2)
    torch.testing.assert_close(weight[second], three)


def test_a_token_that_a_base_model_knows_stays_as_it_is(tmp_path: Path) -> None:
    source = resolve_model(str(save_tiny(tmp_path, "bert")))
    tokenizer = load_tokenizer(source, ["a"])
    assert meanings(source, tokenizer, {"a": "b"}) == {}
    assert len(tokenizer) == len(load_tokenizer(source))


def test_a_vocabulary_with_gaps_takes_no_tokens(tmp_path: Path) -> None:
    """An added token would stand for another one too."""
    folder = save_tiny(tmp_path, "bert")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["model"]["vocab"]["yesterday"]
    path.write_text(json.dumps(content), encoding="utf-8")
    source = resolve_model(str(folder))
    assert load_tokenizer(source).tokenize("anna") == ["anna"]
    with pytest.raises(ConfigError, match="a vocabulary without gaps expected, tokens cannot be added to this one"):
        load_tokenizer(source, ["[HEAD]"])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_what_has_no_label_cost_nothing(load: Load, kind: str) -> None:
    head = Linear(kind=kind)
    trial = assemble(load("bert", head), Recipe(head, HeadOnly()), 1)
    trial.module.eval()
    batch = batch_of(trial)
    wider = {
        name: functional.pad(value, (0, 3), value=-100 if name == "labels" else 0)
        if value.shape == batch["input_ids"].shape
        else value
        for name, value in batch.items()
    }
    summed, count = trial.loss(batch, 0.1)
    again, counted = trial.loss(wider, 0.1)
    torch.testing.assert_close(again, summed)
    assert count == counted
    parts = [trial.loss({name: value[at : at + 1] for name, value in batch.items()}, 0.1) for at in range(2)]
    torch.testing.assert_close(parts[0][0] + parts[1][0], summed)
    assert parts[0][1] + parts[1][1] == count


def test_a_span_costs_the_mean_of_its_two_choices() -> None:
    logits = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 2, -100]])
    chances = logits[0, :3].log_softmax(0)
    summed, count = span_cross_entropy(logits, labels, 0.0)
    torch.testing.assert_close(summed, -(chances[1, 0] + chances[2, 1]) / 2)
    assert count.item() == 1
    assert span_cross_entropy(logits, torch.tensor([[0, 0, 0, -100]]), 0.0)[1].item() == 0
