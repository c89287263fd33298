"""Schemas: which values are legal, where they stand, and what dataclasses give to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from autoft.errors import SpaceError
from autoft.space import (
    Categorical,
    Choice,
    Constant,
    Domain,
    Float,
    Group,
    Integer,
    Leaf,
    Schema,
    check_fields,
    leaves_of,
    parameter,
)
from autoft.space.schema import places

SHARE = Leaf(kind="float", default=0.5, low=0.0, high=1.0)
RATE = Leaf(kind="float", default=1e-3, low=0.0, above_low=True)
COUNT = Leaf(kind="int", default=1, low=1)
WORD = Leaf(kind="str", default="linear", choices=("linear", "cosine"))
OPEN = Leaf(kind="str", default="auto")
SWITCH = Leaf(kind="bool", default=False)
BRANCHES = Choice({"lora": Group({}), "full": Group({})}, default="full")


@pytest.mark.parametrize(
    ("node", "value", "law"),
    [
        (SHARE, "abc", "a finite number expected, got 'abc'"),
        (SHARE, True, "a finite number expected, got true"),
        (SHARE, float("nan"), "a finite number expected, got nan"),
        (SHARE, 1.5, "a value of at most 1 expected, got 1.5"),
        (SHARE, -1, "a value of at least 0 expected, got -1"),
        (RATE, 0.0, "a value above 0 expected, got 0.0"),
        (COUNT, 2.0, "a whole number expected, got 2.0"),
        (OPEN, 4, "text expected, got 4, put it in quotes"),
        (SWITCH, "yes", "true or false expected, got 'yes'"),
        (SWITCH, 1, "true or false expected, got 1"),
        (WORD, "linaer", "one of linear, cosine expected, got 'linaer', did you mean 'linear'?"),
        (BRANCHES, "lroa", "no such branch 'lroa', did you mean 'lora'? known: lora, full"),
        (BRANCHES, 3, "the name of a branch expected, got 3, known: lora, full"),
    ],
)
def test_an_illegal_value_is_told_its_law(node: Leaf | Choice, value: Any, law: str) -> None:
    assert node.problem(value) == law


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (SHARE, 0),
        (SHARE, 1.0),
        (RATE, 5),
        (COUNT, 1),
        (OPEN, ""),
        (SWITCH, True),
        (BRANCHES, "lora"),
    ],
)
def test_a_legal_value_breaks_no_law(node: Leaf | Choice, value: Any) -> None:
    assert node.problem(value) is None


@pytest.mark.parametrize(
    ("node", "domain", "laws"),
    [
        (SHARE, Float(-1.0, 2.0), 2),
        (SHARE, Float(0.0, 1.0), 0),
        (RATE, Float(0.0, 1.0), 1),
        (COUNT, Float(1.0, 2.0), 1),
        (COUNT, Integer(0, 2), 1),
        (WORD, Integer(0, 2), 1),
        (WORD, Categorical(("linear", "x", "y")), 2),
        (BRANCHES, Float(0.0, 1.0), 1),
        (BRANCHES, Constant("full"), 0),
    ],
)
def test_every_value_of_a_domain_must_be_legal(node: Leaf | Choice, domain: Domain, laws: int) -> None:
    assert len(node.problems(domain)) == laws


def test_a_real_range_must_not_have_integer_bounds() -> None:
    law = "a range of real numbers expected, got low=0, high=1, write 0.0 and 1.0"
    assert SHARE.problems(Integer(0, 1)) == [law]


def test_a_real_number_may_be_given_as_an_integer() -> None:
    value = SHARE.typed(1)
    assert isinstance(value, float)


def test_an_illegal_default_is_refused() -> None:
    with pytest.raises(SpaceError, match="default: a value of at least 1 expected, got 0"):
        Leaf(kind="int", default=0, low=1)
    with pytest.raises(SpaceError, match="default: no such branch 'x'"):
        Choice({"full": Group({})}, default="x")


def test_a_name_with_a_dot_is_refused() -> None:
    with pytest.raises(SpaceError, match="a name must be text without dots"):
        Group({"a.b": SHARE})


def test_places_come_in_order_and_know_their_branch(schema: Schema) -> None:
    found = list(places(schema))
    assert [place.path for place in found][:4] == ["model", "head", "head.mlp.size", "method"]
    branches = {place.path: place.branch for place in found}
    assert branches["method.lora.rank"] == (("method", "lora"),)
    assert branches["train.epochs"] == ()


@dataclass(frozen=True, kw_only=True)
class Probe:
    rate: float = parameter(0.1, low=0.0, high=1.0, help="a share")
    mode: str = parameter("a", choices=("a", "b"), help="a mode")
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)


def test_a_dataclass_gives_a_leaf_for_each_parameter() -> None:
    assert leaves_of(Probe) == {
        "rate": Leaf(kind="float", default=0.1, low=0.0, high=1.0, help="a share"),
        "mode": Leaf(kind="str", default="a", choices=("a", "b"), help="a mode"),
    }


def test_a_dataclass_with_illegal_values_names_all_of_them() -> None:
    with pytest.raises(SpaceError) as caught:
        Probe(rate=2.0, mode="c")
    assert caught.value.problems == (
        "Probe.rate: a value of at most 1 expected, got 2.0",
        "Probe.mode: one of a, b expected, got 'c'",
    )
