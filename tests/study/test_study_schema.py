"""The schema of search spaces holds every hyperparameter that there is."""

from __future__ import annotations

from dataclasses import fields

import pytest

from autoft.models.heads import HEADS
from autoft.models.methods import METHODS
from autoft.registry import Registry
from autoft.space import Choice, Group, Leaf, leaves_of
from autoft.study.schema import space_schema
from autoft.training.config import OPTIMIZERS, FitConfig

# What the study itself sets: the task's kind of head, the trial's seed, the branch that was chosen.
SET_BY_THE_STUDY = {"kind", "seed", "optimizer"}
CHOICES: dict[str, Registry[type]] = {"head": HEADS, "method": METHODS, "optimizer": OPTIMIZERS}
CLASSES = [(path, name) for path, registry in CHOICES.items() for name in registry.names()]


@pytest.mark.parametrize(("path", "name"), CLASSES)
def test_every_field_is_a_leaf_of_its_branch(path: str, name: str) -> None:
    choice = space_schema().children[path]
    assert isinstance(choice, Choice)
    declared = {field.name for field in fields(CHOICES[path].get(name))} - SET_BY_THE_STUDY
    assert set(choice.branches[name].children) == declared


def test_every_field_of_the_trainer_can_be_searched() -> None:
    declared = {field.name for field in fields(FitConfig)} - SET_BY_THE_STUDY
    assert set(leaves_of(FitConfig)) == declared


def test_the_methods_own_their_learning_rates() -> None:
    train = space_schema().children["train"]
    assert isinstance(train, Group)
    assert {"learning_rate", "layer_decay"} & set(train.children) == set()
    assert {"dropout", "patience", "epochs", "batch_size"} <= set(train.children)


def test_a_base_model_sets_the_default_rate_of_full_tuning_alone() -> None:
    plain, set_for_model = space_schema().children["method"], space_schema(1.5e-4).children["method"]
    assert isinstance(plain, Choice)
    assert isinstance(set_for_model, Choice)
    rate = set_for_model.branches["full"].children["learning_rate"]
    assert isinstance(rate, Leaf)
    assert rate.default == 1.5e-4
    others = {name for name in plain.branches if plain.branches[name] == set_for_model.branches[name]}
    assert others == set(plain.branches) - {"full"}
