"""Several base models in one search, for every task on its own sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoft.tasks import TASKS
from autoft.testing.tiny import save_tiny

FAMILIES = ("bert", "electra")
SPACE = """
version: 1
task: TASK
train: {batch_size: 8, epochs: 2, dropout: 0.0}
method:
  full: {learning_rate: {low: 1e-3, high: 1e-2, log: true}}
  lora: {learning_rate: {low: 1e-3, high: 1e-2, log: true}}
"""


@pytest.mark.parametrize("task", TASKS.names())
def test_base_models_are_part_of_the_search(desk: Any, task: str) -> None:
    folder: Path = desk.folder
    models = [str(save_tiny(folder / family, family)) for family in FAMILIES]
    (folder / f"{task}.yaml").write_text(SPACE.replace("TASK", task), encoding="utf-8")
    given = ("--model", models[0], "--model", models[1], "--space", f"{task}.yaml", "--study", f"{task}-models")
    limits = ("--train-limit", "24", "--dev-limit", "16", "--trials", "4", "--finalists", "0")
    desk.run("search", task, *given, *limits)
    result = desk.result(f"{task}-models")
    assert result["trials"]["failed"] == 0
    assert result["trials"]["configurations"] == 4
    # Four configurations of two models: the seed is fixed, and it begins both.
    assert {Path(row["model"]).name for row in desk.trials(f"{task}-models")} == set(FAMILIES)
    assert Path(result["model"]).name in FAMILIES
    assert json.loads((folder / "studies" / f"{task}-models" / "best" / "autoft.json").read_text())["task"] == task
