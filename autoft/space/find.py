"""Finds search spaces by name: autoft's own, in a wheel or a checkout, and those of plug-ins."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from autoft.errors import SpaceError, UnknownNameError
from autoft.registry import nearest

_PACKAGE = Path(__file__).parents[1]


def find_space(name_or_path: str) -> Path:
    """Return the file of a search space.

    Args:
        name_or_path: A file, or the name of a space that autoft or a plug-in carries: `ner`.

    Raises:
        SpaceError: If it is a path without a file.
        UnknownNameError: If it is neither.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise SpaceError(f"{name_or_path}: no such file")
    found = _files()
    if name_or_path not in found:
        hint = nearest(name_or_path, found) or ","
        known = ", ".join(sorted(found)) or "none"
        raise UnknownNameError(f"unknown search space {name_or_path!r}{hint} known: {known}")
    return found[name_or_path]


def space_names() -> tuple[str, ...]:
    """Return the names of the search spaces that autoft and its plug-ins carry, sorted."""
    return tuple(sorted(_files()))


def _files() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder in _folders():
        for path in sorted(folder.glob("*.yaml")):
            files.setdefault(path.stem, path)
    return files


def _folders() -> Iterator[Path]:
    in_wheel = _PACKAGE / "_spaces"
    yield in_wheel if in_wheel.is_dir() else _PACKAGE.parent / "search_spaces"
    for point in entry_points(group="autoft.tasks"):
        # Only the outermost package: looking for an inner one would import it.
        spec = find_spec(point.module.partition(".")[0])
        for location in (spec and spec.submodule_search_locations) or ():
            yield Path(location) / "search_spaces"
