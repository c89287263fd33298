"""Default and best of a study on seeds that neither search nor finalists have seen, and on the test split.

Usage: python -m benchmarks.fresh_seeds STUDY --studies-dir DIR --seeds 5 --json FILE

The search's own finalists say what the winner gains on dev; this checks them. For each run the dev score is that of
its best evaluation and the test score that of the weights then. The winner was picked on the same dev split, so the
gain on dev is still a little flattered; the gain on test is not. Runs that FILE holds already are not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoft.api.studies import StudyView, load_study
from autoft.errors import StudyError, TrialError
from autoft.files import write_json
from autoft.report.gain import gains_over
from autoft.storage.records import TrialRecord
from autoft.study.bench import Workbench
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS
from autoft.training.runtime import Runtime, find_device, set_threads

_FIRST_SEED = 1000


def run_once(workbench: Workbench, values: Mapping[str, Any], seed: int, threads: int) -> dict[str, float]:
    """Train one configuration on one seed; return `dev` and, where there is a test split, `test`.

    One that fails counts with its best evaluation before, as finalists do, or with the metric's floor.
    """
    config = build_trial_config(values, kind=workbench.task.head, seed=seed)
    bench = workbench.bench_of(config)
    runtime = Runtime(device=workbench.device, micro_batch=config.fit.batch_size, threads=threads)
    execution = Execution(bench, config, runtime)
    try:
        for _ in execution:
            pass
    except TrialError as error:
        print(f"seed {seed}: {error}", flush=True)
    if execution.best is None:
        splits = {name: bench.splits[name].examples for name in ("dev", "test") if name in bench.splits}
        return {name: bench.task.floor(bench.metric, examples) for name, examples in splits.items()}
    scores = {"dev": execution.best.scores.value}
    if "test" in bench.splits:
        execution.model.load_weights(execution.best.weights[0])
        predictions = bench.predictions(execution.model, "test", runtime, execution.best.decision)
        scores["test"] = bench.task.score(bench.splits["test"].examples, predictions)[bench.metric]
    return scores


def measure(view: StudyView, seeds: int, path: Path) -> dict[str, Any]:
    """Run default and best on `seeds` fresh seeds each; `path` is written after every run."""
    config, best = view.config, view.best
    if best is None:
        raise StudyError(f"study {config.name!r}: a complete trial expected, found none")
    set_threads(config.compute.threads)
    task = TASKS.get(config.task)()
    data = load_rows(task, config.data, seed=config.seed)
    splits = tuple(data.examples)
    workbench = Workbench(config, data, find_device(config.compute.device), splits=splits)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    arms: dict[str, TrialRecord] = {"default": view.trial(0), "best": best}
    found |= {"study": config.name, "metric": config.metric, "trials": {arm: r.number for arm, r in arms.items()}}
    runs: dict[str, dict[str, dict[str, float]]] = found.setdefault("runs", {arm: {} for arm in arms})
    for seed in range(_FIRST_SEED, _FIRST_SEED + seeds):
        for arm, record in arms.items():
            if str(seed) not in runs[arm]:
                runs[arm][str(seed)] = run_once(workbench, record.config, seed, config.compute.threads)
                print(arm, seed, runs[arm][str(seed)], flush=True)
                write_json(path, found)
    found["summary"] = summary(runs)
    write_json(path, found)
    return found


def summary(runs: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """Return mean and spread of both arms and the paired gain, for each split."""
    seeds = sorted(runs["best"].keys() & runs["default"].keys())
    said: dict[str, Any] = {}
    for split in ("dev", "test"):
        if all(split in runs[arm][seed] for arm in runs for seed in seeds):
            scores = {arm: [runs[arm][seed][split] for seed in seeds] for arm in runs}
            said[split] = {
                arm: {"mean": statistics.fmean(found), "std": statistics.stdev(found) if len(found) > 1 else None}
                for arm, found in scores.items()
            }
            said[split]["gain"] = gains_over(scores["default"], {1: scores["best"]})[1].to_json()
    return said


def main() -> None:
    """Measure one study and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("--studies-dir", default="studies")
    parser.add_argument("--storage")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    view = load_study(asked.study, studies_dir=asked.studies_dir, storage=asked.storage)
    print(json.dumps(measure(view, asked.seeds, asked.json)["summary"], indent=2))


if __name__ == "__main__":
    main()
