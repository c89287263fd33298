"""autoft test: opens the sealed test split."""

from __future__ import annotations

import json

from autoft.cli.options import STUDIES_DIR, AsJson, Storage, StudiesDir, StudyName


def score_test_command(
    study: StudyName,
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    as_json: AsJson = False,
) -> None:
    """Score best model and default on the test split, once.

    A second call for the same best model prints the stored scores.

    Example: autoft test ner-1
    """
    from rich.console import Console

    from autoft.api.scoring import score_test
    from autoft.api.studies import load_study
    from autoft.cli.tables import label_table, scores_table

    console = Console(stderr=as_json)
    with console.status("scoring the test split"):
        test = score_test(load_study(study, studies_dir=studies_dir, storage=storage))
    if as_json:
        print(json.dumps(test, indent=2))
        return
    default = test["default"] or {}
    console.print(scores_table(test))
    labels = label_table(test["best"], default)
    if labels is not None:
        console.print(labels)
    if len(test["opened"]) > 1:
        console.print(
            f"note: the test split has been opened {len(test['opened'])} times, for other best models before; "
            "each opening makes its score a little too good",
            style="yellow",
        )
