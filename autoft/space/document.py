"""Reads YAML 1.2 into a tree of nodes; refuses what a reader of the file could misunderstand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from autoft.space.domains import Scalar
from autoft.space.findings import Findings
from autoft.space.nodes import Entry, ListNode, MapNode, Node, ScalarNode, kind_of

_DEEPEST = 32

# The core schema of YAML 1.2.2, section 10.3.2: `no` is text and `1e-5` a number. Integers have at
# most 300 digits: Python refuses to read thousands of them, and no float is as large.
_CORE_SCHEMA: tuple[tuple[str, Callable[[str], Scalar | None]], ...] = (
    (r"~|null|Null|NULL|", lambda _: None),
    (r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    (r"[-+]?[0-9]{1,300}", int),
    (r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,200}", lambda text: int(text, base=0)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", lambda text: float(text.replace(".", ""))),
)


def parse_document(text: str, findings: Findings) -> Node | None:
    """Return the tree of a YAML document, None where it is empty.

    Raises:
        SpaceError: If it is not YAML.
    """
    try:
        return _Parser(YAML(typ="safe", pure=True).parse(text), findings).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        law = ", ".join(part for part in (error.context, error.problem) if part)
        findings.add(mark.line + 1 if mark else 1, "", f"not YAML, {law}")
        raise findings.error() from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        findings.add(line, "", f"not YAML, {error.reason}, got {text[error.position]!r}")
        raise findings.error() from error


class _Parser:
    """Builds nodes from events, which still know the tags and aliases that the format forbids."""

    def __init__(self, events: Iterator[Event], findings: Findings) -> None:
        self._events = events
        self._findings = findings
        self._depth = 0

    def document(self) -> Node | None:
        root: Node | None = None
        started = False
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if started:
                    self._findings.add(_line(event), "", "one document expected, got another")
                    break
                if event.version and tuple(event.version) != (1, 2):
                    self._findings.add(_line(event), "", "YAML 1.2 expected, got another version")
                started = True
            elif isinstance(event, NodeEvent):
                root = self._node(event, "")
        return root

    def _node(self, event: Event, path: str) -> Node | None:
        """Return a node, or None where it is refused."""
        line = _line(event)
        if isinstance(event, AliasEvent):
            self._refuse(line, path, f"aliases have no place here, got *{event.anchor}")
            return None
        if anchor := getattr(event, "anchor", None):
            self._refuse(line, path, f"anchors have no place here, got &{anchor}")
        if tag := getattr(event, "tag", None):
            short = tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(line, path, f"tags have no place here, got {short}")
        if isinstance(event, ScalarEvent):
            return ScalarNode(_value(event), line)
        if self._depth == _DEEPEST:
            self._refuse(line, path, f"at most {_DEEPEST} levels expected, got more")
            raise self._findings.error()
        self._depth += 1
        is_list = isinstance(event, SequenceStartEvent)
        node = self._list(line, path) if is_list else self._map(line, path)
        self._depth -= 1
        return node

    def _list(self, line: int, path: str) -> ListNode:
        items = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, path))
        return ListNode(tuple(item for item in items if item is not None), line)

    def _map(self, line: int, path: str) -> MapNode:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key_line = _line(event)
            key = self._key(event, path)
            here = f"{path}.{key}" if path else key
            node = self._node(next(self._events), here)
            if key in entries:
                first = entries[key].line
                self._refuse(key_line, here, f"a key must stand once, line {first} has it already")
            elif key and node is not None:
                entries[key] = Entry(key, key_line, node)
        return MapNode(tuple(entries.values()), line)

    def _key(self, event: Event, path: str) -> str:
        """Return a key as it is written, or an empty text where it is refused."""
        line = _line(event)
        if isinstance(event, ScalarEvent) and event.value == "<<" and event.style is None:
            self._refuse(line, path, "merge keys have no place here, got <<")
        elif isinstance(event, ScalarEvent) and event.value:
            self._node(event, path)
            return str(event.value)
        else:
            node = self._node(event, path)
            self._refuse(line, path, f"a key must be text, got {kind_of(node)}")
        return ""

    def _refuse(self, line: int, path: str, law: str) -> None:
        self._findings.add(line, path, law)


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _value(event: ScalarEvent) -> Scalar | None:
    text: str = event.value
    if event.style is None:
        for pattern, read in _CORE_SCHEMA:
            if re.fullmatch(pattern, text):
                return read(text)
    return text
