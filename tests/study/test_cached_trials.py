"""Trials above a frozen prefix: the same bits wherever it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoft.space import parse_space
from autoft.storage.records import EvaluationRecord
from autoft.study.bench import Workbench
from autoft.study.config import StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS
from autoft.testing.fits import tiny_runtime

FROZEN = """
version: 1
task: ner
model: {model}
freeze: 0.67
train: {{batch_size: 4, epochs: 9, dropout: 0.2}}
method: {{{method}: {{learning_rate: 1e-3}}}}
"""


@pytest.mark.parametrize("method", ["full", "lora", "adapter", "head"])
def test_a_trial_has_the_same_bits_with_a_cold_a_warm_and_no_cache(
    config: StudyConfig, tiny_folder: Path, method: str
) -> None:
    """54 steps each."""
    space = parse_space(FROZEN.format(model=tiny_folder, method=method), space_schema(), source="frozen.yaml")
    trial = build_trial_config(space.default, kind="token-classification", seed=0)
    data = load_rows(TASKS.get("ner")(), config.data, seed=0)
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
