"""Domains: the values that one parameter may take in a search space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from autoft.errors import SpaceError

Scalar = str | int | float | bool


def show(value: object) -> str:
    """Return a value as a search space would spell it, with text in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else repr(value)


def spell(value: Scalar) -> str:
    """Return a value as a search space would spell it."""
    return value if isinstance(value, str) else show(value)


def same(one: Scalar, other: Scalar) -> bool:
    """Return whether two values are the same one; unlike in Python, `true` is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@dataclass(frozen=True, slots=True)
class Constant:
    """One value, that does not vary."""

    value: Scalar

    def __str__(self) -> str:
        return spell(self.value)

    def contains(self, value: Scalar) -> bool:
        """Return whether `value` is the constant."""
        return same(value, self.value)

    def to_json(self) -> Scalar:
        """Return the domain as a search space writes it."""
        return self.value


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of several values, in no order.

    Raises:
        SpaceError: If there is no choice, or one stands twice.
    """

    choices: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(self.choices))
        if not self.choices:
            raise SpaceError("at least one choice must be listed, got none")
        for at, value in enumerate(self.choices):
            if _among(value, self.choices[:at]):
                raise SpaceError(f"a choice must stand once, got {show(value)} twice")

    def __str__(self) -> str:
        return ", ".join(spell(value) for value in self.choices)

    def contains(self, value: Scalar) -> bool:
        """Return whether `value` is one of the choices."""
        return _among(value, self.choices)

    def to_json(self) -> list[Scalar]:
        """Return the domain as a search space writes it."""
        return list(self.choices)


@dataclass(frozen=True, slots=True)
class Float:
    """A range of real numbers, both ends included.

    Attributes:
        low: Least value.
        high: Greatest value.
        log: Whether the logarithm is spread evenly, and not the value.
        step: Distance between neighbouring values, from `low` up; None for every value between.

    Raises:
        SpaceError: If a law of ranges is broken; all of them are named.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        _check_range(self)
        for name in ("low", "high", "step"):
            if (number := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(number))

    def __str__(self) -> str:
        return _range_text(self)

    def contains(self, value: Scalar) -> bool:
        """Return whether the number `value` lies in the range, and on a step of it."""
        if isinstance(value, bool | str) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        # A sampler computes low + k * step in floats, so the last bits are not exact.
        return math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9)

    def to_json(self) -> dict[str, Scalar]:
        """Return the domain as a search space writes it."""
        return _range_json(self)


@dataclass(frozen=True, slots=True)
class Integer:
    """A range of whole numbers, both ends included.

    Attributes:
        low: Least value.
        high: Greatest value.
        log: Whether the logarithm is spread evenly, and not the value.
        step: Distance between neighbouring values, from `low` up; None for 1.

    Raises:
        SpaceError: If a law of ranges is broken; all of them are named.
    """

    low: int
    high: int
    log: bool = False
    step: int | None = None

    def __post_init__(self) -> None:
        _check_range(self)

    def __str__(self) -> str:
        return _range_text(self)

    def contains(self, value: Scalar) -> bool:
        """Return whether the whole number `value` lies in the range, and on a step of it."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % (self.step or 1) == 0

    def to_json(self) -> dict[str, Scalar]:
        """Return the domain as a search space writes it."""
        return _range_json(self)


Domain = Constant | Categorical | Float | Integer


def narrowed(domain: Domain) -> Domain:
    """Return a constant where a domain holds one value only, else the domain itself."""
    match domain:
        case Categorical(choices=(only,)):
            return Constant(only)
        case Float() | Integer() if domain.low == domain.high:
            return Constant(domain.low)
    return domain


def one_of(values: tuple[Scalar, ...]) -> Domain:
    """Return the domain of these values: a constant if there is just one."""
    return narrowed(Categorical(values))


def values_of(domain: Domain) -> tuple[Scalar, ...]:
    """Return the values of a constant or categorical domain, the bounds of a range."""
    match domain:
        case Constant(value):
            return (value,)
        case Categorical(choices):
            return choices
    return domain.low, domain.high


def closest(domain: Domain, value: Scalar) -> Scalar:
    """Return the value of a domain that is closest to `value`; of names that are not numbers the first."""
    match domain:
        case Constant(only):
            return only
        case Categorical(choices):
            numbers = [choice for choice in choices if not isinstance(choice, bool | str)]
            if isinstance(value, bool | str) or len(numbers) < len(choices):
                return choices[0]
            return min(numbers, key=lambda number: abs(number - value))
        case Float() | Integer():
            at = domain.low if isinstance(value, bool | str) else min(max(value, domain.low), domain.high)
            step = domain.step or (1 if isinstance(domain, Integer) else 0)
            if step:
                at = min(domain.low + round((at - domain.low) / step) * step, domain.high)
            return int(at) if isinstance(domain, Integer) else float(at)


def range_of(keys: Mapping[str, Any]) -> Float | Integer:
    """Return the range with these keys; integer bounds (and step) make integers."""
    numbers = [keys[name] for name in ("low", "high", "step") if keys.get(name) is not None]
    return Integer(**keys) if all(isinstance(number, int) for number in numbers) else Float(**keys)


def _among(value: Scalar, values: tuple[Scalar, ...]) -> bool:
    return any(same(value, other) for other in values)


def _check_range(domain: Float | Integer) -> None:
    numbers = {"low": domain.low, "high": domain.high}
    if domain.step is not None:
        numbers["step"] = domain.step
    whole = isinstance(domain, Integer)
    words = "a whole number" if whole else "a finite number"
    problems = [
        f"`{name}` must be {words}, got {show(number)}"
        for name, number in numbers.items()
        if not _is_number(number, int if whole else (int, float))
    ]
    if problems := problems or _broken_order(domain):
        raise SpaceError(*problems)


def _is_number(value: object, kinds: type | tuple[type, ...]) -> bool:
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return not isinstance(value, float) or math.isfinite(value)


def _broken_order(domain: Float | Integer) -> list[str]:
    low, high, step = domain.low, domain.high, domain.step
    problems = []
    if low > high:
        problems.append(f"`low <= high` must hold, got low={low}, high={high}")
    if domain.log and low <= 0:
        problems.append(f"`low > 0` must hold where `log` is true, got low={low}")
    if domain.log and step is not None:
        problems.append(f"`step` and `log` must not stand together, got step={step}")
    if step is not None and step <= 0:
        problems.append(f"`step > 0` must hold, got step={step}")
    # Samplers would lower `high` to the last step, each in its own way.
    if step and not problems and (Fraction(str(high)) - Fraction(str(low))) % Fraction(str(step)):
        problems.append(f"`step` must divide `high - low`, got low={low}, high={high}, step={step}")
    return problems


def _range_text(domain: Float | Integer) -> str:
    suffix = " log" if domain.log else f" step {domain.step}" if domain.step else ""
    return f"{domain.low} … {domain.high}{suffix}"


def _range_json(domain: Float | Integer) -> dict[str, Scalar]:
    plain: dict[str, Scalar] = {"low": domain.low, "high": domain.high}
    if domain.log:
        plain["log"] = True
    if domain.step is not None:
        plain["step"] = domain.step
    return plain
