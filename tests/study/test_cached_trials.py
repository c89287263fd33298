"""Trials above a frozen prefix: the same bits wherever it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoft.space import parse_space
from autoft.storage.records import EvaluationRecord
from autoft.study.bench import Workbench
from autoft.study.config import DataConfig, StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS
from autoft.testing.fits import tiny_runtime

FROZEN = """
version: 1
task: {task}
model: {model}
freeze: 0.67
train: {{batch_size: 4, epochs: 9, dropout: 0.2}}
method: {{{method}: {{learning_rate: 1e-3}}}}
"""


# Long contexts in windows, some of them without the answer; their tokens are of the first and the second text.
ASKED = DataConfig(source="sample:qa", train_limit=8, dev_limit=4)


@pytest.mark.parametrize(
    ("task", "method"),
    [("ner", "full"), ("ner", "lora"), ("ner", "adapter"), ("ner", "head"), ("qa", "full"), ("qa", "lora")],
)
def test_a_trial_has_the_same_bits_with_a_cold_a_warm_and_no_cache(
    config: StudyConfig, tiny_folder: Path, task: str, method: str
) -> None:
    """54 steps each at least."""
    if task != config.task:
        config = replace(config, task=task, data=ASKED)
    space = parse_space(
        FROZEN.format(model=tiny_folder, task=task, method=method), space_schema(), source="frozen.yaml"
    )
    data = load_rows(TASKS.get(task)(), config.data, seed=0)
    trial = build_trial_config(space.default, kind=data.task.head, seed=0)
    nothing = replace(config, budget=replace(config.budget, cache=0))

    def run(of: StudyConfig) -> tuple[list[EvaluationRecord], str, dict[str, float]]:
        workbench = Workbench(of, data, torch.device("cpu"))
        workbench.keep()
        execution = Execution(workbench.bench_of(trial), trial, tiny_runtime())
        evaluations = [replace(one, seconds=0.0) for one in execution]
        return evaluations, execution.model.sha256(), execution.facts()

    none, cold, warm = run(nothing), run(config), run(config)
    assert none[:2] == cold[:2] == warm[:2]
    assert [found[2]["cache_computed"] for found in (none, cold, warm)] == [2, 2, 0]
    assert warm[2]["cache_hits"] == 2
    assert warm[2]["steps"] >= 50
