"""autoft replay: trains a trial again and compares."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from autoft.cli.options import STUDIES_DIR, AsJson, Storage, StudiesDir, StudyName


def replay_command(
    study: StudyName,
    trial: Annotated[int, typer.Argument(help="Number of the trial.")],
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    as_json: AsJson = False,
) -> int:
    """Train a trial again and compare it, bit for bit.

    Example: autoft replay ner-1 7
    """
    from rich.console import Console

    from autoft.api.studies import load_study
    from autoft.cli.tables import plain_table

    console = Console(stderr=as_json)
    view = load_study(study, studies_dir=studies_dir, storage=storage)
    record = view.trial(trial)
    with console.status(f"training trial {trial} again"):
        from autoft.study.replay import recorded, replay_trial

        replayed = replay_trial(view.config, record).summary
    before = recorded(record)
    if as_json:
        print(json.dumps({"trial": trial, "recorded": before, "replayed": replayed}, indent=2))
        return 0 if before == replayed else 1
    table = plain_table("ninth", "recorded", "replayed", "dev loss", "replayed ")
    for old, new in zip(before["evaluations"], replayed["evaluations"], strict=False):
        table.add_row(
            str(old["step"]),
            f"{old['value']:.6f}",
            f"{new['value']:.6f}",
            f"{old['loss']:.6f}",
            f"{new['loss']:.6f}",
        )
    console.print(table)
    console.print(
        f"weights {str(before['best_weights'])[:16]}… recorded, {str(replayed['best_weights'])[:16]}… replayed"
    )
    same = before == replayed
    console.print("identical, bit for bit" if same else "different", style="green" if same else "red")
    return 0 if same else 1
