"""Schemas: which parameters may stand in a search space, and which values of them are legal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from autoft.errors import SpaceError
from autoft.registry import nearest
from autoft.space.domains import Categorical, Constant, Domain, Float, Integer, Scalar, show

Kind = Literal["float", "int", "str", "bool"]
Branch = tuple[tuple[str, str], ...]

_WORDS = {
    "float": "a finite number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "float": (int, float),
    "int": int,
    "str": str,
    "bool": bool,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A parameter.

    Attributes:
        kind: Type of its values.
        default: What it is where nothing else is said.
        low: Least legal value.
        high: Greatest legal value.
        above_low: Whether `low` itself is illegal.
        choices: The legal texts; None for any.
        help: What it does, in a few words.

    Raises:
        SpaceError: If the default is not legal.
    """

    kind: Kind
    default: Scalar
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    choices: tuple[str, ...] | None = None
    help: str = ""

    def __post_init__(self) -> None:
        if problem := self.problem(self.default):
            raise SpaceError(f"default: {problem}")

    def problem(self, value: object) -> str | None:
        """Return the law that `value` breaks, or None where it is legal."""
        if not self._is_of_kind(value):
            hint = ", put it in quotes" if self.kind == "str" and value is not None else ""
            return f"{_WORDS[self.kind]} expected, got {show(value)}{hint}"
        if isinstance(value, str):
            if self.choices is None or value in self.choices:
                return None
            known = ", ".join(self.choices)
            return f"one of {known} expected, got {value!r}{nearest(value, self.choices)}"
        return self._beyond_limits(value) if isinstance(value, int | float) else None

    def problems(self, domain: Domain) -> list[str]:
        """Return every law that the values of `domain` break."""
        match domain:
            case Constant(value):
                values: tuple[Scalar, ...] = (value,)
            case Categorical(choices):
                values = choices
            case Integer() if self.kind == "float":
                # Integer bounds make integers, and few who write `{low: 0, high: 1}` want 0 or 1.
                bounds = f"low={domain.low}, high={domain.high}"
                hint = f"write {float(domain.low)} and {float(domain.high)}"
                return [f"a range of real numbers expected, got {bounds}, {hint}"]
            case Float() if self.kind == "int":
                bounds = f"low={domain.low}, high={domain.high}"
                return [f"a range of whole numbers expected, got {bounds}"]
            case Float() | Integer():
                if self.kind in ("str", "bool"):
                    return [f"{_WORDS[self.kind]} expected, got a range, write a list"]
                values = (domain.low, domain.high)
        return [problem for value in values if (problem := self.problem(value))]

    def typed(self, value: Scalar) -> Scalar:
        """Return a legal value in the parameter's own type: a real number may be given as 1."""
        return float(value) if self.kind == "float" else value

    def _is_of_kind(self, value: object) -> bool:
        wants_bool = self.kind == "bool"
        if not isinstance(value, _TYPES[self.kind]) or isinstance(value, bool) != wants_bool:
            return False
        return not isinstance(value, float) or math.isfinite(value)

    def _beyond_limits(self, value: float) -> str | None:
        if self.low is not None and (value < self.low or (self.above_low and value == self.low)):
            words = "above" if self.above_low else "of at least"
            return f"a value {words} {self.low:g} expected, got {value}"
        if self.high is not None and value > self.high:
            return f"a value of at most {self.high:g} expected, got {value}"
        return None


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that all count."""

    children: Mapping[str, Node]

    def __post_init__(self) -> None:
        _check_names(self.children)


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter whose value is the name of the one branch that counts.

    Raises:
        SpaceError: If the default names no branch.
    """

    branches: Mapping[str, Group]
    default: str

    def __post_init__(self) -> None:
        _check_names(self.branches)
        if problem := self.problem(self.default):
            raise SpaceError(f"default: {problem}")

    def problem(self, value: object) -> str | None:
        """Return the law that `value` breaks, or None where it names a branch."""
        known = ", ".join(self.branches)
        if not isinstance(value, str):
            return f"the name of a branch expected, got {show(value)}, known: {known}"
        if value in self.branches:
            return None
        return f"no such branch {value!r}{nearest(value, self.branches) or ','} known: {known}"

    def problems(self, domain: Domain) -> list[str]:
        """Return every law that the values of `domain` break."""
        match domain:
            case Constant(value):
                values: tuple[Scalar, ...] = (value,)
            case Categorical(choices):
                values = choices
            case Float() | Integer():
                return ["the names of branches expected, got a range"]
        return [problem for value in values if (problem := self.problem(value))]

    def typed(self, value: Scalar) -> Scalar:
        """Return a legal value as it is."""
        return value


Node = Leaf | Group | Choice
Schema = Group


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands.

    Attributes:
        path: Full path, such as `method.lora.rank`.
        node: What may stand there.
        branch: The choices that must have been made for it to count: (path of the choice, name).
    """

    path: str
    node: Leaf | Choice
    branch: Branch


def places(schema: Schema) -> Iterator[Place]:
    """Yield every place of a schema in order; a choice comes before its branches."""
    return _places(schema, "", ())


def counts(branch: Branch, config: Mapping[str, Scalar]) -> bool:
    """Return whether a configuration takes `branch`."""
    return all(config.get(path) == name for path, name in branch)


def _places(group: Group, prefix: str, branch: Branch) -> Iterator[Place]:
    for name, node in group.children.items():
        path = prefix + name
        match node:
            case Group():
                yield from _places(node, f"{path}.", branch)
            case Leaf():
                yield Place(path, node, branch)
            case Choice():
                yield Place(path, node, branch)
                for option, beneath in node.branches.items():
                    yield from _places(beneath, f"{path}.{option}.", (*branch, (path, option)))


def _check_names(names: Mapping[str, Node]) -> None:
    problems = [f"a name must be text without dots, got {name!r}" for name in names if not name or "." in name]
    if problems:
        raise SpaceError(*problems)
