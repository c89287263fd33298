"""Reads the `default` of a search space: one configuration, nested or by path."""

from __future__ import annotations

from collections.abc import Mapping

from autoft.space.domains import Scalar
from autoft.space.findings import Findings
from autoft.space.nodes import Entry, MapNode, ScalarNode, kind_of
from autoft.space.schema import Choice, Group, Leaf, Node, Schema


class DefaultReader:
    """Reads a default; goes on after a problem, so that all of them are found.

    Args:
        findings: Where problems go.

    Attributes:
        values: Path -> value, of what the document names.
        lines: Path -> line; the paths begin with `default`.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.values: dict[str, Scalar] = {}
        self.lines: dict[str, int] = {}

    def read(self, root: MapNode, schema: Schema) -> None:
        """Read the default of a document, if it has one."""
        for entry in root.entries:
            if entry.key == "default":
                self._group(schema, entry, "")

    def _group(self, group: Group, entry: Entry, prefix: str) -> None:
        match entry.node:
            case MapNode(parts):
                for part in parts:
                    self._part(group, part, prefix)
            case ScalarNode(None):
                pass
            case node:
                path = f"default.{prefix}".removesuffix(".")
                law = f"a mapping of values expected, got {kind_of(node)}"
                self._findings.add(entry.line, path, law)

    def _part(self, group: Group, part: Entry, prefix: str) -> None:
        path = prefix + part.key
        match self._descend(group, part, prefix):
            case Group() as beneath:
                self._group(beneath, part, f"{path}.")
            case Choice() as choice if isinstance(part.node, MapNode):
                self._branch(choice, part.node, path)
            case Leaf() | Choice():
                if isinstance(part.node, ScalarNode) and part.node.value is not None:
                    self._value(path, part.node.value, part.line)
                else:
                    law = f"one value expected, got {kind_of(part.node)}"
                    self._findings.add(part.line, f"default.{path}", law)

    def _branch(self, choice: Choice, node: MapNode, path: str) -> None:
        names = [branch.key for branch in node.entries]
        if len(names) != 1:
            law = f"one branch expected, got {', '.join(names) or 'nothing'}"
            self._findings.add(node.line, f"default.{path}", law)
            return
        (branch,) = node.entries
        self._value(path, branch.key, branch.line)
        if branch.key in choice.branches:
            self._group(choice.branches[branch.key], branch, f"{path}.{branch.key}.")

    def _value(self, path: str, value: Scalar, line: int) -> None:
        place = f"default.{path}"
        if path in self.values:
            law = f"a value must stand once, line {self.lines[place]} has it already"
            self._findings.add(line, place, law)
            return
        self.values[path] = value
        self.lines[place] = line

    def _descend(self, group: Group, part: Entry, prefix: str) -> Node | None:
        """Return what the key leads to; it may be a path of several steps, as `method.full`."""
        node: Node = group
        path = f"default.{prefix}".removesuffix(".")
        for step in part.key.split("."):
            path = f"{path}.{step}"
            beneath = _beneath(node)
            if step not in beneath:
                noun = "branch" if isinstance(node, Choice) else "parameter"
                self._findings.unknown(part.line, path, noun, beneath)
                return None
            node = beneath[step]
        return node


def _beneath(node: Node) -> Mapping[str, Node]:
    match node:
        case Group(children):
            return children
        case Choice(branches):
            return branches
        case Leaf():
            return {}
