"""What the built-in sample can tell apart: the spread of random configurations against that of seeds.

Usage: python -m benchmarks.sample_spread --configs 20 --seeds 5 --json FILE

A sample on which configurations differ no more than seeds do would make every search on it a lottery. Runs that FILE
holds already are not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from autoft.api.opening import space_for
from autoft.files import write_json
from autoft.strategy.samplers import propose
from autoft.study.bench import Workbench
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig
from autoft.study.rows import load_rows
from autoft.tasks import TASKS
from autoft.training.runtime import set_threads
from benchmarks.fresh_seeds import run_once

_SEED = 0


def open_sample(task_name: str, threads: int) -> tuple[Workbench, Any]:
    """Return a workbench on the task's built-in sample, and the task's search space."""
    task = TASKS.get(task_name)()
    source = DataConfig(source=f"sample:{task_name}")
    space = space_for(task_name, None, ())
    config = StudyConfig(
        name="spread",
        task=task_name,
        metric=task.metric,
        seed=_SEED,
        data=source,
        budget=BudgetConfig(),
        compute=ComputeConfig(device="cpu", threads=threads),
        storage=StorageConfig(),
        space=space.to_json(),
    )
    set_threads(threads)
    return Workbench(config, load_rows(task, source, seed=_SEED), torch.device("cpu")), space


def summary(runs: Mapping[str, float]) -> dict[str, Any]:
    """Return spread of configurations and of the default's seeds, and their ratio."""
    configs = [value for key, value in runs.items() if key.startswith("config")]
    seeds = [value for key, value in runs.items() if key.startswith("default")]
    said: dict[str, Any] = {"configs": len(configs), "seeds": len(seeds)}
    if len(configs) > 1 and len(seeds) > 1:
        said["default_mean"] = statistics.fmean(seeds)
        said["seed_std"] = statistics.stdev(seeds)
        said["config_std"] = statistics.stdev(configs)
        said["ratio"] = said["config_std"] / said["seed_std"]
    return said


def main() -> None:
    """Measure the sample of one task and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="ner")
    parser.add_argument("--configs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    workbench, space = open_sample(asked.task, asked.threads)
    wanted = {f"default, seed {seed}": (space.default, seed) for seed in range(asked.seeds)}
    for number in range(1, asked.configs + 1):
        config = propose("random", space, (), seed=_SEED, number=number).config
        wanted[f"config {number}, seed {_SEED}"] = (config, _SEED)
    found: dict[str, Any] = json.loads(asked.json.read_text(encoding="utf-8")) if asked.json.is_file() else {"runs": {}}
    for name, (config, seed) in wanted.items():
        if name not in found["runs"]:
            found["runs"][name] = run_once(workbench, config, seed, asked.threads)["dev"]
            print(name, found["runs"][name], flush=True)
            write_json(asked.json, found)
    found["summary"] = summary(found["runs"])
    write_json(asked.json, found)
    print(json.dumps(found["summary"], indent=2))


if __name__ == "__main__":
    main()
