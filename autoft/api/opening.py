"""Opening a search: options resolved into one study configuration, all input judged, nothing written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoft.api.options import SearchOptions
from autoft.errors import ConfigError, StudyError
from autoft.models.base import resolve_model
from autoft.models.rates import default_rate, model_width
from autoft.registry import nearest
from autoft.space import SearchSpace, find_space, load_space, space_from_json, values_of
from autoft.space.domains import one_of
from autoft.storage.database import Database, open_database
from autoft.storage.studies import open_study, study_names
from autoft.storage.urls import database_url
from autoft.study.config import ComputeConfig, DataConfig, StorageConfig, StudyConfig, resumed
from autoft.study.rows import StudyData, load_rows
from autoft.study.schema import space_schema
from autoft.tasks import TASKS, Task

_DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Opening:
    """A search that may begin.

    Attributes:
        config: The study's configuration.
        space: What may vary.
        data: Its rows.
        resumed: Whether the study was there already.
    """

    config: StudyConfig
    space: SearchSpace
    data: StudyData
    resumed: bool


def open_search(options: SearchOptions) -> Opening:
    """Resolve and judge everything that a search needs; writes nothing.

    Raises:
        ConfigError: With every problem of space, models and data.
        StorageError: If the storage cannot be reached.
    """
    task = TASKS.get(options.task)()
    stored = _stored(options)
    metric = options.metric or (stored.metric if stored else task.metric)
    if metric not in task.metrics:
        known = ", ".join(task.metrics)
        raise ConfigError(f"--metric: unknown metric {metric!r}{nearest(metric, task.metrics) or ','} known: {known}")
    space = _space(options, stored)
    for ref in values_of(space.domains["model"]):
        resolve_model(str(ref))
    data_config = _data_config(options, stored, task)
    seed = options.seed if options.seed is not None else stored.seed if stored else 0
    data = load_rows(task, data_config, seed=seed)
    config = StudyConfig(
        name=options.study or _new_name(options),
        task=task.name,
        metric=metric,
        seed=seed,
        data=data_config,
        budget=options.budget,
        compute=_compute(options, stored),
        storage=options.storage,
        space=space.to_json(),
        fingerprint=data.fingerprint,
    )
    if stored is not None:
        config = resumed(stored, config)
    return Opening(config, space, data, stored is not None)


def known_database(storage: StorageConfig) -> Database | None:
    """Open the database of studies if there is one; SQLite's file is not made."""
    url = database_url(storage.url, Path(storage.folder))
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return None
    return open_database(storage.url, Path(storage.folder))


def stored_config(text: str) -> StudyConfig:
    """Return the study configuration that a study.json holds."""
    value: dict[str, Any] = json.loads(text)
    return StudyConfig.from_json(value["config"])


def _stored(options: SearchOptions) -> StudyConfig | None:
    database = known_database(options.storage) if options.study else None
    if database is None or options.study is None:
        return None
    try:
        if options.study not in study_names(database):
            return None
        return stored_config(open_study(database, options.study).config)
    finally:
        database.close()


def _new_name(options: SearchOptions) -> str:
    database = known_database(options.storage)
    taken: set[str] = set()
    if database is not None:
        taken |= set(study_names(database))
        database.close()
    folder = Path(options.storage.folder)
    number = 1
    while (name := f"{options.task}-{number}") in taken or (folder / name).exists():
        number += 1
    return name


def _space(options: SearchOptions, stored: StudyConfig | None) -> SearchSpace:
    if options.space is None and stored is not None:
        space = space_from_json(stored.space, space_schema())
    else:
        space = _settled(space_for(find_space(options.space or options.task), options.models))
    if space.task != options.task:
        raise StudyError(f"--space: a space for task {options.task!r} expected, got one for {space.task!r}")
    return _settled(space.with_models(options.models)) if options.models else space


def _settled(space: SearchSpace) -> SearchSpace:
    """Return the space with absolute folders: workers load the same model wherever a later command is typed."""
    places = {str(ref): _absolute_model(str(ref)) for ref in values_of(space.domains["model"])}
    named = str(space.default["model"])
    return SearchSpace(
        space.task,
        space.schema,
        {**space.domains, "model": one_of(tuple(dict.fromkeys(places.values())))},
        {**space.default, "model": places.get(named, named)},
    )


def _absolute_model(ref: str) -> str:
    if ref == "auto" or ref.startswith("package:") or not Path(ref).expanduser().is_dir():
        return ref
    return str(Path(ref).expanduser().resolve())


def space_for(path: Path, models: Sequence[str]) -> SearchSpace:
    """Load a search space; a default learning rate that it does not name follows from the base model's width.

    Raises:
        ConfigError: With every problem of the file, or if the base model cannot be had.
    """
    plain = load_space(path, space_schema())
    refs = models or [str(value) for value in values_of(plain.domains["model"])]
    width = model_width(resolve_model(refs[0]))
    return plain if width is None else load_space(path, space_schema(default_rate(width)))


def _data_config(options: SearchOptions, stored: StudyConfig | None, task: Task[Any, Any]) -> DataConfig:
    config = stored.data if stored else DataConfig(source=f"sample:{task.name}")
    return replace(
        config,
        source=_absolute(options.source) or config.source,
        train_limit=config.train_limit if options.train_limit is None else options.train_limit,
        dev_limit=config.dev_limit if options.dev_limit is None else options.dev_limit,
    )


def _absolute(source: str | None) -> str | None:
    """Workers read the same path wherever a later command is typed."""
    if source is None or source.startswith("sample:") or not Path(source).expanduser().exists():
        return source
    return str(Path(source).expanduser().resolve())


def _compute(options: SearchOptions, stored: StudyConfig | None) -> ComputeConfig:
    """Return where trials run; `auto` stays until the first worker says what there is."""
    if options.device not in _DEVICES:
        hint = nearest(options.device, _DEVICES)
        raise ConfigError(f"--device: {', '.join(_DEVICES)} expected, got {options.device!r}{hint}")
    if stored is not None:
        same = options.device == "auto"
        return stored.compute if same else replace(stored.compute, device=options.device)
    return ComputeConfig(device=options.device, threads=max(1, _cores() // options.budget.workers))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
