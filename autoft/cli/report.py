"""autoft report: writes report.html again and prints a summary."""

from __future__ import annotations

import json

from autoft.cli.options import STUDIES_DIR, AsJson, Storage, StudiesDir, StudyName


def report_command(
    study: StudyName,
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    as_json: AsJson = False,
) -> None:
    """Write the report again and print the outcome.

    Writes report.html, result.json and trials.csv.

    Example: autoft report ner-1
    """
    from rich.console import Console

    from autoft.api.studies import load_study
    from autoft.cli.outcome import print_outcome

    console = Console(stderr=as_json)
    view = load_study(study, studies_dir=studies_dir, storage=storage)
    with console.status("drawing the report"):
        result = view.files.write(view.records, view.runs, view.spent, view.stop)
        view.files.write_report(view.facts, view.records, result)
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        print_outcome(console, view, result)
