"""Heads whose tags are decoded together, on tiny models: trained, cut, merged and decoded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from autoft.data.iob2_paths import best_iob2_paths
from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.base import Pristine
from autoft.models.headed import scores_of
from autoft.models.heads import HEADS, Constrained, Crf, Head
from autoft.models.methods import METHODS
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.testing.methods import batch_of, mean_loss, scores, tiny_batch, train
from autoft.testing.tiny import FAMILIES, LABELS, tiny_pristine

Load = Callable[[str, Head], Pristine]
BOTH = pytest.mark.parametrize("head", [Crf(), Constrained()], ids=lambda head: head.name)
# Merging multiplies matrices in another order; max-marginals are sums over nine words.
CLOSE = 1e-4


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    return cache(lambda family, head: tiny_pristine(tmp_path_factory.mktemp(family), family, head=head))


def made(load: Load, head: Head, method: str = "full", family: str = "bert", freeze: float = 0.4) -> TrialModel:
    return assemble(load(family, head), Recipe(head, METHODS.get(method)(), freeze), 1)


@BOTH
@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_trains_it_and_merges_to_the_same_scores(load: Load, head: Head, method: str) -> None:
    trial = made(load, head, method)
    trial.module.eval()
    before = mean_loss(trial).item()
    train(trial, steps=5)
    assert mean_loss(trial).item() < before
    merged, batch = trial.merged(), batch_of(trial)
    found = scores_of(merged(**{word: batch[word] for word in trial.anatomy.inputs}))
    torch.testing.assert_close(found, scores(trial), atol=CLOSE, rtol=0)


@BOTH
@pytest.mark.parametrize("method", METHODS.names())
def test_saved_weights_give_equal_scores(load: Load, head: Head, method: str) -> None:
    trial = train(made(load, head, method))
    other = assemble(load("bert", head), Recipe(head, METHODS.get(method)(), 0.4), 2)
    assert not torch.equal(scores(other), scores(trial))
    other.load_weights(trial.weights())
    assert torch.equal(scores(other), scores(trial))


@BOTH
@pytest.mark.parametrize("family", FAMILIES)
def test_it_stands_on_every_family_and_above_a_cached_prefix(load: Load, head: Head, family: str) -> None:
    trial = train(made(load, head, "head", family))
    batch = batch_of(trial)
    if not trial.boundary:
        assert family == "albert"
        return
    from autoft.models.cutting import Cut

    pristine = load(family, head)
    inputs = {word: batch[word] for word in pristine.anatomy.inputs if word in batch}
    with torch.no_grad():
        hidden = Cut(pristine.model, pristine.anatomy).below(trial.boundary, inputs)
        real = batch["attention_mask"].bool()
        assert torch.equal(trial.logits({**batch, "hidden": hidden})[real], trial.logits(batch)[real])
        assert torch.equal(trial.loss({**batch, "hidden": hidden}, 0.0)[0], trial.loss(batch, 0.0)[0])


def test_the_transitions_train_with_the_head(load: Load) -> None:
    trial = made(load, Crf(), "lora")
    names = {name.rpartition(".")[2]: depth for name, _, depth in trial.named_trainable() if "chain" in name}
    assert names == {"weight": trial.anatomy.top, "bias": trial.anatomy.top}


def test_the_loss_is_the_likelihood_whether_in_training_or_not(load: Load) -> None:
    trial = assemble(load("bert", Crf()), Recipe(Crf(), Full(), dropout=0.0), 1)
    trial.module.train()
    training, count = trial.loss(batch_of(trial), 0.0)
    trial.module.eval()
    evaluating, _ = trial.loss(batch_of(trial), 0.0)
    torch.testing.assert_close(training, evaluating)
    assert int(count) == int((batch_of(trial)["labels"] >= 0).sum())


def test_smoothing_moves_the_loss_towards_even_scores(load: Load) -> None:
    trial = assemble(load("bert", Crf()), Recipe(Crf(), Full(), dropout=0.0), 1)
    trial.module.train()
    batch = batch_of(trial)
    labelled = batch["labels"] >= 0
    none, half, whole = (trial.loss(batch, share)[0] for share in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (none + whole) / 2)
    even = -trial.logits(batch).log_softmax(-1).mean(-1)[labelled].sum()
    torch.testing.assert_close(whole, even)


def test_sequences_of_a_batch_do_not_know_each_other(load: Load) -> None:
    trial = train(made(load, Crf()))
    batch = batch_of(trial)
    summed, count = trial.loss(batch, 0.1)
    parts = [trial.loss({name: value[at : at + 1] for name, value in batch.items()}, 0.1) for at in range(2)]
    torch.testing.assert_close(parts[0][0] + parts[1][0], summed)
    assert int(parts[0][1] + parts[1][1]) == int(count)


def test_what_it_was_taught_is_what_decoding_finds(load: Load) -> None:
    """Tags that follow from the tag before alone: the words' own scores cannot know them."""
    trial = assemble(load("bert", Crf()), Recipe(Crf(), Full(learning_rate=1e-2), dropout=0.0), 1)
    wanted = [1, 2, 2, 0, 3, 4, 0, 0]
    batch = {name: value[:1] for name, value in tiny_batch(len(LABELS)).items()}
    batch["labels"] = torch.tensor([[-100, *wanted]])
    optimizer = torch.optim.AdamW([value for _, value, _ in trial.named_trainable()], lr=1e-2)
    trial.module.train()
    for _ in range(30):
        trial.loss(batch, 0.0)[0].backward()
        optimizer.step()
        optimizer.zero_grad()
    trial.module.eval()
    with torch.no_grad():
        marginals = trial.logits(batch)[0, 1:].numpy()
    assert best_iob2_paths([marginals], LABELS)[0].tolist() == wanted
    # The best sequence falls short of itself by nothing.
    assert np.abs(marginals[np.arange(8), wanted]).max() < CLOSE


@BOTH
def test_it_is_for_tokens_alone(head: Head) -> None:
    other = HEADS.get(head.name)(kind="sequence-classification")
    assert other.refuse() == f"head {head.name!r} is for token-classification, got sequence-classification"
    assert head.refuse() is None
    assert dict(head.decoding) == {"constrained": 1.0}


def test_classes_that_are_no_tags_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^head 'crf': classes: tags of IOB2 expected, got 'noun'"):
        tiny_pristine(tmp_path, "bert", head=Crf(), labels=("noun", "verb"))


def test_a_task_that_does_not_mark_its_words_is_refused(load: Load) -> None:
    trial = made(load, Crf())
    batch = {name: value for name, value in batch_of(trial).items() if name != "markers"}
    with pytest.raises(ConfigError, match=r"^head 'crf': a task that marks its words expected"):
        trial.loss(batch, 0.0)


def test_head_only_trains_nothing_below(load: Load) -> None:
    trial = assemble(load("bert", Crf()), Recipe(Crf(), HeadOnly()), 1)
    classes = len(LABELS)
    assert trial.parameters_trainable == 16 * classes + classes + classes * classes + classes
