"""Safety: what a model's folder may not hold, found before anything in it is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autoft.errors import ConfigError

_ATTENTION = {"eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention"}


def check_folder(folder: Path, ref: str) -> None:
    """Refuse a folder whose settings would run foreign code.

    Raises:
        ConfigError: With every problem.
    """
    problems = []
    if not (folder / "config.json").is_file():
        problems.append(f"{ref}: a model folder must hold config.json, found none")
    if (folder / "adapter_config.json").is_file():
        problems.append(f"{ref}: a whole model expected, got an adapter, merge it first")
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            problems += _unsafe(read_json(folder / name), f"{ref}/{name}")
    if problems:
        raise ConfigError(*problems)


def check_weights(folder: Path, ref: str) -> None:
    """Refuse a folder without safetensors.

    Raises:
        ConfigError: If there are none.
    """
    if not any(folder.glob("*.safetensors")):
        other = ", pickled weights are never loaded" if any(folder.glob("*.bin")) else ""
        raise ConfigError(f"{ref}: a model folder must hold *.safetensors, found none{other}")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file of somebody else's.

    Raises:
        ConfigError: If it is none.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: a JSON object expected, {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: a JSON object expected, got a {type(value).__name__}")
    return value


def _unsafe(value: Any, place: str) -> Iterator[str]:
    """Yield the settings, however deep, that would run foreign code."""
    if isinstance(value, list):
        for item in value:
            yield from _unsafe(item, place)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key == "auto_map":
            yield f"{place}: auto_map asks to run the checkpoint's code, which autoft never does"
        elif key.lstrip("_").startswith("attn_implementation"):
            if not (inner is None or (isinstance(inner, str) and inner in _ATTENTION)):
                known = ", ".join(sorted(_ATTENTION))
                yield f"{place}: {key} must be one of {known}, got {inner!r}"
        else:
            yield from _unsafe(inner, place)
