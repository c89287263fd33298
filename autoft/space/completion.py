"""What spaces and configurations leave unsaid, and the laws of the schema that they break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from autoft.registry import nearest
from autoft.space.domains import Categorical, Constant, Domain, Scalar, narrowed, one_of
from autoft.space.schema import Branch, Choice, Leaf, Schema, counts, places

T = TypeVar("T")


class Problem(NamedTuple):
    """A law that is broken, and the path of the parameter that breaks it."""

    path: str
    law: str

    def __str__(self) -> str:
        return f"{self.path}: {self.law}"


def complete_config(schema: Schema, *sources: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return a complete configuration.

    Args:
        schema: What may stand in it.
        sources: Path -> value. The first that has a path gives its value, else the schema does.
    """
    config: dict[str, Scalar] = {}
    for place in places(schema):
        if counts(place.branch, config):
            given = (source[place.path] for source in sources if place.path in source)
            config[place.path] = place.node.typed(next(given, place.node.default))
    return config


def complete_domains(schema: Schema, named: Mapping[str, Domain], default: Mapping[str, Scalar]) -> dict[str, Domain]:
    """Return the domain of every place whose branch exists; what is not named is constant."""
    domains: dict[str, Domain] = {}
    for place in places(schema):
        choices = ((domains.get(choice), name) for choice, name in place.branch)
        if all(domain is not None and domain.contains(name) for domain, name in choices):
            constant = Constant(default.get(place.path, place.node.default))
            domains[place.path] = _typed(place.node, named.get(place.path, constant))
    return domains


def fallbacks(schema: Schema, domains: Mapping[str, Domain]) -> dict[str, Scalar]:
    """Return what a space says besides its default: its constants, and branches that it has."""
    values: dict[str, Scalar] = {}
    for place in places(schema):
        match domains.get(place.path):
            case Constant(value):
                values[place.path] = value
            case Categorical(names) if isinstance(place.node, Choice):
                values[place.path] = place.node.default if place.node.default in names else names[0]
    return values


def illegal_values(schema: Schema, values: Mapping[str, Scalar]) -> Iterator[Problem]:
    """Yield the values that the schema does not allow."""
    nodes = {place.path: place.node for place in places(schema)}
    for path, value in values.items():
        if path not in nodes:
            yield Problem(path, f"no such parameter{nearest(path, nodes)}")
        elif law := nodes[path].problem(value):
            yield Problem(path, law)


def idle_values(schema: Schema, values: Mapping[str, Scalar], config: Mapping[str, Scalar]) -> Iterator[Problem]:
    """Yield the values that do not count in `config`, because it takes another branch."""
    for place in places(schema):
        if place.path in values and place.path not in config:
            yield Problem(place.path, _other_branch(place.branch, config))


def broken_laws(schema: Schema, domains: Mapping[str, Domain], default: Mapping[str, Scalar]) -> Iterator[Problem]:
    """Yield what keeps these from being a search space, the default's paths after `default.`."""
    wrong = list(_illegal_domains(schema, domains))
    wrong_default = list(illegal_values(schema, default))
    domains = _without(domains, wrong)
    default = _without(default, wrong_default)
    complete = complete_domains(schema, domains, default)
    absent = [path for path in domains if path not in complete]
    wrong += [Problem(path, "its branch must be one of this search space") for path in absent]
    if not wrong_default:
        config = complete_config(schema, default, fallbacks(schema, complete))
        wrong_default += idle_values(schema, default, config)
    yield from wrong
    yield from (Problem(f"default.{path}", law) for path, law in wrong_default)


def _illegal_domains(schema: Schema, domains: Mapping[str, Domain]) -> Iterator[Problem]:
    nodes = {place.path: place.node for place in places(schema)}
    for path, domain in domains.items():
        if path in nodes:
            yield from (Problem(path, law) for law in nodes[path].problems(domain))
        else:
            yield Problem(path, f"no such parameter{nearest(path, nodes)}")


def _without(values: Mapping[str, T], problems: list[Problem]) -> dict[str, T]:
    wrong = {problem.path for problem in problems}
    return {path: value for path, value in values.items() if path not in wrong}


def _typed(node: Leaf | Choice, domain: Domain) -> Domain:
    """Return a domain with values of the parameter's type, a constant where there is only one."""
    match domain:
        case Constant(value):
            return Constant(node.typed(value))
        case Categorical(choices):
            return one_of(tuple(node.typed(value) for value in choices))
        case _:
            return narrowed(domain)


def _other_branch(branch: Branch, config: Mapping[str, Scalar]) -> str:
    choice, name = next((choice, name) for choice, name in branch if config.get(choice) != name)
    return f"counts only with {choice} = {name}, got {choice} = {config[choice]}"
