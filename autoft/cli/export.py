"""autoft export: the best model as a folder of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autoft.cli.options import STUDIES_DIR, Storage, StudiesDir, StudyName


def export_command(
    study: StudyName,
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    trial: Annotated[int | None, typer.Option("--trial", help="Which trial; the best unless given.")] = None,
    format: Annotated[
        str, typer.Option("--format", help="merged (plain transformers), adapter (peft) or onnx.")
    ] = "merged",
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
) -> None:
    """Write the best model to a folder of your own.

    Merged weights load with plain transformers, an adapter with peft, ONNX with onnxruntime.

    Example: autoft export ner-1 my-model
    """
    from rich.console import Console

    from autoft.api.exporting import export_model

    console = Console()
    with console.status("writing the model"):
        folder = export_model(
            study,
            target,
            trial=trial,
            format=format,
            studies_dir=studies_dir,
            storage=storage,
        )
    console.print(f"written: {folder}", highlight=False, markup=False, soft_wrap=True)
