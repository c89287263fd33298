"""Random schemas and spaces: written and read again, sampled, and completed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoft.space import (
    Categorical,
    Choice,
    Constant,
    Domain,
    Float,
    Group,
    Integer,
    Leaf,
    Scalar,
    Schema,
    SearchSpace,
    parse_space,
    space_from_json,
)
from autoft.space.schema import places

NAMES = st.sampled_from(["a", "b", "c_d", "no", "1", "1e5", "x y", "é", "null", "<<", "#", "low"])
TEXTS = st.text(max_size=8) | st.sampled_from(["no", "1e-5", "~", "true", "0o7", "a: b", "- x"])
REALS = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: value + 0.0)
WHOLES = st.integers(-(10**9), 10**9)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "float": REALS,
    "int": WHOLES,
    "str": TEXTS,
    "bool": st.booleans(),
}


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    kind: Any = draw(st.sampled_from(sorted(SCALARS)))
    return Leaf(kind=kind, default=draw(SCALARS[kind]))


def groups(depth: int) -> st.SearchStrategy[Group]:
    nodes = leaves() if depth == 0 else leaves() | groups(depth - 1) | choices(depth - 1)
    return st.dictionaries(NAMES, nodes, max_size=4).map(Group)


@st.composite
def choices(draw: st.DrawFn, depth: int) -> Choice:
    branches = draw(st.dictionaries(NAMES, groups(depth), min_size=1, max_size=3))
    return Choice(branches, draw(st.sampled_from(sorted(branches))))


@st.composite
def ranges(draw: st.DrawFn, kind: str) -> Domain:
    low, high = sorted((draw(SCALARS[kind]), draw(SCALARS[kind])))
    log = low > 0 and draw(st.booleans())
    if kind == "float":
        return Float(low, high, log=log)
    steps = draw(st.integers(1, 50)) if not log and draw(st.booleans()) else None
    high = low + steps * draw(st.integers(1, 9)) if steps else high
    return Integer(low, high, log=log, step=steps)


@st.composite
def domains(draw: st.DrawFn, node: Leaf | Choice) -> Domain:
    if isinstance(node, Choice):
        names = draw(st.lists(st.sampled_from(sorted(node.branches)), min_size=1, unique=True))
        return Categorical(tuple(names))
    scalars = SCALARS[node.kind]
    listed = st.lists(scalars, min_size=1, max_size=4, unique=True)
    options: list[st.SearchStrategy[Domain]] = [
        scalars.map(Constant),
        listed.map(lambda values: Categorical(tuple(values))),
    ]
    if node.kind in ("float", "int"):
        options.append(ranges(node.kind))
    return draw(st.one_of(options))


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    schema: Schema = draw(groups(2))
    named: dict[str, Domain] = {}
    for place in places(schema):
        exists = all(choice in named and named[choice].contains(name) for choice, name in place.branch)
        if exists and (isinstance(place.node, Choice) or draw(st.booleans())):
            named[place.path] = draw(domains(place.node))
    return SearchSpace(draw(TEXTS), schema, named)


def drawn(data: st.DataObject) -> Any:
    def suggest(_: str, domain: Domain) -> Scalar:
        if isinstance(domain, Categorical):
            return data.draw(st.sampled_from(domain.choices))
        if isinstance(domain, Float):
            return data.draw(st.floats(domain.low, domain.high))
        assert isinstance(domain, Integer)
        step = domain.step or 1
        return domain.low + step * data.draw(st.integers(0, (domain.high - domain.low) // step))

    return suggest


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
FEW = settings(max_examples=40, deadline=None, suppress_health_check=SLOW)


@FEW
@given(spaces())
def test_a_space_survives_its_yaml(space: SearchSpace) -> None:
    assert parse_space(space.to_yaml(), space.schema) == space


@FEW
@given(spaces())
def test_a_space_survives_json(space: SearchSpace) -> None:
    stored = json.loads(json.dumps(space.to_json(), allow_nan=False))
    assert space_from_json(stored, space.schema) == space


@FEW
@given(spaces(), st.data())
def test_a_sample_lies_inside_and_is_complete(space: SearchSpace, data: st.DataObject) -> None:
    config = space.sample(drawn(data))
    assert space.problems(config) == ()
    assert space.complete(config) == config


@FEW
@given(spaces())
def test_the_default_is_complete(space: SearchSpace) -> None:
    assert space.complete(space.default) == space.default
    assert space.complete({}) == space.default


@FEW
@given(spaces(), st.data())
def test_no_sample_varies_more_than_the_largest_branch(space: SearchSpace, data: st.DataObject) -> None:
    config = space.sample(drawn(data))
    varying = {parameter.path for parameter in space.parameters()}
    assert len(varying & config.keys()) <= space.largest_branch() <= len(varying)
