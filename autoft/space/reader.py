"""Reads the tree of a search space against a schema: each parameter's domain, with its line."""

from __future__ import annotations

from collections.abc import Callable, Collection

from autoft.errors import SpaceError
from autoft.space.domains import (
    Categorical,
    Constant,
    Domain,
    Float,
    Integer,
    Scalar,
    range_of,
    same,
)
from autoft.space.findings import Findings
from autoft.space.nodes import Entry, ListNode, MapNode, ScalarNode, kind_of
from autoft.space.schema import Choice, Group, Leaf, Schema
from autoft.space.search_space import VERSION

_HEADER = ("version", "task", "default")
_RANGE = ("low", "high", "log", "step")


def read_header(root: MapNode, findings: Findings) -> str:
    """Return the task that a search space names, after a look at its version."""
    entries = {entry.key: entry for entry in root.entries}
    for key, example in ("version", VERSION), ("task", "ner"):
        if key not in entries:
            findings.add(root.line, key, f"must be given, write `{key}: {example}`")
    version, task = (
        entry.node.value if entry and isinstance(entry.node, ScalarNode) else None
        for entry in (entries.get("version"), entries.get("task"))
    )
    if "version" in entries and (version is None or not same(version, VERSION)):
        entry = entries["version"]
        findings.add(entry.line, "version", f"{VERSION} expected, got {kind_of(entry.node)}")
    if "task" in entries and not isinstance(task, str):
        entry = entries["task"]
        findings.add(entry.line, "task", f"the name of a task expected, got {kind_of(entry.node)}")
    return str(task)


class DomainReader:
    """Reads what varies; goes on after a problem, so that all of them are found.

    Args:
        findings: Where problems go.

    Attributes:
        domains: Path -> domain, of what the document names.
        lines: Path -> line.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.domains: dict[str, Domain] = {}
        self.lines: dict[str, int] = {}

    def read(self, root: MapNode, schema: Schema) -> None:
        """Read a whole document, but for its version, task and default."""
        body = tuple(entry for entry in root.entries if entry.key not in _HEADER)
        self._group(schema, body, "", (*schema.children, *_HEADER))

    def _group(self, group: Group, entries: tuple[Entry, ...], prefix: str, known: Collection[str]) -> None:
        for entry in entries:
            path = prefix + entry.key
            self.lines[path] = entry.line
            match group.children.get(entry.key):
                case None:
                    self._findings.unknown(entry.line, path, "parameter", known)
                case Leaf():
                    self._leaf(entry, path)
                case Group() as beneath:
                    self._beneath(beneath, entry, path)
                case Choice() as choice:
                    self._choice(choice, entry, path)

    def _leaf(self, entry: Entry, path: str) -> None:
        self._keep(entry, path, lambda: self._domain(entry, path))

    def _beneath(self, group: Group, entry: Entry, path: str) -> None:
        """Read a group or branch; nothing is as good as an empty mapping."""
        match entry.node:
            case MapNode(entries):
                self._group(group, entries, f"{path}.", group.children)
            case ScalarNode(None):
                pass
            case node:
                law = f"a mapping of parameters expected, got {kind_of(node)}"
                self._findings.add(entry.line, path, law)

    def _choice(self, choice: Choice, entry: Entry, path: str) -> None:
        names = self._branches(entry, path)
        for name, line in names:
            if law := choice.problem(name):
                self._findings.add(line, path, law)
        legal = tuple(name for name, _ in names if not choice.problem(name))
        if legal:
            self._keep(entry, path, lambda: Categorical(legal))
        if isinstance(entry.node, MapNode):
            for branch in entry.node.entries:
                if branch.key in choice.branches:
                    self._beneath(choice.branches[branch.key], branch, f"{path}.{branch.key}")

    def _branches(self, entry: Entry, path: str) -> list[tuple[Scalar, int]]:
        """Return names and their lines; a list of names and a mapping of branches mean the same."""
        match entry.node:
            case MapNode(entries) if entries:
                return [(branch.key, branch.line) for branch in entries]
            case ListNode(items) as node if items:
                return [(name, entry.line) for name in self._values(node, path)]
            case ScalarNode(value) if value is not None:
                return [(value, entry.line)]
        self._findings.add(entry.line, path, "at least one branch expected, got nothing")
        return []

    def _keep(self, entry: Entry, path: str, make: Callable[[], Domain | None]) -> None:
        """Keep the domain that `make` returns, or note the laws that it breaks at its birth."""
        try:
            domain = make()
        except SpaceError as error:
            for law in error.problems:
                self._findings.add(entry.line, path, law)
        else:
            if domain is not None:
                self.domains[path] = domain

    def _domain(self, entry: Entry, path: str) -> Domain | None:
        match entry.node:
            case ListNode() as node:
                return Categorical(self._values(node, path))
            case MapNode() as node:
                return self._range(node, path)
            case ScalarNode(value) if value is not None:
                return Constant(value)
        law = "a value, a list of values or a range expected, got nothing"
        self._findings.add(entry.line, path, law)
        return None

    def _values(self, node: ListNode, path: str) -> tuple[Scalar, ...]:
        values = []
        for item in node.items:
            if isinstance(item, ScalarNode) and item.value is not None:
                values.append(item.value)
            else:
                law = f"a list of values expected, got {kind_of(item)} in it"
                self._findings.add(item.line, path, law)
        return tuple(values)

    def _range(self, node: MapNode, path: str) -> Float | Integer | None:
        keys: dict[str, Scalar] = {}
        for entry in node.entries:
            here = f"{path}.{entry.key}"
            value = entry.node.value if isinstance(entry.node, ScalarNode) else None
            wants_truth = entry.key == "log"
            if entry.key not in _RANGE:
                self._findings.unknown(entry.line, here, "key of a range", _RANGE)
            elif isinstance(value, str | None) or isinstance(value, bool) != wants_truth:
                wanted = "true or false" if wants_truth else "a number"
                law = f"{wanted} expected, got {kind_of(entry.node)}"
                self._findings.add(entry.line, here, law)
            else:
                keys[entry.key] = value
        named = {entry.key for entry in node.entries}
        for missing in sorted({"low", "high"} - named):
            self._findings.add(node.line, path, f"a range must have `{missing}`, got none")
        return range_of(keys) if keys.keys() >= {"low", "high"} else None
