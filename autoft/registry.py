"""Look-up by name, with the nearest right name in the error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from autoft.errors import ConfigError, UnknownNameError

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean 'x'?` where a known name is near, else an empty text."""
    match = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {match[0]!r}?" if match else ""


class Registry(Generic[T]):
    """Names of one kind of extension.

    A value may be given as text `module:attribute`, so that listing the names imports nothing.

    Args:
        noun: What a registered thing is called in messages.
        group: Entry-point group through which installed packages add to the registry.
    """

    def __init__(self, noun: str, *, group: str | None = None) -> None:
        self._noun = noun
        self._group = group
        self._values: dict[str, T | str] = {}
        self._asked_plugins = group is None

    def add(self, name: str, value: T | str) -> None:
        """Register `value` under `name`.

        Raises:
            ValueError: If the name is taken.
        """
        if name in self._values:
            raise ValueError(f"{self._noun} {name!r} is registered already")
        self._values[name] = value

    def names(self) -> tuple[str, ...]:
        """Return all names, sorted."""
        self._add_plugins()
        return tuple(sorted(self._values))

    def get(self, name: str) -> T:
        """Return what is registered under `name`.

        Raises:
            UnknownNameError: If nothing is.
            ConfigError: If it stands in a package that cannot be imported.
        """
        self._add_plugins()
        if name not in self._values:
            known = ", ".join(self.names())
            hint = nearest(name, self._values) or ","
            raise UnknownNameError(f"unknown {self._noun} {name!r}{hint} known: {known}")
        value = self._values[name]
        if isinstance(value, str):
            module, _, attribute = value.partition(":")
            try:
                value = cast(T, getattr(import_module(module), attribute))
            except (ImportError, AttributeError) as error:
                place = f"{self._noun} {name!r}"
                raise ConfigError(f"{place}: {module}:{attribute} expected to be imported, got {error}") from error
            self._values[name] = value
        return value

    def _add_plugins(self) -> None:
        if self._asked_plugins:
            return
        self._asked_plugins = True
        for point in entry_points(group=cast(str, self._group)):
            self._values.setdefault(point.name, point.value)
