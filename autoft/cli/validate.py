"""autoft validate: judges space and data, trains nothing."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from autoft.cli.options import AsJson


def validate_command(
    task: Annotated[str, typer.Argument(help="What is asked.")],
    data: Annotated[
        str | None,
        typer.Option("--data", help="Folder, file or hub id; the built-in sample unless given."),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option("--space", help="A name or a YAML file; the task's own unless given."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Base model; the space's own unless given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a search space and data; trains nothing.

    Example: autoft validate ner --data my-corpus/
    """
    from rich.console import Console
    from rich.text import Text

    from autoft.api.validating import validate
    from autoft.cli.tables import plain_table, print_notice

    found = validate(task, source=data, space=space, models=tuple(model or ()))
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(
        f"space   {found['space']['file']}: {found['space']['parameters']} parameters vary",
        highlight=False,
        markup=False,
    )
    counts = found["data"]
    console.print(
        f"data    {counts['origin']}: {counts['train']} train, {counts['dev']} dev, {counts['test']} test",
        highlight=False,
        markup=False,
    )
    table = plain_table("label", "train", "dev", "test")
    for label, row in found["labels"].items():
        table.add_row(Text(label), *(str(row.get(split, "-")) for split in ("train", "dev", "test")))
    console.print(table)
    for notice in found["notices"]:
        print_notice(console, notice)
    console.print("valid", style="green")
