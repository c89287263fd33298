"""autoft search: the main job."""

from __future__ import annotations

import json
import shlex
from typing import Annotated, Any

import typer

from autoft.cli.options import STUDIES_DIR, AsJson, Device, Storage, StudiesDir, seconds_of, where
from autoft.cli.sizes import DiskBudget, MemoryBudget, bytes_of, size_words


def search_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    task: Annotated[str, typer.Argument(help="What is asked: `autoft ls tasks` lists them.")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="Folder of splits, file, or hub id; the built-in sample unless given."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Base model: folder, hub id or package:NAME/FOLDER; repeatable."),
    ] = None,
    space: Annotated[str | None, typer.Option("--space", help="Search space: a name or a YAML file.")] = None,
    trials: Annotated[int, typer.Option("--trials", help="Configurations in total.")] = 50,
    timeout: Annotated[str | None, typer.Option("--timeout", help="Time limit: 90s, 30m, 2h, 1h30m.")] = None,
    study: Annotated[str | None, typer.Option("--study", help="Name; an existing study is resumed.")] = None,
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes that train at once.")] = 1,
    memory_budget: MemoryBudget = None,
    disk_budget: DiskBudget = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="From which all seeds are derived; 0 unless given.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="What is optimised; the task's unless given.")] = None,
    device: Device = "auto",
    train_limit: Annotated[
        int | None, typer.Option("--train-limit", help="Most train rows; keeps every label.")
    ] = None,
    dev_limit: Annotated[int | None, typer.Option("--dev-limit", help="Most dev rows; keeps every label.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    as_json: AsJson = False,
) -> int:
    """Find the best fine-tuning of a pretrained model on your data.

    Without --data the built-in sample is searched. The same --study name resumes; --trials is then the total.

    Example: autoft search ner --data my-corpus/ --trials 30 --study mine
    """
    from autoft.api.options import SearchOptions
    from autoft.study.config import StorageConfig

    options = SearchOptions(
        task=task,
        source=data,
        models=tuple(model or ()),
        space=space,
        study=study,
        metric=metric,
        seed=seed,
        device=device,
        train_limit=train_limit,
        dev_limit=dev_limit,
        budget=_budget(trials, timeout, workers, memory=memory_budget, disk=disk_budget),
        storage=StorageConfig(folder=str(studies_dir), url=storage),
    )
    return _plan_only(options, as_json=as_json) if dry_run else _search(options, as_json=as_json)


def _budget(trials: int, timeout: str | None, workers: int, *, memory: str | None, disk: str | None) -> Any:
    from autoft.errors import Findings
    from autoft.study.config import BudgetConfig

    findings = Findings()
    seconds = findings.of(lambda: seconds_of(timeout))
    memory_bytes = findings.of(lambda: bytes_of(memory, "--memory-budget"))
    disk_bytes = findings.of(lambda: bytes_of(disk, "--disk-budget"))
    findings.raise_any()
    return BudgetConfig(trials=trials, timeout=seconds, workers=workers, memory=memory_bytes, disk=disk_bytes)


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
    if config.budget.workers != 1:
        words += ["--workers", str(config.budget.workers)]
    for option, size in (("--memory-budget", config.budget.memory), ("--disk-budget", config.budget.disk)):
        words += [] if size is None else [option, size_words(size)]
    return shlex.join(words)
