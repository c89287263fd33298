"""Every task that is built in can be searched over folds, windows, targets and decisions included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from autoft.api.opening import sample_of, space_for
from autoft.study.bench import Workbench
from autoft.study.config import DataConfig, StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import POOL, load_rows
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS
from autoft.testing.fits import tiny_runtime
from autoft.training.inference import Outputs, run_model

FOLDS = 3


@pytest.mark.parametrize("name", TASKS.names())
def test_a_fold_says_of_its_rows_what_its_model_says_alone(config: StudyConfig, tiny_folder: Path, name: str) -> None:
    """One epoch: the score over all folds is that of what the models say of their own rows, put together."""
    source = DataConfig(source=sample_of(name), train_limit=24, dev_limit=12, folds=FOLDS)
    data = load_rows(TASKS.get(name)(), source, seed=0)
    space = space_for(name, None, [str(tiny_folder)])
    values = {**space.default, "train.epochs": 1, "train.batch_size": 8}
    trial = build_trial_config(values, kind=data.task.head, seed=0)
    of = replace(config, task=name, metric=data.task.metric, data=source)
    bench, runtime = Workbench(of, data, torch.device("cpu")).bench_of(trial), tiny_runtime()
    execution = Execution(bench, trial, runtime)
    evaluations = list(execution)
    pool = bench.splits[POOL]
    scores: dict[int, npt.NDArray[np.float32]] = {}
    for model, fold in zip(execution.models, bench.folds, strict=True):
        said = run_model(model, pool.sequences.take(fold.dev.members), runtime).scores
        scores |= dict(zip(fold.dev.members.tolist(), said, strict=True))
    assert sorted(scores) == list(range(len(pool.sequences)))
    ordered = [scores[member] for member in range(len(scores))]
    tuned = data.task.tune(ordered, pool.features, pool.examples, bench.labels, bench.metric)
    decision = {**bench.pristine.head.decoding, **tuned}
    found = data.task.score(pool.examples, data.task.decode(ordered, pool.features, bench.labels, decision))
    assert evaluations[-1].value == found[bench.metric]
    outputs = [Outputs([scores[member] for member in fold.dev.members], 0.0) for fold in bench.folds]
    judged = bench.judge(outputs)
    assert (judged.scores.metrics, judged.decision) == (found, decision)
