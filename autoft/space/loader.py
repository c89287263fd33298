"""The strict loader of search spaces: every problem of a file in one error, each with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoft.errors import SpaceError
from autoft.space.completion import broken_laws
from autoft.space.default_reader import DefaultReader
from autoft.space.document import parse_document
from autoft.space.findings import Findings
from autoft.space.nodes import MapNode, Node, kind_of, node_of
from autoft.space.reader import DomainReader, read_header
from autoft.space.schema import Schema
from autoft.space.search_space import SearchSpace


def load_space(path: Path, schema: Schema) -> SearchSpace:
    """Return the search space in a YAML file.

    Raises:
        SpaceError: With every problem of the file, such as
            `search_spaces/ner.yaml:12: method.lora.rnak: no such parameter, did you mean 'rank'?`.
    """
    here = Path.cwd()
    source = str(path.relative_to(here) if path.is_relative_to(here) else path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise SpaceError(f"{source}: UTF-8 text expected, got the byte {byte:#04x}") from error
    except OSError as error:
        raise SpaceError(f"{source}: must be a readable file, {error.strerror}") from error
    return parse_space(text, schema, source=source)


def parse_space(text: str, schema: Schema, *, source: str = "search space") -> SearchSpace:
    """Return the search space in a YAML text.

    Args:
        text: The YAML.
        schema: What may stand in it.
        source: What the text is called in messages.

    Raises:
        SpaceError: With every problem of the text.
    """
    findings = Findings(source)
    return _read(parse_document(text, findings), schema, findings)


def space_from_json(values: Mapping[str, Any], schema: Schema, *, source: str = "study.json") -> SearchSpace:
    """Return the search space that `SearchSpace.to_json` wrote.

    Raises:
        SpaceError: With every problem of the values.
    """
    return _read(node_of(values), schema, Findings(source))


def _read(root: Node | None, schema: Schema, findings: Findings) -> SearchSpace:
    if not isinstance(root, MapNode):
        law = f"a mapping of parameters expected, got {kind_of(root)}"
        findings.add(root.line if root else 1, "", law)
        raise findings.error()
    task = read_header(root, findings)
    body, default = DomainReader(findings), DefaultReader(findings)
    body.read(root, schema)
    default.read(root, schema)
    lines = body.lines | default.lines
    for path, law in broken_laws(schema, body.domains, default.values):
        findings.add(lines.get(path, root.line), path, law)
    findings.raise_any()
    return SearchSpace(task, schema, body.domains, default.values)
