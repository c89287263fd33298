"""Every search space that is shipped loads, and whatever it samples can be run."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from autoft.space import Categorical, Constant, Domain, Float, Integer, Scalar, SearchSpace, find_space, load_space
from autoft.space import space_names as shipped
from autoft.study.schema import space_schema
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS


def loaded(name: str) -> SearchSpace:
    return load_space(find_space(name), space_schema())


def drawn(chance: random.Random) -> Callable[[str, Domain], Scalar]:
    def suggest(path: str, domain: Domain) -> Scalar:
        match domain:
            case Categorical(choices):
                return chance.choice(choices)
            case Integer(low, high):
                return chance.randint(low, high)
            case Float(low, high, log):
                rise = math.log if log else float
                value = chance.uniform(rise(low), rise(high))
                return min(high, max(low, math.exp(value) if log else value))
        raise AssertionError(path)

    return suggest


@pytest.mark.parametrize("name", shipped())
def test_a_hundred_samples_each_build_a_trial(name: str) -> None:
    space = loaded(name)
    kind = TASKS.get(space.task).heads[0]
    chance = random.Random(0)
    methods = set()
    for _ in range(100):
        values = space.sample(drawn(chance))
        assert space.problems(values) == ()
        methods.add(build_trial_config(values, kind=kind, seed=0).method.name)
    assert methods == set(space.domains["method"].choices)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", shipped())
def test_the_default_builds_a_trial(name: str) -> None:
    space = loaded(name)
    config = build_trial_config(space.default, kind=TASKS.get(space.task).heads[0], seed=0)
    assert config.method.name == "full"


@pytest.mark.parametrize("name", shipped())
def test_the_default_trains_for_the_longest_schedule_of_the_space(name: str) -> None:
    space = loaded(name)
    epochs = space.domains["train.epochs"]
    assert isinstance(epochs, Integer)
    assert space.default["train.epochs"] == epochs.high


@pytest.mark.parametrize("name", shipped())
def test_what_a_space_finds_loads_with_plain_transformers(name: str) -> None:
    heads = loaded(name).domains["head"]
    assert heads in (Categorical(("linear",)), Constant("linear"))


@pytest.mark.parametrize("task", TASKS.names())
def test_the_space_of_a_task_varies_at_most_eight_parameters_at_once(task: str) -> None:
    assert loaded(task).largest_branch() <= 8


def test_each_method_has_its_own_range_of_learning_rates() -> None:
    for name in shipped():
        space = loaded(name)
        for method in space.domains["method"].choices:  # type: ignore[union-attr]
            assert isinstance(space.domains[f"method.{method}.learning_rate"], Float)


@pytest.mark.parametrize(("name", "chosen"), [("ner-wide", {"loss"}), ("classification-wide", set())])
def test_a_wide_space_varies_all_there_is(name: str, chosen: set[str]) -> None:
    constant = {path for path, domain in loaded(name).domains.items() if isinstance(domain, Constant)}
    assert constant - {"model", "head"} == chosen
