"""The record: what is trained, what is remembered of it, and what its page says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoft.metrics.spans import strict_span_scores
from autoft.strategy.steps import RUNGS
from benchmarks.record import (
    DATA_SETS,
    DataSet,
    Witness,
    configurations,
    left,
    main,
    open_set,
    record,
    recorded_space,
    train,
)
from benchmarks.record_page import BEGIN, END, page_of, rank_correlations, seed_spread
from benchmarks.reference import Run, append_line, read_lines, read_runs, write_runs

TASKS = sorted({data.task for data in DATA_SETS})
SAMPLE = DataSet("sample", "ner", "sample:ner")


def run(configuration: int = 0, seed: int = 0, values: tuple[float, ...] = (0.1, 0.3, 0.2), **changes: Any) -> Run:
    made = Run(
        data="sample",
        task="ner",
        metric="f1",
        configuration=configuration,
        seed=seed,
        config={"method": "full", "method.full.learning_rate": 1e-4, "freeze": 0.5},
        steps=(1, 3, 9),
        values=values,
        losses=(0.75, 0.5, 0.25),
        train_losses=(0.75, 0.5, 0.25),
        processor=(1.0, 2.0, 4.0),
        wanted=(2, 0),
        found=((1, 0), (2, 1), (2, 0)),
        right=((1, 0), (2, 0), (2, 0)),
        facts={"rows": {"train": 20, "dev": 2}},
    )
    return replace(made, **changes)


@pytest.mark.parametrize("task", TASKS)
def test_configurations_cover_methods_and_freezing(task: str) -> None:
    found, space = configurations(task), recorded_space(task)
    assert found == configurations(task)
    assert len(found) == 24
    assert len({json.dumps(config, sort_keys=True) for config in found}) == 24
    assert found[0] == space.default
    assert all(space.contains(config) for config in found[1:])
    assert {config["method"] for config in found} == {"full", "lora", "adapter", "head", "bitfit", "ia3"}
    assert {config["train.epochs"] for config in found} == {space.default["train.epochs"]}
    depths = sorted(float(config["freeze"]) for config in found[1:] if config["method"] == "full")
    stretch = 0.8 / len(depths)
    assert all(at * stretch <= depth <= (at + 1) * stretch for at, depth in enumerate(depths))


def test_runs_survive_lines_and_parquet(tmp_path: Path) -> None:
    runs = [run(1), run(0, seed=2, ended="diverged"), run(0)]
    assert read_lines(tmp_path / "sample.jsonl") == []
    for one in runs:
        append_line(tmp_path / "sample.jsonl", one)
    assert read_lines(tmp_path / "sample.jsonl") == runs
    write_runs(tmp_path, runs)
    assert read_runs(tmp_path) == [runs[2], runs[1], runs[0]]


def test_what_is_left_is_every_configuration_then_the_best_five_again() -> None:
    begun = [run(number, values=(number / 100,)) for number in range(20)]
    assert [number for number, _, _ in left(SAMPLE, begun)] == [20, 21, 22, 23]
    all_of_them = [run(number, values=(number / 100,)) for number in range(24)]
    assert [(number, seed) for number, _, seed in left(SAMPLE, [*all_of_them, run(22, seed=1)])] == [
        (23, 1), (21, 1), (20, 1), (19, 1), (23, 2), (22, 2), (21, 2), (20, 2), (19, 2),
    ]  # fmt: skip
    # A run that was packed is known twice.
    assert next(left(SAMPLE, [*all_of_them, *all_of_them]))[::2] == (23, 1)


def test_counts_say_what_the_metric_says() -> None:
    class Ner:
        name = "ner"

        def score(self, examples: Any, predictions: Any) -> dict[str, float]:
            return strict_span_scores([one.tags for one in examples], predictions)

    class Example:
        def __init__(self, *tags: str) -> None:
            self.tags = tags

    witness = Witness(Ner(), ("O", "B-A", "I-A"))  # type: ignore[arg-type]
    scores = witness.score([Example("B-A", "I-A", "O"), Example("O", "B-A")], [("B-A", "I-A", "B-A"), ("B-A", "O")])
    assert (witness.wanted, witness.found, witness.right) == ((2 - 1, 1), [(2, 1)], [(1, 0)])
    right, found, wanted = 1, 3, 2
    assert scores["f1"] == pytest.approx(2 * right / (found + wanted))


def test_a_run_is_trained_to_its_end_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataSet("sample", "classification", "sample:classification")
    # Fewer train than dev rows: a search would evaluate at rungs alone.
    monkeypatch.setattr("benchmarks.record._TRAIN", 40)
    workbench = open_set(data, "cpu", 1, tmp_path)
    values = {**recorded_space("classification").default, "train.epochs": 1, "train.batch_size": 4}
    found = train(workbench, data, 0, values, 0)
    assert found.steps[-1] == 9
    assert len(found.steps) > len(RUNGS)
    assert len(found.values) == len(found.found) == len(found.right) == len(found.processor)
    assert all(len(row) == len(found.wanted) for row in (*found.found, *found.right))
    assert found.facts["memory"] > 0
    accuracy = [sum(row) / len(row) for row in found.right]
    assert all(0 <= value <= 1 for value in accuracy)
    assert all(
        right == int(said == wanted)
        for said_row, right_row in zip(found.found, found.right, strict=True)
        for said, right, wanted in zip(said_row, right_row, found.wanted, strict=True)
    )


def test_signals_are_ranked_against_the_end() -> None:
    by_loss = [run(n, values=(0.0, 0.0, n / 10), losses=(1.0 - n / 10, 0.5, 0.1)) for n in range(1, 6)]
    found = rank_correlations(by_loss, 1)
    assert found["metric"] == 0.0
    assert found["dev loss"] == pytest.approx(1.0)
    assert found["as shipped"] == pytest.approx(1.0)


def test_the_spread_of_seeds_is_pooled() -> None:
    assert seed_spread([run(0), run(1)]) is None
    several = [run(0, 0, (0.1,)), run(0, 1, (0.3,)), run(1, 0, (0.5,)), run(1, 1, (0.5,)), run(2, 0, (0.9,))]
    assert seed_spread(several) == pytest.approx((0.02 / 2) ** 0.5)


def test_the_page_keeps_its_words_and_renews_its_figures() -> None:
    runs = [run(number, values=(0.1, 0.2, number / 10)) for number in range(5)]
    once = page_of(f"Words.\n{BEGIN}\nold\n{END}\nMore words.\n", runs)
    assert once.startswith("Words.\n")
    assert once.endswith("More words.\n")
    assert "old" not in once
    assert "| sample | f1 | 20 / 2 | 5 | 0.200 | 0.200 | 0.400 |" in once
    assert page_of(once, runs) == once
    assert "mean" not in once
    ten = [run(number, values=(0.1, 0.2, number / 10)) for number in range(10)]
    assert "| **mean** |" in page_of(once, ten)
    with pytest.raises(ValueError, match="expected"):
        page_of("Words.", runs)


def test_known_runs_are_not_repeated_and_packing_adds_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_but_one = [run(number, seed, (number / 100,)) for number in range(24) for seed in range(3)][:-1]
    trained: list[tuple[int, int]] = []

    def instead(_bench: Any, data: DataSet, number: int, _values: Any, seed: int) -> Run:
        trained.append((number, seed))
        return run(number, seed, data=data.name)

    class Bench:
        def keep(self) -> None: ...

    monkeypatch.setattr("benchmarks.record.train", instead)
    monkeypatch.setattr("benchmarks.record.open_set", lambda *_: Bench())
    record([SAMPLE], tmp_path, all_but_one, "cpu", 1)
    record([SAMPLE], tmp_path, all_but_one, "cpu", 1)
    assert trained == [(23, 2)]
    write_runs(tmp_path, [replace(one, data="sample-ner") for one in all_but_one])
    (tmp_path / "sample.jsonl").rename(tmp_path / "sample-ner.jsonl")
    monkeypatch.setattr("sys.argv", ["record", "--work", str(tmp_path), "--record", str(tmp_path), "--pack"])
    main()
    assert len(read_runs(tmp_path)) == len(all_but_one) + 1
