from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from autoft.errors import UnknownNameError
from autoft.space.domains import Scalar, values_of
from autoft.space.search_space import SearchSpace
from autoft.strategy.samplers import SAMPLERS, propose
from autoft.strategy.suggest import Proposal

NAMES = ("gp", "tpe", "random")
LEARNING = ("gp", "tpe")


@dataclass(frozen=True)
class Point:
    step: int
    value: float
    loss: float = 1.0


@dataclass(frozen=True)
class One:
    number: int
    state: str
    value: float | None
    config: Mapping[str, Scalar]
    evaluations: tuple[Point, ...] = ()
    constraints: Mapping[str, float] = field(default_factory=dict)


def complete(number: int, config: Mapping[str, Scalar], value: float) -> One:
    return One(number, "complete", value, config, (Point(1, value / 2), Point(9, value)))


def closeness(config: Mapping[str, Scalar]) -> float:
    """Best at method lora and no dropout."""
    return (config["method"] == "lora") - float(config["train.dropout"])


def ask(name: str, space: SearchSpace, seen: Sequence[One], *, seed: int = 0, number: int) -> Proposal:
    """Ask a sampler, the order of what was seen being that of its values."""
    valued = sorted((one.value, -one.number) for one in seen if one.value is not None)
    return propose(name, space, seen, order=[-n for _, n in valued], seed=seed, number=number)


def search(
    name: str,
    space: SearchSpace,
    count: int,
    judge: Callable[[int, Mapping[str, Scalar]], One],
    *,
    seed: int = 0,
    begun: tuple[One, ...] = (),
) -> tuple[One, ...]:
    seen = list(begun)
    for number in range(len(begun), count):
        seen.append(judge(number, ask(name, space, seen, seed=seed, number=number).config))
    return tuple(seen)


def judged_by_closeness(number: int, config: Mapping[str, Scalar]) -> One:
    return complete(number, config, closeness(config))


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_asks_the_same_configurations(name: str, space: SearchSpace) -> None:
    first = search(name, space, 20, judged_by_closeness, seed=3)
    assert first == search(name, space, 20, judged_by_closeness, seed=3)
    assert first != search(name, space, 20, judged_by_closeness, seed=4)


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_study_asks_what_an_uninterrupted_one_would(name: str, space: SearchSpace) -> None:
    whole = search(name, space, 20, judged_by_closeness)
    assert search(name, space, 20, judged_by_closeness, begun=whole[:13]) == whole


@pytest.mark.parametrize("name", NAMES)
def test_workers_that_ask_at_once_draw_different_ones(name: str, space: SearchSpace) -> None:
    seen = search(name, space, 12, judged_by_closeness)
    asked = [ask(name, space, seen, number=number).config for number in range(12, 20)]
    assert len({tuple(config.items()) for config in asked}) == len(asked)


@pytest.mark.parametrize("name", NAMES)
def test_every_configuration_lies_inside_the_space(name: str, space: SearchSpace) -> None:
    for one in search(name, space, 25, judged_by_closeness):
        assert space.problems(one.config) == ()


@pytest.mark.parametrize("name", LEARNING)
def test_the_better_branch_is_found(name: str, space: SearchSpace) -> None:
    late = search(name, space, 40, judged_by_closeness)[20:]
    assert sum(one.config["method"] == "lora" for one in late) >= 15


@pytest.mark.parametrize("learning", LEARNING)
def test_what_is_infeasible_is_avoided_more_than_by_chance(learning: str, space: SearchSpace) -> None:
    def judge(number: int, config: Mapping[str, Scalar]) -> One:
        if config["method"] == "full":
            return One(number, "infeasible", None, config)
        return complete(number, config, -float(config["train.dropout"]))

    def infeasible(name: str) -> int:
        return sum(one.state == "infeasible" for one in search(name, space, 40, judge)[15:])

    assert infeasible(learning) <= 6 < infeasible("random")


@pytest.mark.parametrize("learning", LEARNING)
def test_a_limit_that_lies_inside_a_range_is_kept(learning: str, space: SearchSpace) -> None:
    """The score rises with dropout, the limit allows 0.1 of 0.3: met and broken trials both carry their distance."""

    def judge(number: int, config: Mapping[str, Scalar]) -> One:
        dropout = float(config["train.dropout"])
        constraints = {"max_memory": dropout / 0.1 - 1.0}
        if constraints["max_memory"] > 0:
            return replace(One(number, "infeasible", None, config), constraints=constraints)
        return replace(complete(number, config, dropout), constraints=constraints)

    def broken(name: str) -> int:
        return sum(one.state == "infeasible" for one in search(name, space, 40, judge)[15:])

    assert broken(learning) < 13 < broken("random")


@pytest.mark.parametrize("name", LEARNING)
def test_a_complete_configuration_that_breaks_a_limit_is_no_model(name: str, space: SearchSpace) -> None:
    """The default is trained to its end whatever it breaks; what it reached must not draw the sampler there."""
    seen = search(name, space, 15, judged_by_closeness)
    met = complete(15, {**seen[3].config, "train.dropout": 0.29}, 99.0)
    over = replace(met, constraints={"max_latency": 0.5})
    asked = [ask(name, space, [*seen, one], number=16) for one in (met, over)]
    assert asked[0] != asked[1]


@pytest.mark.parametrize("name", LEARNING)
def test_what_failed_is_hidden(name: str, space: SearchSpace) -> None:
    seen = search(name, space, 15, judged_by_closeness)
    failed = One(15, "failed", None, seen[-1].config)
    with_it = ask(name, space, [*seen, failed], number=16)
    assert with_it == ask(name, space, seen, number=16)


@pytest.mark.parametrize("name", LEARNING)
def test_a_default_outside_the_space_is_hidden(name: str, space: SearchSpace) -> None:
    seen = search(name, space, 15, judged_by_closeness)
    default = complete(0, {**seen[0].config, "train.dropout": 0.9}, 99.0)
    with_it = ask(name, space, [default, *seen[1:]], number=15)
    assert with_it == ask(name, space, seen[1:], number=15)


@pytest.mark.parametrize("name", LEARNING)
def test_a_default_inside_the_space_is_learned_from(name: str, space: SearchSpace) -> None:
    seen = search(name, space, 15, judged_by_closeness)
    best = complete(0, {**seen[0].config, "train.dropout": 0.3}, 99.0)
    with_it = ask(name, space, [best, *seen[1:]], number=15)
    assert with_it != ask(name, space, seen[1:], number=15)


@pytest.mark.parametrize("state", ["paused", "pruned", "running"])
@pytest.mark.parametrize("name", LEARNING)
def test_an_unfinished_configuration_counts_once(name: str, state: str, space: SearchSpace) -> None:
    seen = search(name, space, 15, judged_by_closeness)
    config = {**seen[3].config, "train.dropout": 0.01}
    half = One(15, state, 0.4, config, (Point(1, 0.1), Point(3, 0.4)))
    unasked = One(16, "running", None, {})
    with_it = ask(name, space, [*seen, half, unasked], number=17)
    assert with_it != ask(name, space, seen, number=17)


@pytest.mark.parametrize("name", LEARNING)
def test_its_own_row_is_ignored(name: str, space: SearchSpace) -> None:
    seen = search(name, space, 15, judged_by_closeness)
    mine = One(15, "running", None, seen[0].config)
    assert ask(name, space, [*seen, mine], number=15) == ask(name, space, seen, number=15)


def test_samplers_are_found_by_name() -> None:
    assert SAMPLERS.names() == ("gp", "random", "tpe")
    with pytest.raises(UnknownNameError, match="unknown sampler 'tpee', did you mean 'tpe'"):
        SAMPLERS.get("tpee")


@pytest.mark.parametrize("name", ["gp", "random"])
def test_what_is_drawn_by_chance_is_drawn_with_a_portfolio_too(name: str, space: SearchSpace) -> None:
    """After the default and five entries the model has seen six of the ten that it waits for."""

    def begun(given: int) -> list[Mapping[str, Scalar]]:
        least = space.sample(lambda _, domain: values_of(domain)[0])
        seen = [complete(number, least, 0.1) for number in range(1 + given)]
        for number in range(1 + given, 5 + given):
            order = [one.number for one in seen]
            proposal = propose(name, space, seen, order=order, seed=3, number=number, given=given)
            seen.append(complete(number, proposal.config, 0.1))
        return [one.config for one in seen[1 + given :]]

    assert begun(5) == begun(0)


def test_what_an_earlier_study_drew_and_gives_is_not_drawn_again(space: SearchSpace) -> None:
    """The same seed draws the same configurations, but one that was given need not be trained twice."""
    default = complete(0, space.sample(lambda _, domain: values_of(domain)[0]), 0.1)
    drawn = propose("gp", space, [default], order=[0], seed=3, number=1).config
    for state in ("complete", "running"):
        found = (Point(9, 0.9),) if state == "complete" else ()
        given = One(1, state, 0.9 if found else None, dict(reversed(list(drawn.items()))), found)
        order = [0, 1] if found else [0]
        again = propose("gp", space, [default, given], order=order, seed=3, number=2, given=1).config
        assert dict(again) != dict(drawn)
        assert space.contains(again)
