"""A search with promotion against the same search without it in the same time, one after the other: what was finished.

Usage: python -m benchmarks.promotion --data FOLDER --trials 30 --studies-dir DIR --json FILE

Without is full training of every configuration, which gets the wall time that promotion took and no more. Sampler,
seed, space and trials are the same; finalists are left out of both, since their time is the same. Run it where nothing
else runs.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoft import search
from autoft.api.stored import stored_config
from autoft.api.studies import StudyView
from autoft.files import write_json
from autoft.storage.database import open_database
from autoft.storage.studies import open_study, update_config


def run_arm(arm: str, options: argparse.Namespace, timeout: float | None) -> StudyView:
    """Search with one schedule for so many seconds; the study's first trial, the default, is the same under both."""
    name = f"race-{arm}"
    asked: dict[str, Any] = {
        "data": options.data,
        "study": name,
        "studies_dir": options.studies_dir,
        "finalists": 0,
        "seed": 0,
    }
    # The schedule is no option of a search: it is written into the study after its first trial.
    first = search(options.task, trials=1, **asked).result["seconds"]["search"]
    database = open_database(None, options.studies_dir)
    study = open_study(database, name)
    config = stored_config(study.config)
    changed = replace(config, compute=replace(config.compute, pruner=arm))
    update_config(study, json.dumps({**json.loads(study.config), "config": changed.to_json()}))
    database.close()
    left = None if timeout is None else max(1.0, timeout - first)
    return search(options.task, trials=options.trials, timeout=left, **asked)


def summary(view: StudyView) -> dict[str, Any]:
    """Return what an arm took and found."""
    result, records = view.result, view.records
    best = view.best
    return {
        "seconds": result["seconds"]["search"],
        "configurations": result["trials"]["configurations"],
        "complete": result["trials"]["complete"],
        "epochs_trained": sum(record.evaluations[-1].epoch for record in records if record.evaluations),
        "trained_seconds": sum(record.seconds for record in records),
        "best": None if best is None else {"trial": best.number, "dev": best.value},
        "default_dev": view.trial(0).value,
    }


def main() -> None:
    """Run both arms and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="ner")
    parser.add_argument("--data")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--studies-dir", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    said = {"promotion": summary(run_arm("promotion", asked, None))}
    said["full"] = summary(run_arm("full", asked, said["promotion"]["seconds"]))
    write_json(asked.json, said)
    print(json.dumps(said, indent=2))


if __name__ == "__main__":
    main()
