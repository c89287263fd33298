"""The sealed test split: opened by one command, counted, never scored otherwise."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autoft.api.delivering import deliver_best
from autoft.api.studies import StudyView
from autoft.errors import StudyError
from autoft.study.trial_weights import weights_file

if TYPE_CHECKING:
    from autoft.tasks import Task

_RESAMPLES = 1000


def score_test(view: StudyView) -> dict[str, Any]:
    """Score the delivered best model and the default on the test split.

    A second call for the same best model returns the stored scores.

    Returns:
        `best` and `default` (metric -> value), `ci95` and `opened`, as result.json holds them. `ci95` holds 95 %
        intervals of the metrics over all labels, of `best`, of `default`, and of their difference `gain` on the same
        resamples of the test examples.

    Raises:
        StudyError: If there is no test split, or no complete trial.
    """
    best = view.best
    if best is None:
        raise StudyError(f"study {view.config.name!r}: a complete trial expected, found none, search longer")
    if not view.files.data_facts()["test"]:
        raise StudyError(f"study {view.config.name!r}: its data has no test split")
    stored = view.result.get("test")
    if stored is not None and stored["best"] is not None and stored["opened"][-1]["trial"] == best.number:
        found: dict[str, Any] = stored
        return found
    deliver_best(view.config, view.files, view.facts, view.records)
    opened = stored["opened"] if stored is not None else []
    test = {
        **_scores(view),
        "opened": [*opened, {"trial": best.number, "time": round(time.time(), 3)}],
    }
    view.files.write_test(test)
    view.files.events.add("test opened", trial=best.number)
    return test


def _scores(view: StudyView) -> dict[str, Any]:
    import safetensors.torch

    from autoft.delivery.folder import trained_model
    from autoft.delivery.predictor import load_model
    from autoft.study.bench import Workbench
    from autoft.study.rows import load_rows
    from autoft.study.trial_config import build_trial_config
    from autoft.tasks import TASKS
    from autoft.training.runtime import Runtime, find_device, set_threads

    config = view.config
    set_threads(config.compute.threads)
    data = load_rows(TASKS.get(config.task)(), config.data, seed=config.seed)
    if data.fingerprint != config.fingerprint:
        raise StudyError(f"{config.data.source}: the rows of the study expected, they have changed since it began")
    device = find_device(config.compute.device)
    task, examples = data.task, data.examples["test"]
    predictions = {"best": load_model(view.best_folder, device=config.compute.device).decide(examples)}
    default = view.trial(0)
    if default.state == "complete":
        trial = build_trial_config(default.config, kind=task.head, seed=config.seed)
        bench = Workbench(config, data, device, splits=("test",)).bench_of(trial)
        model = trained_model(bench, trial, safetensors.torch.load_file(weights_file(config, default)))
        runtime = Runtime(device=device, micro_batch=1, threads=config.compute.threads)
        predictions["default"] = bench.predictions(model, "test", runtime, default.execution.get("decision", {}))
    scores = {name: task.score(examples, one) for name, one in predictions.items()}
    ci95 = _intervals(task, examples, predictions, config.seed)
    return {"best": scores["best"], "default": scores.get("default"), "ci95": ci95}


def _intervals(
    task: Task[Any, Any], examples: Sequence[Any], predictions: Mapping[str, Sequence[Any]], seed: int
) -> dict[str, dict[str, list[float]]]:
    """Return 95 % intervals over resampled examples, of each model and of the gain of the best over the default."""
    from autoft.metrics.bootstrap import percentile_interval, resample

    picks = resample(len(examples), resamples=_RESAMPLES, seed=seed)
    drawn = {name: task.resampled_scores(examples, one, picks) for name, one in predictions.items()}
    if "default" in drawn:
        drawn["gain"] = {name: values - drawn["default"][name] for name, values in drawn["best"].items()}
    return {
        name: {metric: list(percentile_interval(values)) for metric, values in found.items()}
        for name, found in drawn.items()
    }
