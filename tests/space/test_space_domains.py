"""Domains: their laws at birth, what they contain, and how they are spelled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import SpaceError
from autoft.space import Categorical, Constant, Domain, Float, Integer, values_of
from autoft.space.domains import closest, narrowed, range_of


@pytest.mark.parametrize(
    ("kind", "keys", "law"),
    [
        (Float, {"low": 1e-3, "high": 1e-5}, "`low <= high` must hold, got low=0.001, high=1e-05"),
        (
            Float,
            {"low": 0.0, "high": 1.0, "log": True},
            "`low > 0` must hold where `log` is true, got low=0.0",
        ),
        (
            Integer,
            {"low": 0, "high": 8, "log": True},
            "`low > 0` must hold where `log` is true, got low=0",
        ),
        (
            Integer,
            {"low": 1, "high": 9, "log": True, "step": 2},
            "`step` and `log` must not stand together, got step=2",
        ),
        (Float, {"low": 0.0, "high": 1.0, "step": 0.0}, "`step > 0` must hold, got step=0.0"),
        (
            Float,
            {"low": 0.0, "high": 1.0, "step": 0.3},
            "`step` must divide `high - low`, got low=0.0, high=1.0, step=0.3",
        ),
        (
            Integer,
            {"low": 1, "high": 8, "step": 2},
            "`step` must divide `high - low`, got low=1, high=8, step=2",
        ),
        (Integer, {"low": 1, "high": 8.0}, "`high` must be a whole number, got 8.0"),
        (Integer, {"low": True, "high": 8}, "`low` must be a whole number, got true"),
        (Float, {"low": 0.0, "high": float("inf")}, "`high` must be a finite number, got inf"),
        (Float, {"low": "0", "high": 1.0}, "`low` must be a finite number, got '0'"),
        (Categorical, {"choices": ()}, "at least one choice must be listed, got none"),
        (Categorical, {"choices": (8, 16, 8)}, "a choice must stand once, got 8 twice"),
        (Categorical, {"choices": ("a", "a")}, "a choice must stand once, got 'a' twice"),
    ],
)
def test_a_domain_refuses_what_breaks_a_law(kind: type[Any], keys: dict[str, Any], law: str) -> None:
    with pytest.raises(SpaceError) as caught:
        kind(**keys)
    assert caught.value.problems == (law,)


def test_a_range_names_every_law_it_breaks() -> None:
    with pytest.raises(SpaceError) as caught:
        Float(0.0, -1.0, log=True, step=-1.0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (Constant(1), [1], [2, True, "1"]),
        (Categorical((0, "no", True)), [0, "no", True], [False, 1, "0"]),
        (Float(0.0, 1.0), [0.0, 0.5, 1, 1.0], [-0.1, 1.1, True, "0.5", float("nan")]),
        (Float(0.1, 0.9, step=0.2), [0.1, 0.1 + 2 * 0.2, 0.9], [0.2, 0.95]),
        (Integer(2, 8), [2, 5, 8], [1, 9, 2.0, True, "2"]),
        (Integer(2, 8, step=3), [2, 5, 8], [3, 4]),
    ],
)
def test_a_domain_contains_its_values_only(domain: Domain, inside: list[Any], outside: list[Any]) -> None:
    assert [value for value in inside if not domain.contains(value)] == []
    assert [value for value in outside if domain.contains(value)] == []


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Constant(True), "true"),
        (Constant("linear"), "linear"),
        (Categorical((8, 16)), "8, 16"),
        (Float(1e-5, 1e-3, log=True), "1e-05 … 0.001 log"),
        (Integer(8, 64, step=8), "8 … 64 step 8"),
    ],
)
def test_a_domain_is_spelled_for_people(domain: Domain, text: str) -> None:
    assert str(domain) == text


def test_integer_bounds_make_integers() -> None:
    assert range_of({"low": 2, "high": 8}) == Integer(2, 8)
    assert isinstance(range_of({"low": 2, "high": 8.0}), Float)
    assert isinstance(range_of({"low": 0, "high": 1, "step": 0.1}), Float)


def test_float_bounds_are_floats() -> None:
    domain = Float(0, 1)
    assert [type(bound) for bound in (domain.low, domain.high)] == [float, float]


@pytest.mark.parametrize("domain", [Categorical((3,)), Integer(3, 3), Float(3.0, 3.0)])
def test_one_value_is_a_constant(domain: Domain) -> None:
    assert narrowed(domain) == Constant(3)


@given(st.integers(-50, 50), st.integers(0, 60), st.sampled_from([0.1, 0.01, 0.25, 0.3, 1.0]))
def test_every_step_of_a_range_lies_in_it(start: int, steps: int, step: float) -> None:
    low = round(start * step, 10)
    domain = Float(low, round(low + steps * step, 10), step=step)
    values = [min(low + at * step, domain.high) for at in range(steps + 1)]
    assert [value for value in values if not domain.contains(value)] == []


def test_the_values_of_a_domain() -> None:
    assert values_of(Constant(3)) == (3,)
    assert values_of(Categorical(("a", "b"))) == ("a", "b")
    assert values_of(Float(0.1, 0.5)) == (0.1, 0.5)


@given(
    st.sampled_from([Float(0.0, 1.0, step=0.25), Integer(0, 12, step=3), Integer(2, 32, log=True), Integer(-3, 4)]),
    st.floats(-50, 50) | st.integers(-50, 50),
)
def test_no_value_of_a_domain_is_closer_than_the_closest(domain: Float | Integer, value: float) -> None:
    found = closest(domain, value)
    step = domain.step or 1
    others = [domain.low + place * step for place in range(round((domain.high - domain.low) / step) + 1)]
    assert domain.contains(found)
    assert abs(float(found) - value) == pytest.approx(min(abs(other - value) for other in others))
    assert closest(domain, found) == found


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        (Float(1e-5, 1e-3, log=True), 2e-4, 2e-4),
        (Float(1e-5, 1e-3, log=True), 1, 1e-3),
        (Float(1e-5, 1e-3, log=True), "much", 1e-5),
        (Categorical((8, 16, 32)), 20, 16),
        (Categorical((8, 16, 32)), "many", 8),
        (Categorical(("full", "lora")), "head", "full"),
        (Categorical((True, False)), 0, True),
        (Constant(3), 5, 3),
    ],
)
def test_the_closest_value(domain: Domain, value: Any, expected: Any) -> None:
    found = closest(domain, value)
    assert (found, type(found)) == (expected, type(expected))
