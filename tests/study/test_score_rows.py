"""Rows with scores: folds, limits and halves have low and high ones like the whole, whatever the seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from autoft.data.features import Features
from autoft.study.config import DataConfig
from autoft.study.folds import folds_of, halved
from autoft.study.rows import POOL, StudyData, load_rows
from autoft.tasks.classification import Classification

TRAIN, DEV = 60, 30


def load(folder: Path, seed: int, **options: int) -> StudyData:
    for split, count in (("train", TRAIN), ("dev", DEV)):
        rows = [{"text": f"{split} {at}", "score": (at * 37 % count) ** 2 + (split == "dev")} for at in range(count)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return load_rows(Classification(), DataConfig(source=str(folder), **options), seed=seed)


def scores(examples: Sequence[object]) -> list[float]:
    return sorted(example.target for example in examples)  # type: ignore[attr-defined]


def one_of_each_block(some: list[float], whole: list[float]) -> bool:
    """Whether `some`, sorted, has one of each block of as many neighbours of `whole`, sorted."""
    size = len(whole) // len(some)
    blocks = [whole[at : at + size] for at in range(0, len(whole), size)]
    return all(block[0] <= value <= block[-1] for value, block in zip(some, blocks, strict=True))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_fold_has_one_score_of_each_block_of_neighbours(tmp_path: Path, seed: int) -> None:
    data = load(tmp_path, seed, folds=5)
    pool = data.rows(POOL)
    whole = scores(pool)
    for fold in data.folds:
        assert one_of_each_block(scores([pool[row] for row in fold]), whole)
    # So far a mean over one of each block may be off: by the mean of the blocks' widths.
    widths = [whole[at + 4] - whole[at] for at in range(0, len(whole), 5)]
    means = [float(np.mean(scores([pool[row] for row in fold]))) for fold in data.folds]
    assert max(means) - min(means) <= float(np.mean(widths))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_limit_keeps_one_score_of_each_block_of_neighbours(tmp_path: Path, seed: int) -> None:
    whole, data = load(tmp_path, seed), load(tmp_path, seed, train_limit=12, dev_limit=6)
    for split, count in (("train", 12), ("dev", 6)):
        assert data.counts[split] == count
        assert one_of_each_block(scores(data.examples[split]), scores(whole.examples[split]))


def test_half_of_the_rows_has_one_score_of_each_pair_of_neighbours(tmp_path: Path) -> None:
    data = load(tmp_path, 0)
    features = {
        split: Features({"input_ids": (np.zeros(1, np.int64),) * count}, {"input_ids": 0}, np.arange(count))
        for split, count in (("train", TRAIN), ("dev", DEV))
    }
    (fold,) = folds_of(data, features)
    half = halved(fold, features["train"], data.task, data.examples["train"], 3).train
    assert one_of_each_block(scores([data.examples["train"][row] for row in half.rows]), scores(data.examples["train"]))
