"""Writes plain values as YAML: a line for each parameter, and no text that reads back otherwise."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter


class _Representer(SafeRepresenter):
    """Escapes text that cannot be printed; in single quotes, U+0085 would come back as a space."""

    def represent_str(self, data: str) -> ScalarNode:
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Representer.add_representer(str, _Representer.represent_str)


def yaml_text(values: Mapping[str, Any]) -> str:
    """Return nested mappings, lists and scalars as the text of a YAML file."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.allow_unicode = True
    yaml.width = 1000  # no line is broken inside a range or a list
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()
