"""Trials over folds: a model a fold, one value, and bits that no pause, cache or worker changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autoft.api.delivering import model_facts
from autoft.delivery.make import make_folder
from autoft.errors import ConfigError
from autoft.space import SearchSpace, parse_space
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.finalists import fresh_runs
from autoft.storage.reading import read_trial
from autoft.storage.records import EvaluationRecord, TrialRecord
from autoft.storage.studies import create_study
from autoft.storage.trials import ask_trial, continue_paused
from autoft.strategy.schedule import FullTraining, Schedule
from autoft.study import plan
from autoft.study.bench import Bench, Workbench
from autoft.study.config import BudgetConfig, DataConfig, StudyConfig
from autoft.study.execution import Execution
from autoft.study.finalists import run_next_fresh
from autoft.study.paused import InMemory, OnDisk
from autoft.study.replay import recorded, replay_trial
from autoft.study.rows import POOL, StudyData, load_rows
from autoft.study.schema import space_schema
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_config import build_trial_config
from autoft.study.trial_weights import weights_file
from autoft.tasks.ner import Ner
from autoft.testing.fits import tiny_runtime
from autoft.training.inference import Outputs

pytestmark = pytest.mark.usefixtures("one_thread")
FOLDS = 3
PLENTY = 10**9
FROZEN = """
version: 1
task: ner
model: {model}
freeze: 0.67
train: {{batch_size: 4, epochs: 3, dropout: 0.2}}
method: {{full: {{learning_rate: 1e-3}}}}
"""


@pytest.fixture
def config(config: StudyConfig) -> StudyConfig:
    """A study of the tiny corpus in folds: 30 rows, 10 a fold."""
    return replace(config, data=replace(config.data, folds=FOLDS))


@pytest.fixture
def data(config: StudyConfig) -> StudyData:
    return load_rows(Ner(), config.data, seed=0)


def bench_of(config: StudyConfig, data: StudyData, space: SearchSpace) -> Bench:
    trial = build_trial_config(space.default, kind="token-classification", seed=0)
    return Workbench(config, data, torch.device("cpu")).bench_of(trial)


def trained(bench: Bench, space: SearchSpace) -> tuple[list[EvaluationRecord], Execution]:
    trial = build_trial_config(space.default, kind="token-classification", seed=0)
    execution = Execution(bench, trial, tiny_runtime())
    return [replace(one, seconds=0.0) for one in execution], execution


def begin(context: TrialContext) -> TrialRecord:
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    run_trial(context, held)
    return read_trial(context.study, held.number)


def longer(space: SearchSpace) -> SearchSpace:
    """The default alone, with rungs at 3 and 9: 30 steps of each fold."""
    kept = {**space.default, "train.epochs": 6, "train.warmup": 0.0}
    return SearchSpace(space.task, space.schema, {}, kept)


def test_each_model_is_bit_for_bit_that_of_a_plain_search_of_its_rows(
    config: StudyConfig, data: StudyData, space: SearchSpace, tmp_path: Path
) -> None:
    """The corpus of each fold is written as train and dev; in lockstep nothing of another fold is felt."""
    evaluations, execution = trained(bench_of(config, data, space), space)
    record, alone = execution.record(), []
    pool = data.rows(POOL)
    for number, rows in enumerate(data.folds):
        folder = tmp_path / f"fold{number}"
        folder.mkdir()
        for split, chosen in (("train", set(range(len(pool))) - set(rows)), ("dev", set(rows))):
            words = [zip(pool[row].words, pool[row].tags, strict=True) for row in sorted(chosen)]
            text = "\n".join("".join(f"{token} {tag}\n" for token, tag in one) for one in words)
            (folder / f"{split}.conll").write_text(text, encoding="utf-8")
        plain = replace(config, data=DataConfig(source=str(folder)))
        alone.append(trained(bench_of(plain, load_rows(Ner(), plain.data, seed=0), space), space))
    assert record["folds"]["last_weights"] == [one.model.sha256() for _, one in alone]
    for ninth, found in enumerate(evaluations):
        single = [one[ninth] for one, _ in alone]
        assert {found.step} == {one.step for one in single}
        assert found.loss == sum(one.loss for one in single) / FOLDS
        assert found.train_loss == sum(one.train_loss for one in single) / FOLDS
    best = max(range(len(evaluations)), key=lambda at: (evaluations[at].value, -at))
    assert record["folds"]["values"] == [one[best].value for one, _ in alone]


def test_one_trial_has_one_value(config: StudyConfig, data: StudyData, space: SearchSpace) -> None:
    """The first model is right, the others say nothing: precision is 1, recall the share of the first fold."""
    bench = bench_of(config, data, space)
    features, outputs = bench.splits[POOL].features, []
    for right, fold in enumerate(bench.folds):
        gold = [features.columns["labels"][member] for member in fold.dev.members]
        said = [np.maximum(one, 0) * (right == 0) for one in gold]
        outputs.append(Outputs([np.eye(len(bench.labels), dtype=np.float32)[one] for one in said], float(right)))
    judged = bench.judge(outputs)
    task, pool = Ner(), data.rows(POOL)
    entities = [sum(task.label_counts([pool[row] for row in rows]).values()) for rows in data.folds]
    assert judged.values == (1.0, 0.0, 0.0)
    assert judged.scores.metrics["precision"] == 1.0
    assert judged.scores.metrics["recall"] == pytest.approx(entities[0] / sum(entities))
    assert judged.scores.loss == 1.0


def test_folds_score_each_row_once_and_train_on_all_others(
    config: StudyConfig, data: StudyData, space: SearchSpace
) -> None:
    bench = bench_of(config, data, space)
    assert sorted(row for fold in bench.folds for row in fold.dev.rows) == list(range(30))
    assert all(sorted((*fold.train.rows, *fold.dev.rows)) == list(range(30)) for fold in bench.folds)
    assert bench.train_size == 20


@pytest.mark.parametrize("home", ["memory", "disk", "nowhere"])
def test_a_continued_trial_equals_an_uninterrupted_one_and_its_replay(
    context: TrialContext, pauses_at_rungs: Schedule, tmp_path: Path, home: str
) -> None:
    disk = OnDisk(CheckpointStore(tmp_path / "paused"), 0 if home == "nowhere" else PLENTY)
    paused = InMemory(disk, PLENTY) if home == "memory" else disk
    pausing = replace(context, space=longer(context.space), schedule=pauses_at_rungs, paused=paused)
    assert begin(pausing).state == "paused"
    held = continue_paused(context.study, 0, 3, "me")
    assert held is not None
    run_trial(pausing, held)
    record = read_trial(context.study, 0)
    study = create_study(context.study.database, "whole", metric="f1", config="{}")
    whole = begin(replace(pausing, study=study, schedule=FullTraining()))
    assert record.state == whole.state == "complete"
    assert recorded(record) == recorded(whole)
    assert record.execution["folds"] == whole.execution["folds"]
    assert record.facts["steps"] == whole.facts["steps"] == FOLDS * 30
    config = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    assert replay_trial(config, record).summary == recorded(record)


def test_the_first_fold_is_what_is_kept_and_replayed(context: TrialContext) -> None:
    record = begin(context)
    config = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    again = replay_trial(config, record)
    kept = context.weights.load(0, record.best_step or 0)
    assert kept is not None
    assert all(np.array_equal(kept.arrays[name], value.numpy()) for name, value in again.weights.items())
    digests = record.execution["folds"]["best_weights"]
    assert len(set(digests)) == FOLDS
    assert record.execution["best_weights"] not in digests


def test_the_prefix_is_computed_once_for_all_folds(config: StudyConfig, data: StudyData, tiny_folder: Path) -> None:
    space = parse_space(FROZEN.format(model=tiny_folder), space_schema(), source="frozen.yaml")
    nothing = replace(config, budget=replace(config.budget, cache=0))
    found = []
    for of in (nothing, config, config):
        trial = build_trial_config(space.default, kind="token-classification", seed=0)
        workbench = Workbench(of, data, torch.device("cpu"))
        workbench.keep()
        evaluations, execution = trained(workbench.bench_of(trial), space)
        facts = execution.facts()
        found.append((evaluations, execution.record(), facts["cache_computed"], facts["cache_hits"]))
    assert found[0][:2] == found[1][:2] == found[2][:2]
    assert [one[2:] for one in found] == [(1, 0), (1, 0), (0, 1)]


def test_what_does_not_fit_is_halved_in_all_folds(context: TrialContext, fail: Callable[[str], None]) -> None:
    fail("trial.step=oom@9")
    record = begin(context)
    assert (record.state, record.execution["micro_batch"]) == ("complete", 2)
    assert [one.step for one in record.evaluations] == list(range(1, 10))


def test_a_fold_that_diverges_ends_the_trial(context: TrialContext, fail: Callable[[str], None]) -> None:
    """The first nine steps are those of the first evaluation, three a fold."""
    fail("trial.loss=nan@8")
    record = begin(context)
    assert (record.state, record.evaluations) == ("pruned", ())
    assert "must be a finite number" in str(record.reason)


def test_finalists_are_whole_runs_over_the_same_folds(context: TrialContext) -> None:
    budget = BudgetConfig(trials=2, finalists=1, seeds=2)
    asking = replace(context, config=replace(context.config, budget=budget))
    for _ in range(2):
        begin(asking)
    while run_next_fresh(asking, "me", "finalist"):
        pass
    runs = fresh_runs(context.study, "finalist")
    assert [(run.number, run.seed) for run in runs] == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert all(run.state == "complete" and len(run.execution["folds"]["values"]) == FOLDS for run in runs)


def test_the_delivered_model_must_give_what_the_first_fold_scored(context: TrialContext, tmp_path: Path) -> None:
    record = begin(context)
    config, files = context.config, {"origin": "corpus", "train": 24, "dev": 6, "test": 0}
    expected = record.execution["folds"]["values"][0]
    order = {
        "study": config.to_json(),
        "values": dict(record.config),
        "weights": str(weights_file(config, record)),
        "folder": str(tmp_path / "best"),
        "facts": model_facts(config, files, record),
    }
    assert make_folder({**order, "expected": expected}) == {"dev": expected, "reloaded": expected}
    with pytest.raises(ConfigError, match="nothing was delivered"):
        make_folder({**order, "expected": expected + 0.3})


def test_the_plan_reckons_with_the_tokens_of_all_folds(
    config: StudyConfig, data: StudyData, space: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a second a token: each of the rows is trained on by all models but one, in each of three epochs."""

    def at_a_second_a_token(*given: object) -> tuple[float, float]:
        del given
        return 1.0, 0.0

    monkeypatch.setattr(plan, "_time_tokens", at_a_second_a_token)
    workbench = Workbench(config, data, torch.device("cpu"))
    found = plan.measure_plan(workbench, space)
    tokens = int(bench_of(config, data, space).splits[POOL].sequences.lengths.sum())
    assert found["default_seconds"] == 3 * (FOLDS - 1) * tokens


def test_memory_is_that_of_all_models(config: StudyConfig, data: StudyData, space: SearchSpace) -> None:
    whole = Workbench(config, data, torch.device("cpu"))
    single = replace(config, data=replace(config.data, folds=None))
    alone = Workbench(single, load_rows(Ner(), single.data, seed=0), torch.device("cpu"))
    plans = [plan.measure_plan(workbench, space) for workbench in (whole, alone)]
    trainable = 4 * trained(bench_of(single, alone.data, space), space)[1].model.parameters_trainable / 2**20
    extra = plans[0]["measures"]["memory"] - plans[1]["measures"]["memory"]
    # Weights and the two slots of AdamW of each further model.
    assert extra == pytest.approx(3 * (FOLDS - 1) * trainable, rel=0.05)
    assert plans[0]["measures"]["parameters"] == plans[1]["measures"]["parameters"]
