"""A folder's manifest: the sha256 of each file, so that a flipped bit is found before it is loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from autoft.errors import ConfigError
from autoft.files.atomic import write_json

MANIFEST = "autoft.json"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write `autoft.json` into `folder`: `facts`, and under `files` the sha256 of every other file."""
    files = {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {**facts, "files": files})


def check_manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest of `folder` says, after comparing every file with it.

    Raises:
        ConfigError: If there is no manifest, or files are missing or changed; all of them are named.
    """
    place = folder / MANIFEST
    if not place.is_file():
        raise ConfigError(f"{folder}: a model exported by autoft must hold {MANIFEST}, found none")
    try:
        facts: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{place}: JSON expected, the manifest was damaged: {error}") from error
    problems = []
    for name, digest in facts.get("files", {}).items():
        if not (folder / name).is_file():
            problems.append(f"{folder / name}: the manifest names this file, found none")
        elif sha256_of(folder / name) != digest:
            problems.append(f"{folder / name}: sha256 must equal the manifest's, the file was changed or damaged")
    if problems:
        raise ConfigError(*problems)
    return facts
