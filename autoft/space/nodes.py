"""The tree of a document: values, lists and mappings that remember their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoft.space.domains import Scalar, show


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value; None where nothing is written."""

    value: Scalar | None
    line: int


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, its line, and what stands under it."""

    key: str
    line: int
    node: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping whose keys are texts, each once."""

    entries: tuple[Entry, ...]
    line: int


Node = ScalarNode | ListNode | MapNode


def node_of(value: Any) -> Node:
    """Return plain values, as JSON has them, as a tree without lines."""
    if isinstance(value, Mapping):
        return MapNode(tuple(Entry(str(key), 0, node_of(item)) for key, item in value.items()), 0)
    if isinstance(value, list | tuple):
        return ListNode(tuple(map(node_of, value)), 0)
    return ScalarNode(value, 0)


def kind_of(node: Node | None) -> str:
    """Return what a node is, for messages."""
    match node:
        case MapNode():
            return "a mapping"
        case ListNode():
            return "a list"
        case ScalarNode(value):
            return show(value)
        case None:
            return show(None)
