"""Opening a search: options resolved into one study configuration, all input judged, nothing written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from autoft.api.options import AimOptions, BudgetOptions, SearchOptions
from autoft.api.stored import known_database, stored_config
from autoft.api.warm_start import first_again, first_of
from autoft.data import sample_names
from autoft.errors import ConfigError, DataError, Findings, StudyError
from autoft.models.base import resolve_model
from autoft.models.rates import default_rate, model_width
from autoft.registry import nearest
from autoft.space import SearchSpace, find_space, load_space, space_from_json, values_of
from autoft.space.domains import one_of
from autoft.storage.studies import open_study, study_names
from autoft.study.aims import AimsConfig
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StudyConfig, resumed
from autoft.study.portfolio import PortfolioConfig
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
    seed = options.seed if options.seed is not None else stored.seed if stored else 0
    findings = Findings()
    aims = findings.of(lambda: _aims(options.aims, stored))
    budget = findings.of(lambda: _budget(options.budget, stored))
    compute = None if budget is None else findings.of(lambda: _compute(options.device, budget.workers, stored))
    space = findings.of(lambda: _space(options, stored))
    data_config = findings.of(lambda: _data_config(options, stored, task))
    data = findings.of(lambda: load_rows(task, data_config, seed=seed)) if data_config is not None else None
    # Rows that cannot be read do not say what is asked: every metric of the task will do then.
    asked = type(task) if data is None else data.task
    metric = findings.of(lambda: _metric(options.aims.metric or (stored.metric if stored else asked.metric), asked))
    first = findings.of(lambda: _first(options, stored, budget, compute, space))
    findings.raise_any()
    if not (metric and aims and budget and compute and space and data_config and data):
        raise ConfigError("a search needs a metric, aims, a budget, a device, a space and data")
    config = StudyConfig(
        name=options.study or _new_name(options),
        task=task.name,
        metric=metric,
        seed=seed,
        data=data_config,
        budget=budget,
        compute=compute,
        storage=options.storage,
        aims=aims,
        space=space.to_json(),
        fingerprint=data.fingerprint,
        portfolio=first or PortfolioConfig(),
    )
    if stored is not None:
        config = resumed(stored, config)
    return Opening(config, space, data, stored is not None)


def _first(
    options: SearchOptions,
    stored: StudyConfig | None,
    budget: BudgetConfig | None,
    compute: ComputeConfig | None,
    space: SearchSpace | None,
) -> PortfolioConfig | None:
    if stored is not None:
        return first_again(options, stored.portfolio)
    if budget is None or compute is None or space is None:
        return None
    return first_of(options, budget.trials, compute, space)


def _metric(name: str, task: Task[Any, Any] | type[Task[Any, Any]]) -> str:
    if name in task.metrics:
        return name
    known = ", ".join(task.metrics)
    raise ConfigError(f"--metric: unknown metric {name!r}{nearest(name, task.metrics) or ','} known: {known}")


def _aims(options: AimOptions, stored: StudyConfig | None) -> AimsConfig:
    known = stored.aims if stored else AimsConfig()
    return AimsConfig(
        minimize=options.minimize or known.minimize,
        max_latency=known.max_latency if options.max_latency is None else options.max_latency,
        max_memory=known.max_memory if options.max_memory is None else options.max_memory,
        max_parameters=known.max_parameters if options.max_parameters is None else options.max_parameters,
    )


def _budget(options: BudgetOptions, stored: StudyConfig | None) -> BudgetConfig:
    kept = {} if stored is None else {"trials": stored.budget.trials}
    return BudgetConfig(**{**kept, **{name: value for name, value in asdict(options).items() if value is not None}})


def _stored(options: SearchOptions) -> StudyConfig | None:
    database = known_database(options.storage) if options.study else None
    if database is None or options.study is None:
        return None
    try:
        if options.study not in study_names(database):
            return None
        config = stored_config(open_study(database, options.study).config)
        # Studies of earlier versions know fewer parameters: what they lack is constant.
        return replace(config, space=space_from_json(config.space, space_schema()).to_json())
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
    if options.space is not None or stored is None:
        return _settled(space_for(options.task, options.space, options.models))
    space = space_from_json(stored.space, space_schema())
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


def space_for(task: str, name: str | None, models: Sequence[str]) -> SearchSpace:
    """Load a search space; a default learning rate that it does not name follows from the base model's width.

    Args:
        task: Whose space it must be.
        name: Name or path of the space; the task's own unless given.
        models: Base models instead of the space's own.

    Raises:
        ConfigError: With every problem of the file, its task, and the base models.
    """
    findings = Findings()
    path = findings.of(lambda: find_space(name or task))
    space = None if path is None else findings.of(lambda: load_space(path, space_schema()))
    if space is not None and space.task != task:
        findings.add(StudyError(f"--space: a space for task {task!r} expected, got one for {space.task!r}"))
    own = () if space is None else tuple(str(ref) for ref in values_of(space.domains["model"]))
    refs = tuple(models) or own
    for ref in refs:
        findings.of(partial(resolve_model, ref))
    findings.raise_any()
    if path is None or space is None:
        raise ConfigError("--space: a search space expected")
    width = model_width(resolve_model(refs[0]))
    if width is not None:
        space = load_space(path, space_schema(default_rate(width)))
    return space.with_models(models) if models else space


def _data_config(options: SearchOptions, stored: StudyConfig | None, task: Task[Any, Any]) -> DataConfig:
    config = stored.data if stored else DataConfig(source=options.source or sample_of(task.name))
    asked = {name: value for name, value in asdict(options.rows).items() if value is not None}
    return replace(config, source=_absolute(options.source) or config.source, **asked)


def sample_of(task: str) -> str:
    """Return the built-in sample of a task, for a search without data.

    Raises:
        DataError: If there is none, as for a task from another package.
    """
    if task not in sample_names():
        raise DataError(f"--data: a folder, file or hub id expected, task {task!r} has no built-in sample")
    return f"sample:{task}"


def _absolute(source: str | None) -> str | None:
    """Workers read the same path wherever a later command is typed."""
    if source is None or source.startswith("sample:") or not Path(source).expanduser().exists():
        return source
    return str(Path(source).expanduser().resolve())


def _compute(device: str, workers: int, stored: StudyConfig | None) -> ComputeConfig:
    """Return where trials run; `auto` stays until the first worker says what there is."""
    if device not in _DEVICES:
        hint = nearest(device, _DEVICES)
        raise ConfigError(f"--device: {', '.join(_DEVICES)} expected, got {device!r}{hint}")
    if stored is not None:
        same = device == "auto"
        return stored.compute if same else replace(stored.compute, device=device)
    return ComputeConfig(device=device, threads=max(1, _cores() // workers))


def _cores() -> int:
    """Return the cores that may be used: those of the process, or fewer where OMP_NUM_THREADS says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdigit() and int(asked) else cores
