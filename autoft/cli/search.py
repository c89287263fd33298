"""autoft search: the main job."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from autoft.cli.aims import MaxLatency, MaxMemory, MaxParameters, Metric, Minimize, aims_of
from autoft.cli.options import (
    STUDIES_DIR,
    AsJson,
    Audit,
    CacheBudget,
    Data,
    Device,
    DevLimit,
    DiskBudget,
    Finalists,
    Folds,
    FreshSeeds,
    MemoryBudget,
    Models,
    PortfolioFile,
    Seed,
    Stop,
    Storage,
    StudiesDir,
    Timeout,
    TrainLimit,
    Trials,
    WarmStart,
    where,
)
from autoft.cli.units import bytes_of, seconds_of, size_words


def search_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    task: Annotated[str, typer.Argument(help="What is asked: `autoft ls tasks` lists them.")],
    data: Data = None,
    model: Models = None,
    space: Annotated[str | None, typer.Option("--space", help="Search space: a name or a YAML file.")] = None,
    trials: Trials = None,
    timeout: Timeout = None,
    study: Annotated[str | None, typer.Option("--study", help="Name; an existing study is resumed.")] = None,
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes that train at once.")] = 1,
    finalists: Finalists = 2,
    seeds: FreshSeeds = 5,
    memory_budget: MemoryBudget = None,
    disk_budget: DiskBudget = None,
    cache_budget: CacheBudget = None,
    stop: Stop = None,
    audit: Audit = None,
    seed: Seed = None,
    metric: Metric = None,
    device: Device = "auto",
    train_limit: TrainLimit = None,
    dev_limit: DevLimit = None,
    folds: Folds = None,
    minimize: Minimize = None,
    max_latency: MaxLatency = None,
    max_memory: MaxMemory = None,
    max_parameters: MaxParameters = None,
    warm_start: WarmStart = None,
    portfolio: PortfolioFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    as_json: AsJson = False,
) -> int:
    """Find the best fine-tuning of a pretrained model on your data.

    Without --data the built-in sample is searched. The same --study name resumes; --trials is the total.

    Example: autoft search ner --data my-corpus/ --trials 30 --study mine
    """
    from autoft.api.options import FirstOptions, RowOptions, SearchOptions
    from autoft.study.config import StorageConfig

    given = {"trials": trials, "workers": workers, "finalists": finalists, "seeds": seeds, "stop": stop, "audit": audit}
    what: dict[str, Any] = {"source": data, "space": space, "study": study, "seed": seed, "device": device}
    options = SearchOptions(
        task=task,
        **what,
        models=tuple(model or ()),
        rows=RowOptions(train_limit=train_limit, dev_limit=dev_limit, folds=folds),
        aims=aims_of(metric, minimize, max_latency, max_memory, max_parameters),
        budget=_budget(given, timeout, {"memory": memory_budget, "disk": disk_budget, "cache": cache_budget}),
        storage=StorageConfig(folder=str(studies_dir), url=storage),
        first=FirstOptions(warm_start=tuple(warm_start or ()), portfolio=portfolio),
    )
    return _plan_only(options, as_json=as_json) if dry_run else _search(options, as_json=as_json)


def _budget(given: Mapping[str, Any], timeout: str | None, sizes: Mapping[str, str | None]) -> Any:
    from autoft.api.options import BudgetOptions
    from autoft.errors import Findings

    findings = Findings()
    seconds = findings.of(lambda: seconds_of(timeout))
    read: dict[str, Any] = {
        name: findings.of(partial(bytes_of, size, f"--{name}-budget")) for name, size in sizes.items()
    }
    findings.raise_any()
    return BudgetOptions(timeout=seconds, **read, **given)


def _plan_only(options: Any, *, as_json: bool) -> int:
    from rich.console import Console

    from autoft.api.searching import PreparedSearch
    from autoft.cli.plan import plan_json, print_plan

    console = Console(stderr=as_json)
    with (
        console.status("reading data, loading the base model, timing a step"),
        PreparedSearch(options) as prepared,
    ):
        if as_json:
            print(json.dumps(plan_json(prepared.opening, prepared.plan), indent=2))
        else:
            print_plan(console, prepared.opening, prepared.plan)
    return 0


def _search(options: Any, *, as_json: bool) -> int:
    from rich.console import Console

    from autoft.api.searching import PreparedSearch
    from autoft.cli.live import watching
    from autoft.cli.plan import print_plan
    from autoft.cli.signals import Terminated

    console = Console(stderr=as_json)
    with console.status("reading data, loading the base model, timing a step"):
        prepared = PreparedSearch(options)
    with prepared:
        config = prepared.opening.config
        print_plan(console, prepared.opening, prepared.plan)
        try:
            with watching(console, config.metric) as watch:
                result = prepared.run(watch)
        except (KeyboardInterrupt, Terminated):
            _say(console, f"\nstopped; finished trials are kept. To go on:\n  {_resume(config)}")
            raise
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        from autoft.api.studies import load_study
        from autoft.cli.outcome import print_outcome

        view = load_study(config.name, studies_dir=config.storage.folder, storage=config.storage.url)
        print_outcome(console, view, result)
        if any(record.state == "paused" for record in view.records):
            _say(console, f"what is paused can be continued:\n  {_resume(config)}")
    return 0 if result["best"] is not None else 1


def _say(console: Any, text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def _resume(config: Any) -> str:
    from autoft.study.config import BudgetConfig

    words = [
        "autoft",
        "search",
        config.task,
        "--study",
        config.name,
        "--trials",
        str(config.budget.trials),
    ]
    words += where(config.storage.folder, config.storage.url)
    usual = BudgetConfig()
    for name in ("workers", "finalists", "seeds"):
        if getattr(config.budget, name) != getattr(usual, name):
            words += [f"--{name}", str(getattr(config.budget, name))]
    for name in ("stop", "audit"):
        given = getattr(config.budget, name)
        words += [] if given is None else [f"--{name}", str(given)]
    for name in ("memory", "disk", "cache"):
        size = getattr(config.budget, name)
        words += [] if size is None else [f"--{name}-budget", size_words(size)]
    return shlex.join(words)
