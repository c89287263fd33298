"""Delivery from the coordinator: a child process makes the folder, so that torch stays out of this one."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoft.api.outputs import StudyFiles, versions
from autoft.errors import AutoftError, ConfigError
from autoft.files import MANIFEST, check_manifest
from autoft.report.facts import StudyFacts
from autoft.report.result import best_trial, build_result
from autoft.report.words import gain_words
from autoft.storage.records import TrialRecord
from autoft.study.config import StudyConfig
from autoft.study.trial_weights import weights_file

logger = logging.getLogger(__name__)


class DeliveryFailed(AutoftError):  # noqa: N818 - what happened, told to the user
    """The child process that makes the model folder ended without an answer."""


def deliver_best(
    config: StudyConfig, files: StudyFiles, facts: StudyFacts, records: Sequence[TrialRecord]
) -> Path | None:
    """Make `best/` of the best trial, unless it is there already; None where no trial was completed.

    Args:
        config: The study's configuration.
        files: Its folder.
        facts: What is known of it besides its trials.
        records: Its trials.

    Raises:
        ConfigError: If the model, loaded again, does not give the trial's dev score.
        DeliveryFailed: If the child process died.
    """
    best = best_trial(records, facts.finalists)
    if best is None:
        return None
    folder, checked = files.folder / "best", _fresh_seeds(facts, records)
    if _delivered(folder) == (config.name, best.number, checked):
        return folder
    make_model(config, best, folder, {**model_facts(config, files.data_facts(), best), "fresh_seeds": checked})
    files.events.add("delivered", trial=best.number)
    return folder


def _fresh_seeds(facts: StudyFacts, records: Sequence[TrialRecord]) -> dict[str, Any] | None:
    """Return what card and manifest say of the best on fresh seeds; None where the finalists have not run."""
    if not facts.finalists.scores:
        return None
    result = build_result(facts, records)
    entry = result["best"]
    return {
        "dev": entry["dev_seeds"],
        "mean": entry["dev_mean"],
        "std": entry["dev_std"],
        "gain": result["gain"],
        "words": gain_words(result),
    }


def model_facts(config: StudyConfig, data: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Return what card and manifest say of a trial's model."""
    return {
        "study": config.name,
        "trial": record.number,
        "task": config.task,
        "metric": config.metric,
        "model": str(record.config["model"]),
        "dev": record.value,
        "fresh_seeds": None,
        "metrics": dict(record.metrics),
        "config": dict(record.config),
        "seed": config.seed,
        "data": {**data, "fingerprint": config.fingerprint},
        "versions": versions(),
        "decision": dict(record.execution.get("decision", {})),
        "folds": config.data.folds,
    }


def _first_fold(record: TrialRecord) -> float | None:
    """Return what the model that is delivered scored: the trial, or its first fold on its own dev."""
    folds = record.execution.get("folds")
    return record.value if folds is None else float(folds["values"][0])


def make_model(config: StudyConfig, record: TrialRecord, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Make a model folder in a child process; returns the dev score before and after it was loaded again.

    Raises:
        ConfigError: If the folder does not give the trial's dev score, or the weights are gone.
        DeliveryFailed: If the child process died.
    """
    order = {
        "study": config.to_json(),
        "values": dict(record.config),
        "weights": str(weights_file(config, record)),
        "folder": str(folder),
        "facts": dict(facts),
        "expected": _first_fold(record),
    }
    child = subprocess.run(
        [sys.executable, "-P", "-m", "autoft.delivery.make"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": str(config.compute.threads), "TOKENIZERS_PARALLELISM": "false"},
    )
    if not child.stdout:
        raise DeliveryFailed(f"making {folder} ended with exit code {child.returncode}\n{child.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(child.stdout)
    if "problems" in answer:
        raise ConfigError(*answer["problems"])
    return answer


def _delivered(folder: Path) -> tuple[str, int, Any] | None:
    """Return study, trial and what fresh seeds said, of a sound model folder; a damaged one is made again."""
    if not (folder / MANIFEST).is_file():
        return None
    try:
        facts = check_manifest(folder)
    except ConfigError as error:
        logger.warning("%s", error)
        return None
    return facts["study"], facts["trial"], facts.get("fresh_seeds")
