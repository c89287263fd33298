"""The one call that does the main job from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoft.api.options import AimOptions, BudgetOptions, FirstOptions, RowOptions, SearchOptions
from autoft.api.progress import Progress, Watcher
from autoft.api.searching import PreparedSearch
from autoft.api.studies import StudyView, load_study
from autoft.study.config import StorageConfig


def search(  # noqa: PLR0913 - the facade's keywords are the command line's options
    task: str,
    *,
    data: str | Path | None = None,
    models: str | Sequence[str] = (),
    space: str | Path | None = None,
    trials: int | None = None,
    timeout: float | None = None,
    study: str | None = None,
    studies_dir: str | Path = "studies",
    storage: str | None = None,
    workers: int = 1,
    finalists: int = 2,
    seeds: int = 5,
    memory_budget: int | None = None,
    disk_budget: int | None = None,
    cache_budget: int | None = None,
    stop: str | None = None,
    audit: float | None = None,
    seed: int | None = None,
    metric: str | None = None,
    device: str = "auto",
    train_limit: int | None = None,
    dev_limit: int | None = None,
    folds: int | None = None,
    minimize: str | Sequence[str] = (),
    max_latency: float | None = None,
    max_memory: float | None = None,
    max_parameters: int | None = None,
    warm_start: str | Path | Sequence[str | Path] = (),
    portfolio: str | Path | None = None,
    watch: Watcher | None = None,
) -> StudyView:
    """Find the best fine-tuning of a pretrained model, and deliver it; blocks until it is done.

    Args:
        task: A registered task, such as `ner`.
        data: Folder of splits, file, or hub id; the task's built-in sample unless given.
        models: Base model, or several: folders, hub ids, or `package:NAME/FOLDER`; the space's unless given.
        space: Name or YAML file of a search space; the task's own unless given.
        trials: Configurations in total; 50, or as many as before where a study is resumed, unless given.
        timeout: Seconds of search, finalists included.
        study: Name; an existing study is resumed.
        studies_dir: Folder of all studies.
        storage: SQLAlchemy URL; SQLite in `studies_dir` unless given.
        workers: Processes that train at once.
        finalists: Best configurations that are trained again on fresh seeds beside the default; 0 for none.
        seeds: Fresh seeds of each of them.
        memory_budget: Bytes that paused trials may take in the memory of a single worker; a quarter of what is free
            unless given.
        disk_budget: Bytes that they may take on disk; 10 GiB, or half of what is free, unless given.
        cache_budget: Bytes that outputs of frozen layers may take on disk; as much unless given.
        stop: `auto` begins nothing new once the latest configurations gain less than the error of the dev score.
        audit: Share of the search, at most 0.5, for which some pruned configurations are finished: how often pruning
            threw away a better one. None finishes none.
        seed: From which all seeds are derived.
        metric: What is optimised; the task's own unless given.
        device: `auto`, `cpu` or `cuda`.
        train_limit: Most train rows.
        dev_limit: Most dev rows.
        folds: Into how many folds the rows of train and dev are dealt: for small data.
        minimize: `latency`, `memory` or `parameters`: whose front with the dev score the report draws.
        max_latency: Most milliseconds that the delivered model takes for a sequence.
        max_memory: Most MiB that training may need.
        max_parameters: Most parameters of the delivered model.
        warm_start: Earlier study of the task, or several: names or folders, whose best configurations are tried first.
        portfolio: File of configurations to try after them, or `none`; autoft's own for the task unless given.
        watch: Is shown the progress again and again.

    Returns:
        The study; its `best_folder` holds the model, for `autoft.load` and plain transformers.

    Raises:
        ConfigError: With every problem of what was given.
        StorageError: If the storage cannot be reached.
    """
    what: dict[str, Any] = {"source": _text(data), "space": _text(space), "study": study, "device": device}
    options = SearchOptions(
        task=task,
        **what,
        models=_several(models),
        seed=seed,
        rows=RowOptions(train_limit=train_limit, dev_limit=dev_limit, folds=folds),
        aims=_aims(metric, minimize, max_latency, max_memory, max_parameters),
        budget=_budget(
            trials, timeout, workers, finalists, seeds, memory_budget, disk_budget, cache_budget, stop, audit
        ),
        storage=StorageConfig(folder=str(studies_dir), url=storage),
        first=FirstOptions(warm_start=_several(warm_start), portfolio=_text(portfolio)),
    )
    with PreparedSearch(options) as prepared:
        prepared.run(watch or _look_away)
    return load_study(prepared.opening.config.name, studies_dir=studies_dir, storage=storage)


def _text(place: str | Path | None) -> str | None:
    return None if place is None else str(place)


def _several(given: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    return (str(given),) if isinstance(given, str | Path) else tuple(map(str, given))


def _aims(
    metric: str | None,
    minimize: str | Sequence[str],
    latency: float | None,
    memory: float | None,
    parameters: int | None,
) -> AimOptions:
    return AimOptions(
        metric=metric,
        minimize=_several(minimize),
        max_latency=latency,
        max_memory=memory,
        max_parameters=parameters,
    )


def _budget(  # noqa: PLR0913, PLR0917 - one parameter an option
    trials: int | None,
    timeout: float | None,
    workers: int,
    finalists: int,
    seeds: int,
    memory: int | None,
    disk: int | None,
    cache: int | None,
    stop: str | None,
    audit: float | None,
) -> BudgetOptions:
    return BudgetOptions(
        trials=trials,
        timeout=timeout,
        workers=workers,
        finalists=finalists,
        seeds=seeds,
        memory=memory,
        disk=disk,
        cache=cache,
        stop=stop,
        audit=audit,
    )


def _look_away(progress: Progress) -> None:
    del progress
