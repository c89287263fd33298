from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.space import find_space, load_space
from autoft.space.domains import Categorical, Domain, Float, Integer
from autoft.space.schema import Group, Leaf
from autoft.space.search_space import SearchSpace
from autoft.strategy.encoding import encoder_of
from autoft.strategy.samplers import propose
from autoft.study.schema import space_schema


@pytest.mark.parametrize("name", ["ner", "ner-wide"])
def test_configurations_come_back_as_they_were(name: str) -> None:
    space = load_space(find_space(name), space_schema())
    encoder = encoder_of(space)
    for number in range(1, 60):
        config = propose("random", space, (), seed=0, number=number).config
        again = encoder.config(encoder.units(config))
        assert list(again) == list(config)
        for path, value in config.items():
            assert again[path] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=5, max_size=5))
def test_all_units_lie_inside_the_space(units: list[float]) -> None:
    domains: dict[str, Domain] = {
        "rate": Float(1e-5, 1e-2, log=True),
        "share": Float(0.0, 1.0, step=0.25),
        "rank": Integer(2, 32, log=True),
        "layers": Integer(0, 12, step=3),
        "batch": Categorical((8, 16, 32)),
    }
    leaves = {name: Leaf(kind="float", default=0.0) for name in ("rate", "share")}
    whole = {name: Leaf(kind="int", default=0) for name in ("rank", "layers", "batch")}
    space = SearchSpace("ner", Group(leaves | whole), domains)
    assert space.problems(encoder_of(space).config(np.array(units))) == ()


def test_names_are_equally_far_apart(space: SearchSpace) -> None:
    encoder = encoder_of(space)
    at = [each.path for each in encoder.parameters].index("method")
    units = np.full((2, len(encoder.parameters)), 0.5)
    units[:, at] = [0.25, 0.75]
    one, other = encoder.points(units)
    named = [
        place for place in range(len(one)) if {one[place], other[place]} == {0.0, one.max() if one.max() < 0.5 else 0.0}
    ]
    assert named or not np.array_equal(one, other)


def test_what_does_not_count_makes_no_distance(space: SearchSpace) -> None:
    encoder = encoder_of(space)
    paths = [each.path for each in encoder.parameters]
    units = np.full((2, len(paths)), 0.3)
    units[:, paths.index("method")] = 0.25
    units[:, paths.index("method.lora.rank")] = [0.1, 0.9]
    one, other = encoder.points(units)
    np.testing.assert_array_equal(one, other)
