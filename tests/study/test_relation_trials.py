"""Trials of relation extraction: markers are tokens that train with the embeddings and stand still without."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autoft.models.heads import Linear, MarkerPair
from autoft.space import parse_space
from autoft.storage.records import EvaluationRecord
from autoft.study.bench import Bench, Workbench
from autoft.study.config import DataConfig, StudyConfig
from autoft.study.execution import Execution
from autoft.study.plan import impossible_pairs
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS
from autoft.testing.fits import tiny_runtime

SPACE = """
version: 1
task: relation
model: {model}
head: {head}
freeze: {freeze}
train: {{batch_size: 4, epochs: 9, dropout: 0.2}}
method: {{{method}: {{learning_rate: {rate}}}}}
"""
MARKERS = ("[HEAD]", "[/HEAD]", "[TAIL]", "[/TAIL]")
PEOPLE, VERBS, PLACES = ("anna", "john", "smith"), ("visited", "works in"), ("paris", "berlin", "york")


def row(index: int) -> dict[str, Any]:
    """A sentence, asked from its first name to its last in one direction or the other."""
    text = f"{PEOPLE[index % 3]} {VERBS[index % 2]} {PLACES[index // 3 % 3]}"
    first = {"start": 0, "end": text.index(" ")}
    last = {"start": text.rindex(" ") + 1, "end": len(text)}
    head, tail = (first, last) if index % 4 < 2 else (last, first)
    forth, back = ("visitor_of", "visited_by") if index % 2 == 0 else ("works_in", "no_relation")
    return {"text": text, "head": head, "tail": tail, "relation": forth if index % 4 < 2 else back}


@pytest.fixture
def relations(config: StudyConfig, tmp_path: Path) -> StudyConfig:
    """A study of 36 tiny relations, and 12 of dev."""
    folder = tmp_path / "relations"
    folder.mkdir()
    for split, numbers in (("train", range(36)), ("dev", range(36, 48))):
        lines = "".join(json.dumps(row(number)) + "\n" for number in numbers)
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    return replace(config, task="relation", data=DataConfig(source=str(folder)))


@dataclass(frozen=True)
class Trained:
    """A trial that was trained to its end."""

    bench: Bench
    execution: Execution
    records: list[EvaluationRecord]

    @property
    def markers(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The embeddings of the markers, before training and after it."""
        ids = self.bench.tokenizer.convert_tokens_to_ids(list(MARKERS))
        before, after = (embeddings(model)[ids] for model in (self.bench.pristine.model, self.execution.model.merged()))
        return before, after


def embeddings(model: Any) -> torch.Tensor:
    """Of every token."""
    weight: torch.Tensor = model.get_input_embeddings().weight.detach()
    return weight


def trained(config: StudyConfig, **named: Any) -> Trained:
    """Train a trial to its end."""
    source = SPACE.format(**{"head": "linear", "freeze": 0.0, "rate": 1e-3, **named})
    space = parse_space(source, space_schema(), source="relations.yaml")
    trial = build_trial_config(space.default, kind="sequence-classification", seed=0)
    workbench = Workbench(config, load_rows(TASKS.get("relation")(), config.data, seed=0), torch.device("cpu"))
    workbench.keep()
    bench = workbench.bench_of(trial)
    execution = Execution(bench, trial, tiny_runtime())
    return Trained(bench, execution, [replace(one, seconds=0.0) for one in execution])


@pytest.mark.parametrize("head", ["linear", "marker-pair"])
@pytest.mark.parametrize("method", ["full", "lora", "adapter", "head"])
def test_a_trial_has_the_same_bits_with_a_cold_a_warm_and_no_cache(
    relations: StudyConfig, tiny_folder: Path, method: str, head: str
) -> None:
    nothing = replace(relations, budget=replace(relations.budget, cache=0))
    named = {"model": tiny_folder, "method": method, "head": head, "freeze": 0.67}
    runs = [trained(config, **named) for config in (nothing, relations, relations)]
    none, cold, warm = ((run.records, run.execution.model.sha256()) for run in runs)
    assert none == cold == warm
    assert [run.execution.facts()["cache_computed"] for run in runs] == [2, 2, 0]


@pytest.mark.parametrize(
    ("method", "freeze", "moves"),
    [("full", 0.0, True), ("full", 0.67, False), ("lora", 0.0, False), ("adapter", 0.0, False), ("head", 0.0, False)],
)
def test_markers_train_where_the_embeddings_do(
    relations: StudyConfig, tiny_folder: Path, method: str, freeze: float, moves: bool
) -> None:
    before, after = trained(relations, model=tiny_folder, method=method, freeze=freeze).markers
    assert [not torch.equal(one, other) for one, other in zip(before, after, strict=True)] == [moves] * len(MARKERS)


def test_markers_begin_as_words_and_no_two_alike(relations: StudyConfig, tiny_folder: Path) -> None:
    run = trained(relations, model=tiny_folder, method="head")
    before, _ = run.markers
    words = run.bench.tokenizer("subject", add_special_tokens=False)["input_ids"]
    torch.testing.assert_close(before[0], embeddings(run.bench.pristine.model)[words].mean(0))
    assert len({tuple(one.tolist()) for one in before}) == len(MARKERS)


def test_markers_tell_the_direction(relations: StudyConfig, tiny_folder: Path) -> None:
    """Words and their order are those of both directions: without markers half of the answers would be wrong."""
    run = trained(relations, model=tiny_folder, method="full", rate=3e-3, head="marker-pair")
    assert max(record.value for record in run.records) > 0.8


def test_a_head_that_reads_markers_needs_a_task_that_has_them(relations: StudyConfig, tiny_folder: Path) -> None:
    source = SPACE.format(model=tiny_folder, head="[linear, marker-pair]", freeze=0.0, method="full", rate=1e-3)
    space = parse_space(source, space_schema(), source="relations.yaml")
    workbench = Workbench(relations, load_rows(TASKS.get("relation")(), relations.data, seed=0), torch.device("cpu"))
    bench = workbench.bench(str(tiny_folder), Linear(kind="sequence-classification"))
    assert impossible_pairs(space, bench) == []
    train = bench.splits["train"]
    bare = {name: value for name, value in train.features.padding.items() if name != "markers"}
    unmarked = replace(bench, splits={"train": replace(train, features=replace(train.features, padding=bare))})
    assert impossible_pairs(space, unmarked) == [
        f"{tiny_folder}: head 'marker-pair' needs markers, task 'relation' has none, "
        "take 'marker-pair' out of the search space"
    ]
    assert MarkerPair.columns == ("markers",)
