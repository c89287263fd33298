"""Fields of frozen dataclasses as hyperparameters: checked at birth, read by the schema."""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any

from autoft.errors import SpaceError
from autoft.space.schema import Kind, Leaf

_KEY = "autoft"
_KINDS: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}


def parameter(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    above_low: bool = False,
    choices: tuple[str, ...] | None = None,
    help: str,
) -> Any:
    """Declare a dataclass field that is a hyperparameter; its type is that of its default."""
    leaf = Leaf(
        kind=_KINDS[type(default)],
        default=default,
        low=low,
        high=high,
        above_low=above_low,
        choices=choices,
        help=help,
    )
    return field(default=default, metadata={_KEY: leaf})


def check_fields(instance: Any) -> None:
    """Check every hyperparameter of a dataclass instance.

    Raises:
        SpaceError: With every law broken.
    """
    problems = [
        f"{type(instance).__name__}.{name}: {problem}"
        for name, leaf in leaves_of(type(instance)).items()
        if (problem := leaf.problem(getattr(instance, name)))
    ]
    if problems:
        raise SpaceError(*problems)


def leaves_of(cls: type[Any]) -> dict[str, Leaf]:
    """Return the schema of a dataclass: a leaf for each field declared with `parameter`."""
    return {item.name: item.metadata[_KEY] for item in fields(cls) if _KEY in item.metadata}
