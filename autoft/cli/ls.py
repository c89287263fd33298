"""autoft ls: what there is."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from autoft.cli.options import STUDIES_DIR, AsJson, Storage, StudiesDir
from autoft.errors import UnknownNameError
from autoft.registry import nearest

_KINDS = ("studies", "tasks", "methods", "spaces", "portfolios", "samples")


def ls_command(
    kind: Annotated[str, typer.Argument(help="studies, tasks, methods, spaces, portfolios or samples.")] = "studies",
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    as_json: AsJson = False,
) -> None:
    """List studies, tasks, methods, spaces, portfolios or samples.

    Example: autoft ls methods
    """
    if kind not in _KINDS:
        raise UnknownNameError(f"unknown kind {kind!r}{nearest(kind, _KINDS) or ','} known: {', '.join(_KINDS)}")
    rows = _studies(str(studies_dir), storage) if kind == "studies" else _ROWS[kind]()
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.text import Text

    from autoft.cli.tables import plain_table

    console = Console()
    if not rows:
        console.print(f"no {kind} in {studies_dir}/ yet" if kind == "studies" else f"no {kind}", markup=False)
        return
    table = plain_table(*rows[0])
    for row in rows:
        table.add_row(*(Text("-" if value is None else str(value)) for value in row.values()))
    console.print(table)


def _studies(folder: str, url: str | None) -> list[dict[str, Any]]:
    from autoft.api.studies import list_studies
    from autoft.report.words import score
    from autoft.study.config import StorageConfig

    rows = []
    for view in list_studies(StorageConfig(folder=folder, url=url)):
        default = view.trial(0).value if view.records else None
        rows.append(
            {
                "study": view.config.name,
                "task": view.config.task,
                "data": view.files.data_facts()["origin"],
                "trials": len(view.records),
                "metric": view.config.metric,
                "best": None if view.best is None else score(view.best.value),
                "default": None if default is None else score(default),
            }
        )
    return rows


def _tasks() -> list[dict[str, Any]]:
    from autoft.tasks import TASKS

    names = {name: TASKS.get(name) for name in TASKS.names()}
    return [
        {
            "task": name,
            "metrics": ", ".join(task.metrics),
            "about": (task.__doc__ or "").splitlines()[0],
        }
        for name, task in names.items()
    ]


def _methods() -> list[dict[str, Any]]:
    from autoft.models.methods import METHODS
    from autoft.space import leaves_of

    names = {name: METHODS.get(name) for name in METHODS.names()}
    return [
        {
            "method": name,
            "parameters": ", ".join(leaves_of(method)),
            "about": (method.__doc__ or "").splitlines()[0],
        }
        for name, method in names.items()
    ]


def _spaces() -> list[dict[str, Any]]:
    from autoft.space import find_space, load_space, space_names
    from autoft.study.schema import space_schema

    schema = space_schema()
    spaces = {name: load_space(find_space(name), schema) for name in space_names()}
    return [
        {
            "space": name,
            "task": space.task,
            "parameters": len(space.parameters()),
            "at once": space.largest_branch(),
        }
        for name, space in spaces.items()
    ]


def _portfolios() -> list[dict[str, Any]]:
    from autoft.strategy.portfolio import shipped_portfolio
    from autoft.tasks import TASKS

    found = [portfolio for name in TASKS.names() if (portfolio := shipped_portfolio(name)) is not None]
    return [
        {
            "portfolio": one.task,
            "entries": len(one.entries),
            "regret": " ".join(f"{entry.regret:.2f}" for entry in one.entries),
            "built from": ", ".join(one.sources),
        }
        for one in found
    ]


def _samples() -> list[dict[str, Any]]:
    from autoft.data import sample_names

    return [{"sample": f"sample:{name}"} for name in sample_names()]


_ROWS = {"tasks": _tasks, "methods": _methods, "spaces": _spaces, "portfolios": _portfolios, "samples": _samples}
