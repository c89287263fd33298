"""A head that reads a relation at the markers of its entities."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.heads import KINDS, MarkerPair
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.testing.methods import batch_of
from autoft.testing.tiny import LABELS, tiny_pristine

HEAD = MarkerPair(kind="sequence-classification")


@pytest.fixture
def trial(tmp_path: Path) -> TrialModel:
    """A tiny BERT with the head on it."""
    made = assemble(tiny_pristine(tmp_path, "bert", head=HEAD, labels=LABELS), Recipe(HEAD, HeadOnly()), 1)
    made.module.eval()
    return made


def marked(trial: TrialModel) -> dict[str, torch.Tensor]:
    batch = batch_of(trial)
    markers = torch.zeros_like(batch["input_ids"])
    markers[0, 2], markers[0, 5], markers[1, 4], markers[1, 1] = 1, 2, 1, 2
    return {**batch, "markers": markers}


def test_scores_are_of_the_hidden_states_at_the_two_opening_markers(trial: TrialModel) -> None:
    batch = marked(trial)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    with torch.no_grad():
        hidden = trial.module.get_submodule("encoder")(**inputs).last_hidden_state
        head, tail = hidden[[0, 1], [2, 4]], hidden[[0, 1], [5, 1]]
        linear = trial.module.get_submodule("head.body.1")
        assert torch.equal(trial.logits(batch), linear(torch.cat((head, tail), -1)))


def test_direction_is_told_by_the_markers_alone(trial: TrialModel) -> None:
    batch = marked(trial)
    turned = {**batch, "markers": torch.tensor([0, 2, 1])[batch["markers"]]}
    with torch.no_grad():
        assert not torch.allclose(trial.logits(batch), trial.logits(turned))


def test_it_has_one_layer_of_twice_the_width(trial: TrialModel) -> None:
    assert trial.parameters_trainable == 2 * 16 * len(LABELS) + len(LABELS)


def test_dropout_stands_before_the_layer(tmp_path: Path) -> None:
    pristine = tiny_pristine(tmp_path, "bert", head=HEAD, labels=LABELS)
    made = assemble(pristine, Recipe(HEAD, Full(), dropout=0.25), 1)
    assert "p=0.25" in repr(made.module.get_submodule("head.body.0"))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sequence-classification"])
def test_other_kinds_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"head 'marker-pair' is for sequence-classification, got {kind}"):
        tiny_pristine(tmp_path, "bert", head=MarkerPair(kind=kind), labels=LABELS)
