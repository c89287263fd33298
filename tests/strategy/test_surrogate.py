from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from autoft.space.domains import Categorical, Domain, Float, Scalar
from autoft.space.schema import Group, Leaf
from autoft.space.search_space import SearchSpace
from autoft.strategy.surrogate import Ranked, promising


def plane() -> SearchSpace:
    domains: dict[str, Domain] = {"x": Float(0.0, 1.0), "y": Float(1e-4, 1.0, log=True)}
    return SearchSpace("ner", Group({name: Leaf(kind="float", default=0.5) for name in domains}), domains)


def height(config: Mapping[str, Scalar]) -> float:
    """A hill whose top is at x = 0.7, y = 1e-2."""
    return -((float(config["x"]) - 0.7) ** 2) - (math.log10(float(config["y"])) / 4 + 0.5) ** 2


def climbed(seed: int, count: int) -> float:
    told: list[Mapping[str, Scalar]] = []
    for number in range(count):
        told.append(promising(plane(), Ranked(sorted(told, key=height), ()), np.random.default_rng((seed, number))))
    return max(map(height, told))


def test_it_climbs_a_hill_higher_than_chance() -> None:
    rng = np.random.default_rng(0)
    by_chance = [max(height({"x": x, "y": 10.0 ** (-4 * y)}) for x, y in rng.uniform(size=(25, 2))) for _ in range(8)]
    by_model = [climbed(seed, 25) for seed in range(8)]
    assert np.median(by_model) > np.median(by_chance) / 10


def test_only_the_order_counts() -> None:
    rng = np.random.default_rng(1)
    told = sorted(({"x": float(x), "y": float(10 ** (-4 * y))} for x, y in rng.uniform(size=(20, 2))), key=height)
    first = promising(plane(), Ranked(told, ()), np.random.default_rng(2))
    assert first == promising(plane(), Ranked(list(told), ()), np.random.default_rng(2))
    assert first != promising(plane(), Ranked(told[::-1], ()), np.random.default_rng(2))


def test_workers_that_ask_at_once_get_unlike_things() -> None:
    rng = np.random.default_rng(1)
    told = sorted(({"x": float(x), "y": float(10 ** (-4 * y))} for x, y in rng.uniform(size=(20, 2))), key=height)
    pending: list[Mapping[str, Scalar]] = []
    for _ in range(4):
        pending.append(promising(plane(), Ranked(told, pending), np.random.default_rng(2)))
    assert len({tuple(one.items()) for one in pending}) == 4


def test_in_a_small_space_nothing_is_tried_twice() -> None:
    domains: dict[str, Domain] = {"a": Categorical((1, 2, 3, 4)), "b": Categorical((1, 2, 3, 4))}
    space = SearchSpace("ner", Group({name: Leaf(kind="int", default=1) for name in domains}), domains)
    told: list[Mapping[str, Scalar]] = [{"a": a, "b": b} for a in (1, 2, 3, 4) for b in (1, 2, 3)]
    for number in range(4):
        told.append(promising(space, Ranked(told, ()), np.random.default_rng(number)))
    assert len({tuple(one.items()) for one in told}) == 16
