"""autoft doctor: what this machine offers, and what is missing."""

from __future__ import annotations

import json

from autoft.cli.options import STUDIES_DIR, AsJson, Storage, StudiesDir


def doctor_command(studies_dir: StudiesDir = STUDIES_DIR, storage: Storage = None, as_json: AsJson = False) -> int:
    """Check versions, device, base model and storage.

    Example: autoft doctor
    """
    from rich.console import Console
    from rich.text import Text

    from autoft.api.examining import examine
    from autoft.cli.tables import plain_table

    console = Console(stderr=as_json)
    with console.status("looking"):
        findings = examine(str(studies_dir), storage)
    if as_json:
        print(json.dumps([{"what": f.what, "state": f.state, "words": f.words} for f in findings], indent=2))
    else:
        table = plain_table("what", "state", "")
        colours = {"good": "green", "note": "yellow", "bad": "red"}
        for finding in findings:
            table.add_row(finding.what, f"[{colours[finding.state]}]{finding.state}[/]", Text(finding.words))
        console.print(table)
    return 2 if any(finding.state == "bad" for finding in findings) else 0
