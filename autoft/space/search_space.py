"""The search space: what varies, what stays, and the default configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoft.errors import SpaceError
from autoft.space.completion import (
    Problem,
    broken_laws,
    complete_config,
    complete_domains,
    fallbacks,
    idle_values,
    illegal_values,
)
from autoft.space.domains import Categorical, Constant, Domain, Scalar, one_of, show
from autoft.space.schema import Branch, Choice, Group, Leaf, Place, Schema, counts, places
from autoft.space.writer import yaml_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that varies.

    Attributes:
        path: Full path, such as `method.lora.rank`.
        domain: The values it may take.
        branch: The choices it depends on, among those that vary: (path of the choice, name).
    """

    path: str
    domain: Domain
    branch: Branch

    @property
    def when(self) -> str:
        """The choices it depends on, in words; empty where it always counts."""
        return " and ".join(f"{path} = {name}" for path, name in self.branch)


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """What a search may try.

    What `domains` does not name is constant: at its value in `default`, or else at the schema's
    default. A choice has the branches that its domain names. Both mappings are complete once the
    space is made.

    Attributes:
        task: Name of the task that the space is for.
        schema: What may stand in it.
        domains: Full path -> domain, in the schema's order.
        default: What is tried first, full path -> value; it may lie outside the domains.

    Raises:
        SpaceError: If a path is unknown or a value illegal; every problem is named.
    """

    task: str
    schema: Schema
    domains: Mapping[str, Domain] = field(default_factory=dict)
    default: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problems := list(broken_laws(self.schema, self.domains, self.default)):
            raise SpaceError(*map(str, problems))
        domains = complete_domains(self.schema, self.domains, self.default)
        object.__setattr__(self, "domains", domains)
        object.__setattr__(self, "default", self.complete(self.default))

    def sample(self, suggest: Callable[[str, Domain], Scalar]) -> dict[str, Scalar]:
        """Return one configuration, walking only the branches that it takes.

        Args:
            suggest: Called with path and domain of each parameter that varies and counts, in the
                schema's order; returns its value.
        """
        config: dict[str, Scalar] = {}
        for place, domain in self._walk():
            if counts(place.branch, config):
                if isinstance(domain, Constant):
                    config[place.path] = domain.value
                else:
                    config[place.path] = suggest(place.path, domain)
        return config

    def parameters(self) -> tuple[Parameter, ...]:
        """Return what varies, in the schema's order."""
        varying = {
            place.path: (place.branch, domain) for place, domain in self._walk() if not isinstance(domain, Constant)
        }
        return tuple(
            Parameter(path, domain, tuple(step for step in branch if step[0] in varying))
            for path, (branch, domain) in varying.items()
        )

    def largest_branch(self) -> int:
        """Return how many parameters vary at once, choices included, where most do."""
        return _most_at_once(self.parameters(), ())

    def problems(self, config: Mapping[str, Scalar]) -> tuple[str, ...]:
        """Return why a complete configuration lies outside the space; nothing where it does not."""
        taken = {place.path: domain for place, domain in self._walk() if counts(place.branch, config)}
        found = [
            Problem(path, f"{domain} expected, got {show(config.get(path))}")
            for path, domain in taken.items()
            if path not in config or not domain.contains(config[path])
        ]
        found += [Problem(path, "does not count here") for path in config if path not in taken]
        return tuple(map(str, found))

    def contains(self, config: Mapping[str, Scalar]) -> bool:
        """Return whether a complete configuration lies inside the space."""
        return not self.problems(config)

    def complete(self, partial: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Return a complete configuration: of `partial`, then the default, then the constants.

        Its values are legal, but may lie outside the domains.

        Raises:
            SpaceError: If `partial` has a value that is unknown, illegal, or does not count.
        """
        if problems := list(illegal_values(self.schema, partial)):
            raise SpaceError(*map(str, problems))
        said = fallbacks(self.schema, self.domains)
        config = complete_config(self.schema, partial, self.default, said)
        if problems := list(idle_values(self.schema, partial, config)):
            raise SpaceError(*map(str, problems))
        return config

    def with_models(self, references: Sequence[str]) -> SearchSpace:
        """Return the space over these base models; the default is the first, or the one it was."""
        domains = {**self.domains, "model": one_of(tuple(references))}
        kept = self.default["model"] in references
        model = self.default["model"] if kept else references[0]
        return SearchSpace(self.task, self.schema, domains, {**self.default, "model": model})

    def summary(self) -> tuple[tuple[str, str, str], ...]:
        """Return a line for each parameter that varies: path, domain, and when it counts."""
        return tuple((each.path, str(each.domain), each.when) for each in self.parameters())

    def to_json(self) -> dict[str, Any]:
        """Return the space as plain values, shaped like its YAML, with nothing left to defaults."""
        names = {path: domain.choices for path, domain in self.domains.items() if isinstance(domain, Categorical)}
        written = {path: domain.to_json() for path, domain in self.domains.items()}
        return {
            "version": VERSION,
            "task": self.task,
            **_nested(self.schema, "", written, names),
            "default": _nested(self.schema, "", self.default, {}),
        }

    def to_yaml(self) -> str:
        """Return the space as the text of a YAML file, with nothing left to defaults."""
        return yaml_text(self.to_json())

    def _walk(self) -> Iterator[tuple[Place, Domain]]:
        for place in places(self.schema):
            if place.path in self.domains:
                yield place, self.domains[place.path]


def _most_at_once(parameters: tuple[Parameter, ...], branch: Branch) -> int:
    total = 0
    for parameter in parameters:
        if parameter.branch == branch:
            names = parameter.domain.choices if isinstance(parameter.domain, Categorical) else ()
            beneath = (_most_at_once(parameters, (*branch, (parameter.path, str(name)))) for name in names)
            total += 1 + max(beneath, default=0)
    return total


def _nested(
    group: Group, prefix: str, values: Mapping[str, Any], names: Mapping[str, Sequence[Scalar]]
) -> dict[str, Any]:
    """Return values by path as nested mappings; a choice becomes its branches, or just names."""
    nested: dict[str, Any] = {}
    for name, node in group.children.items():
        path = prefix + name
        match node:
            case Leaf():
                nested[name] = values[path]
            case Group():
                nested[name] = _nested(node, f"{path}.", values, names)
            case Choice():
                branches = {
                    str(option): _nested(node.branches[str(option)], f"{path}.{option}.", values, names)
                    for option in names.get(path, [values[path]])
                }
                nested[name] = branches if any(branches.values()) else _plain(list(branches))
    return nested


def _plain(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names
