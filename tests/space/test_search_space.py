"""Search spaces: sampling, completing, containing, and what they say of themselves."""

from __future__ import annotations

import pytest

from autoft.errors import SpaceError
from autoft.space import Categorical, Constant, Domain, Float, Integer, Scalar, Schema, SearchSpace

DOMAINS: dict[str, Domain] = {
    "method": Categorical(("full", "lora")),
    "method.full.learning_rate": Float(1e-5, 1e-3, log=True),
    "method.lora.rank": Integer(2, 32, log=True),
    "method.lora.targets": Categorical(("attention", "all")),
    "train.epochs": Integer(4, 12),
}


@pytest.fixture
def space(schema: Schema) -> SearchSpace:
    return SearchSpace("ner", schema, DOMAINS, {"train.epochs": 20, "train.weight_decay": 0.2})


def lowest(path: str, domain: Domain) -> Scalar:
    if isinstance(domain, Categorical):
        return "lora" if path == "method" else domain.choices[0]
    assert isinstance(domain, Float | Integer)
    return domain.low


def test_sampling_asks_in_order_for_what_counts_and_varies(space: SearchSpace) -> None:
    asked: list[str] = []

    def suggest(path: str, domain: Domain) -> Scalar:
        asked.append(path)
        return lowest(path, domain)

    space.sample(suggest)
    assert asked == ["method", "method.lora.rank", "method.lora.targets", "train.epochs"]


def test_a_sample_is_a_complete_configuration(space: SearchSpace) -> None:
    config = space.sample(lowest)
    assert config["method.lora.rank"] == 2
    assert config["method.lora.learning_rate"] == 1e-3
    assert config["head"] == "linear"
    assert not any(path.startswith("method.full") for path in config)
    assert space.complete(config) == config


def test_what_is_not_named_is_constant_at_its_default(space: SearchSpace) -> None:
    assert space.domains["train.weight_decay"] == Constant(0.2)
    assert space.domains["train.dropout"] == Constant(0.1)
    assert space.domains["optimizer"] == Constant("adamw")


def test_branches_that_are_not_named_do_not_exist(space: SearchSpace) -> None:
    assert "method.adapter.size" not in space.domains
    assert "optimizer.sgd.momentum" not in space.domains


def test_the_default_is_complete_and_may_lie_outside(space: SearchSpace) -> None:
    assert space.default["train.epochs"] == 20
    assert space.default["method.full.learning_rate"] == 3e-4
    assert space.problems(space.default) == ("train.epochs: 4 … 12 expected, got 20",)


def test_the_default_takes_a_branch_that_exists(schema: Schema) -> None:
    space = SearchSpace("ner", schema, {"method": Categorical(("lora", "head"))})
    assert space.default["method"] == "lora"


def test_the_default_may_take_a_branch_that_is_not_searched(schema: Schema) -> None:
    space = SearchSpace("ner", schema, {"method": Constant("lora")}, {"method": "full"})
    assert space.default["method.full.layer_decay"] == 1.0
    assert space.problems(space.default)[0] == "method: lora expected, got 'full'"


def test_parameters_vary_and_know_when_they_count(space: SearchSpace) -> None:
    assert space.summary() == (
        ("method", "full, lora", ""),
        ("method.full.learning_rate", "1e-05 … 0.001 log", "method = full"),
        ("method.lora.rank", "2 … 32 log", "method = lora"),
        ("method.lora.targets", "attention, all", "method = lora"),
        ("train.epochs", "4 … 12", ""),
    )


def test_a_choice_that_does_not_vary_is_no_condition(schema: Schema) -> None:
    space = SearchSpace("ner", schema, {"head": Constant("mlp"), "head.mlp.size": Integer(8, 64)})
    assert [(each.path, each.branch) for each in space.parameters()] == [("head.mlp.size", ())]


def test_the_largest_branch_adds_up_independent_choices(schema: Schema) -> None:
    domains: dict[str, Domain] = {
        **DOMAINS,
        "optimizer": Categorical(("adamw", "sgd")),
        "optimizer.sgd.momentum": Float(0.0, 0.9),
    }
    # epochs; method, then lora's rank and targets; optimizer, then sgd's momentum
    assert SearchSpace("ner", schema, domains).largest_branch() == 6


def test_a_constant_choice_counts_for_nothing(schema: Schema) -> None:
    domains = {**DOMAINS, "method": Constant("lora")}
    del domains["method.full.learning_rate"]
    assert SearchSpace("ner", schema, domains).largest_branch() == 3


def test_completing_takes_partial_then_default_then_constants(schema: Schema) -> None:
    domains: dict[str, Domain] = {
        "method": Categorical(("full", "lora")),
        "method.lora.rank": Constant(4),
    }
    space = SearchSpace("ner", schema, domains, {"train.epochs": 20})
    config = space.complete({"method": "lora", "freeze": 1})
    assert config["method.lora.rank"] == 4
    assert config["train.epochs"] == 20
    assert config["method.lora.learning_rate"] == 1e-3
    assert isinstance(config["freeze"], float)


@pytest.mark.parametrize(
    ("partial", "law"),
    [
        ({"train.epoch": 3}, "train.epoch: no such parameter, did you mean 'train.epochs'?"),
        ({"train.epochs": 0}, "train.epochs: a value of at least 1 expected, got 0"),
        (
            {"method.lora.rank": 8},
            "method.lora.rank: counts only with method = lora, got method = full",
        ),
    ],
)
def test_completing_refuses_what_the_schema_does(space: SearchSpace, partial: dict[str, Scalar], law: str) -> None:
    with pytest.raises(SpaceError) as caught:
        space.complete(partial)
    assert caught.value.problems == (law,)


def test_a_missing_and_a_stray_value_lie_outside(space: SearchSpace) -> None:
    config = space.sample(lowest)
    del config["train.epochs"]
    config["method.full.learning_rate"] = 1e-4
    assert space.problems(config) == (
        "train.epochs: 4 … 12 expected, got nothing",
        "method.full.learning_rate: does not count here",
    )
    assert not space.contains(config)


def test_models_become_a_parameter(space: SearchSpace) -> None:
    varied = space.with_models(["a/b", "c"])
    assert varied.domains["model"] == Categorical(("a/b", "c"))
    assert varied.default["model"] == "a/b"
    assert varied.with_models(["c", "a/b"]).default["model"] == "a/b"


def test_one_model_is_a_constant(space: SearchSpace) -> None:
    assert space.with_models(["c"]).domains["model"] == Constant("c")


def test_models_must_be_given_once(space: SearchSpace) -> None:
    with pytest.raises(SpaceError, match="a choice must stand once, got 'a' twice"):
        space.with_models(["a", "a"])
    with pytest.raises(SpaceError, match="at least one choice"):
        space.with_models([])


def test_a_space_names_every_problem_at_birth(schema: Schema) -> None:
    with pytest.raises(SpaceError) as caught:
        SearchSpace(
            "ner",
            schema,
            {
                "train.epoch": Constant(3),
                "train.dropout": Constant("abc"),
                "method.lora.rank": Integer(2, 8),
            },
            {"train.epochs": 0},
        )
    assert caught.value.problems == (
        "train.epoch: no such parameter, did you mean 'train.epochs'?",
        "train.dropout: a finite number expected, got 'abc'",
        "method.lora.rank: its branch must be one of this search space",
        "default.train.epochs: a value of at least 1 expected, got 0",
    )


def test_the_yaml_leaves_nothing_to_defaults(schema: Schema) -> None:
    space = SearchSpace(
        "ner",
        schema,
        {
            "method": Categorical(("lora", "head")),
            "method.head.learning_rate": Float(1e-4, 1e-1, log=True),
            "train.batch_size": Categorical((8, 16)),
        },
    )
    assert (
        space.to_yaml()
        == """\
version: 1
task: ner
model: auto
head: linear
method:
  lora: {learning_rate: 0.001, rank: 8, targets: attention, rslora: false}
  head:
    learning_rate: {low: 0.0001, high: 0.1, log: true}
optimizer: adamw
freeze: 0.0
train:
  epochs: 9
  batch_size: [8, 16]
  dropout: 0.1
  weight_decay: 0.01
  patience: 9
  schedule: linear
default:
  model: auto
  head: linear
  method:
    lora: {learning_rate: 0.001, rank: 8, targets: attention, rslora: false}
  optimizer: adamw
  freeze: 0.0
  train: {epochs: 9, batch_size: 16, dropout: 0.1, weight_decay: 0.01, patience: 9, schedule: linear}
"""
    )
