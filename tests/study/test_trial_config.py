"""Parameters become the frozen configuration of one trial, each with one reader."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from autoft.errors import SpaceError, UnknownNameError
from autoft.models.heads import Linear, Mlp
from autoft.models.methods.full import Full
from autoft.models.methods.lora import Lora
from autoft.space import SearchSpace
from autoft.study.schema import space_schema
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.training.config import AdamW, Sgd

KIND = "token-classification"
DEFAULT = SearchSpace(task="ner", schema=space_schema()).default


def built(**changes: Any) -> TrialConfig:
    values = {**DEFAULT, **{path.replace("__", "."): value for path, value in changes.items()}}
    return build_trial_config(values, kind=KIND, seed=7)


def test_the_default_is_full_tuning_with_a_linear_head() -> None:
    config = built()
    assert (config.model, config.head, config.method) == ("auto", Linear(kind=KIND), Full())
    assert config.fit.optimizer == AdamW()
    assert config.fit.seed == 7


def test_each_value_has_its_reader() -> None:
    config = built(freeze=0.5, train__dropout=0.3, train__patience=2, train__epochs=4, train__batch_size=8)
    assert (config.freeze, config.dropout, config.patience) == (0.5, 0.3, 2)
    assert (config.fit.epochs, config.fit.batch_size) == (4, 8)


def test_only_the_branch_that_is_chosen_is_read() -> None:
    values = {path: value for path, value in DEFAULT.items() if not path.startswith("method")}
    values |= {"method": "lora", "method.lora.learning_rate": 0.002, "method.lora.rank": 4}
    config = build_trial_config(values, kind=KIND, seed=0)
    assert config.method == Lora(learning_rate=0.002, rank=4)
    assert config.fit.learning_rate == 0.002
    assert config.fit.layer_decay == 1.0


def test_the_trainer_gets_the_methods_rate_and_decay() -> None:
    config = built(method__full__learning_rate=3e-5, method__full__layer_decay=0.7)
    assert (config.fit.learning_rate, config.fit.layer_decay) == (3e-5, 0.7)


def test_head_and_optimizer_are_branches_too() -> None:
    config = built(head="mlp", head__mlp__size=8, optimizer="sgd", optimizer__sgd__momentum=0.5)
    assert config.head == Mlp(size=8, kind=KIND)
    assert config.fit.optimizer == Sgd(momentum=0.5)


def test_it_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        built().freeze = 1.0  # type: ignore[misc]


def test_an_unknown_branch_is_told() -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'loar', did you mean 'lora'"):
        built(method="loar")


@pytest.mark.parametrize(
    ("changes", "law"),
    [
        ({"method__full__learning_rate": 0.0}, "a value above 0 expected, got 0.0"),
        ({"train__batch_size": 0}, "FitConfig.batch_size: a value of at least 1 expected, got 0"),
        ({"train__schedule": "cosin"}, "did you mean 'cosine'"),
    ],
)
def test_a_value_that_breaks_a_law_is_told(changes: dict[str, Any], law: str) -> None:
    with pytest.raises(SpaceError, match=law):
        built(**changes)
