"""Encoded features on disk: encoded once for the rows, tokenizer and task at hand, read by every later worker."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from autoft.data.features import Features, Targets
from autoft.files import write_bytes
from autoft.tasks import Task

logger = logging.getLogger(__name__)
_VERSION = 4
_TARGET = "target."


class FeatureCache:
    """The folder of cached features; what is new is held back until it is known that the search goes on.

    Args:
        folder: Made when the first features are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[tuple[Path, Features]] | None = []

    def path(self, name: str) -> Path:
        """Return where features of that name lie."""
        return self._folder / f"{name}.safetensors"

    def add(self, path: Path, features: Features) -> None:
        """Hold features back, or write them once `keep` was called."""
        if self._held is None:
            write_bytes(path, _to_bytes(features))
        else:
            self._held.append((path, features))

    def keep(self) -> None:
        """Write what was held back, and from now on everything at once."""
        held, self._held = self._held or [], None
        for path, features in held:
            self.add(path, features)


def encode_cached(
    task: Task[Any, Any],
    examples: Sequence[Any],
    tokenizer: Any,
    labels: Sequence[str],
    max_length: int,
    *,
    cache: FeatureCache,
    fingerprint: str,
) -> Features:
    """Return the features of `examples`, from the cache where they lie there already.

    Args:
        task: Encodes.
        examples: In the order of the fingerprinted rows.
        tokenizer: A fast tokenizer.
        labels: The model's classes.
        max_length: Most tokens of one sequence.
        cache: Where they are looked for and put.
        fingerprint: sha256 of the rows.
    """
    settings = json.dumps(vars(task), sort_keys=True, default=str)
    key = _key(f"{task.name}/{settings}/{_code(task)}", tokenizer, labels, max_length, fingerprint)
    path = cache.path(f"{task.name}-{key[:32]}")
    found = _read(path)
    if found is not None:
        return found
    features = task.encode(examples, tokenizer, labels, max_length)
    cache.add(path, features)
    return features


def _code(task: Task[Any, Any]) -> str:
    """Return the digest of the file that a task stands in: who changes how it encodes sees what the change does."""
    try:
        return hashlib.sha256(Path(inspect.getfile(type(task))).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return ""


def _key(task: str, tokenizer: Any, labels: Sequence[str], max_length: int, fingerprint: str) -> str:
    # Encoding leaves the lengths that it used in the tokenizer's state.
    state = json.loads(tokenizer.backend_tokenizer.to_str()) | {"truncation": None, "padding": None}
    facts = [
        _VERSION,
        task,
        state,
        list(labels),
        max_length,
        fingerprint,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _to_bytes(features: Features) -> bytes:
    arrays: dict[str, Targets] = {"owner": features.owner}
    arrays |= {f"{_TARGET}{name}": values for name, values in features.targets.items()}
    for name, column in features.columns.items():
        arrays[f"flat.{name}"] = np.concatenate(column) if column else np.empty(0, np.int64)
        arrays[f"sizes.{name}"] = np.array([len(part) for part in column], dtype=np.int64)
    padding = json.dumps(dict(features.padding))
    return save(arrays, {"padding": padding, "sha256": _digest(arrays, padding)})


def _digest(arrays: Mapping[str, Targets], padding: str) -> str:
    """Return the sha256 of what is stored: a flipped bit among numbers leaves the file readable."""
    digest = hashlib.sha256(padding.encode())
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()


def _read(path: Path) -> Features | None:
    if not path.is_file():
        return None
    try:
        arrays, padding = _load(path)
    except (SafetensorError, KeyError, ValueError) as error:
        logger.warning("%s: cached features cannot be read (%s), encoding again", path, error)
        return None
    columns = {}
    for key in arrays:
        kind, _, name = key.partition(".")
        if kind == "flat":
            borders = np.cumsum(arrays[f"sizes.{name}"])[:-1]
            columns[name] = tuple(np.split(arrays[key], borders)) if len(arrays["owner"]) else ()
    targets = {key.removeprefix(_TARGET): values for key, values in arrays.items() if key.startswith(_TARGET)}
    return Features(columns, padding, arrays["owner"], targets)


def _load(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return arrays and padding of a file.

    Raises:
        ValueError: If it was damaged; safetensors has errors of its own for what it cannot read.
    """
    arrays, metadata = load_file(path), _metadata(path)
    if metadata["sha256"] != _digest(arrays, metadata["padding"]):
        raise ValueError("sha256 must equal the stored one")
    padding: dict[str, int] = json.loads(metadata["padding"])
    return arrays, padding


def _metadata(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(size))
    metadata: dict[str, str] = header["__metadata__"]
    return metadata
