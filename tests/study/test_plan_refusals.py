"""The plan refuses what cannot work before any trial, and says what the rest will cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autoft.errors import ConfigError
from autoft.models.heads import Head
from autoft.space import SearchSpace, find_space, load_space, values_of
from autoft.study import plan
from autoft.study.aims import AimsConfig
from autoft.study.bench import Workbench
from autoft.study.plan import measure_plan
from autoft.study.schema import space_schema
from autoft.study.trial import TrialContext
from autoft.study.trial_config import build_trial_config
from autoft.testing.tiny import save_tiny
from autoft.training.batches import Sequences
from autoft.training.trainer import Evaluation, fit


@pytest.fixture
def workbench(context: TrialContext) -> Workbench:
    """A worker's."""
    return context.workbench


def test_what_cannot_work_is_refused_with_a_way_out(workbench: Workbench, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "modern", "modernbert")
    space = load_space(find_space("ner-wide"), space_schema()).with_models([str(folder)])
    with pytest.raises(ConfigError) as caught:
        measure_plan(workbench, space)
    assert caught.value.problems == (
        f"{folder}: ModernBertForTokenClassification: bitfit needs biases in each layer, found none, "
        "take 'bitfit' out of the search space",
    )


def test_every_base_model_is_judged(workbench: Workbench, tmp_path: Path, tiny_folder: Path) -> None:
    folder = save_tiny(tmp_path / "modern", "modernbert")
    space = load_space(find_space("ner-wide"), space_schema()).with_models([str(tiny_folder), str(folder)])
    with pytest.raises(ConfigError, match="take 'bitfit' out of the search space"):
        measure_plan(workbench, space)


def test_the_plan_counts_what_trains_and_takes_time(workbench: Workbench, space: SearchSpace) -> None:
    found = measure_plan(workbench, space)
    assert "layers 1-3" in found["trains"]
    assert 0 < found["default_seconds"] <= found["longest_seconds"] < 600
    assert found["memory_mib"] > 10
    assert len(found["models"]) == 1


def test_the_plan_reads_a_sample_of_dev_and_not_all_of_it(
    workbench: Workbench, space: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all lengths, so that the time of one token is that of dev."""
    monkeypatch.setattr(plan, "_TIMED_READS", 2)
    read: list[Sequences] = []
    monkeypatch.setattr(plan, "run_model", lambda _, data, __: read.append(data))
    measure_plan(workbench, space)
    (bench,) = (workbench.bench(str(ref), Head()) for ref in values_of(space.domains["model"]))
    lengths = bench.splits["dev"].sequences.lengths
    (sample,) = read
    assert len(lengths) > 2
    assert sorted(sample.lengths) == [lengths.min(), lengths.max()]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Tokens trained by the end of each step that the plan takes."""
    steps: list[float] = []

    def counted(*given: Any, **more: Any) -> Iterator[Evaluation[Any]]:
        for evaluation in fit(*given, **more):
            steps.append(evaluation.counts["tokens"])
            yield evaluation

    monkeypatch.setattr(plan, "fit", counted)
    return steps


def default_tokens(workbench: Workbench, space: SearchSpace) -> int:
    """Return how many tokens the default configuration trains."""
    config = build_trial_config(space.default, kind=workbench.task.head, seed=workbench.config.seed)
    return config.fit.epochs * int(workbench.bench_of(config).splits["train"].sequences.lengths.sum())


@pytest.mark.parametrize(("step_seconds", "expected"), [(0.01, 4), (0.6, 3), (5.0, 2)])
def test_the_plan_times_fewer_steps_where_they_are_long(
    workbench: Workbench,
    space: SearchSpace,
    taken: list[float],
    monkeypatch: pytest.MonkeyPatch,
    step_seconds: float,
    expected: int,
) -> None:
    """And what it says of a token is what each of the timed ones took, however many tokens a step has."""
    # A warm-up takes a minute more.
    monkeypatch.setattr(plan, "_now", lambda _: len(taken) * step_seconds + (60.0 if taken else 0.0))
    found = measure_plan(workbench, space)
    assert len(taken) == expected
    per_token = (expected - 1) * step_seconds / (taken[-1] - taken[0])
    assert found["default_seconds"] == pytest.approx(default_tokens(workbench, space) * per_token)


def test_a_schedule_of_one_step_is_timed_whole(
    workbench: Workbench, space: SearchSpace, taken: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_STEPS", 1)
    monkeypatch.setattr(plan, "_now", lambda _: 2.0 * len(taken))
    found = measure_plan(workbench, space)["default_seconds"]
    (of_step,) = taken
    assert found == pytest.approx(default_tokens(workbench, space) * 2.0 / of_step)


def test_the_plan_says_what_the_default_costs(workbench: Workbench, space: SearchSpace) -> None:
    measures = measure_plan(workbench, space)["measures"]
    assert set(measures) == {"parameters", "latency", "memory"}
    assert measures["parameters"] == 8_989


def test_a_default_that_breaks_a_limit_is_told_before_the_search(context: TrialContext) -> None:
    strict = Workbench(
        replace(context.config, aims=AimsConfig(max_memory=0.001)), context.workbench.data, torch.device("cpu")
    )
    (notice,) = [one for one in measure_plan(strict, context.space)["notices"] if "limit" in one]
    assert notice.startswith("the default breaks a limit, memory 0.")
    assert notice.endswith("MiB, at most 0.001 MiB allowed: it is trained as the reference and cannot be the best")


def test_a_base_model_over_the_limit_is_told_beside_one_that_is_not(
    context: TrialContext, tmp_path: Path, tiny_folder: Path
) -> None:
    smaller = save_tiny(tmp_path / "roberta", "roberta")
    bench = Workbench(
        replace(context.config, aims=AimsConfig(max_parameters=8_980)), context.workbench.data, torch.device("cpu")
    )
    notices = measure_plan(bench, context.space.with_models([str(tiny_folder), str(smaller)]))["notices"]
    assert [one for one in notices if "--max-parameters" in one] == [
        f"{tiny_folder} has 8.99k parameters, more than --max-parameters allows: its trials are not trained"
    ]


def test_the_plan_leaves_nothing_behind_in_the_base_model(context: TrialContext) -> None:
    """The timed steps are taken on a copy: the search's first trial starts from the pristine weights."""
    bench = context.workbench.bench(str(context.space.default["model"]), head_of(context))
    before = {name: value.clone() for name, value in bench.pristine.model.state_dict().items()}
    measure_plan(context.workbench, context.space)
    after = bench.pristine.model.state_dict()
    assert all(after[name].equal(value) for name, value in before.items())


def head_of(context: TrialContext) -> Head:
    return build_trial_config(context.space.default, kind="token-classification", seed=0).head


def test_what_the_default_alone_asks_for_is_judged_too(workbench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("version: 1\ntask: ner\nloss: focal\nmethod: full\ndefault: {head: crf}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="loss 'focal' does not go with head 'crf'"):
        measure_plan(workbench, load_space(path, space_schema()))
