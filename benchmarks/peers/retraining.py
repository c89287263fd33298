"""Re-training outside the clock: configurations of all contenders on the same seeds, with one trainer, autoft's."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from autoft.files import write_json
from autoft.study.bench import Workbench
from autoft.study.config import StudyConfig
from autoft.study.rows import StudyData
from autoft.training.runtime import set_threads
from benchmarks.fresh_seeds import run_once
from benchmarks.peers.log import Config


def key_of(config: Config) -> str:
    """Return what names a configuration."""
    return hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()[:16]


class Retrained:
    """Dev scores of configurations on fresh seeds, kept in a file.

    Args:
        path: The file; it belongs to one set of rows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def missing(self, configs: Iterable[Config], seeds: Sequence[int]) -> list[tuple[Config, int]]:
        """Return what has not been trained yet, each once."""
        named = {key_of(config): config for config in configs}
        return [
            (config, seed)
            for key, config in named.items()
            for seed in seeds
            if str(seed) not in self._found.get(key, {"runs": {}})["runs"]
        ]

    def add(self, config: Config, seed: int, value: float) -> None:
        """Keep a score."""
        entry = self._found.setdefault(key_of(config), {"config": dict(config), "runs": {}})
        entry["runs"][str(seed)] = value
        write_json(self._path, self._found)

    def means(self, seeds: Sequence[int]) -> dict[str, float]:
        """Return the mean of each configuration that was trained on all the seeds, by `key_of`."""
        wanted = {str(seed) for seed in seeds}
        return {
            key: statistics.fmean(entry["runs"][seed] for seed in sorted(wanted))
            for key, entry in self._found.items()
            if wanted <= entry["runs"].keys()
        }


def retrain(study: StudyConfig, data: StudyData, missing: Sequence[tuple[Config, int]], found: Retrained) -> None:
    """Train what is missing.

    Args:
        study: Whose base model, metric and threads.
        data: Its rows.
        missing: Configurations and seeds.
        found: Is told each score.
    """
    if not missing:
        return
    set_threads(study.compute.threads)
    uncached = replace(study, budget=replace(study.budget, cache=0))
    workbench = Workbench(uncached, data, torch.device("cpu"))
    for config, seed in missing:
        found.add(config, seed, run_once(workbench, config, seed, study.compute.threads)["dev"])
