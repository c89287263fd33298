"""Folds: which sequences each model of a trial trains on, and on which it is scored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autoft.data.features import Features, IntArray
from autoft.data.splits import limit_rows
from autoft.errors import DataError
from autoft.strategy.steps import NINTHS, RUNGS
from autoft.study.rows import POOL, StudyData
from autoft.tasks import Task


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a split.

    Attributes:
        split: `train`, `dev`, or `POOL`.
        rows: Their numbers in the split, rising.
        members: The sequences that they were encoded into, rising.
    """

    split: str
    rows: tuple[int, ...]
    members: IntArray


@dataclass(frozen=True, slots=True)
class Fold:
    """What one model of a trial sees.

    Attributes:
        train: What it is trained on.
        dev: What it is scored on; the folds of a trial score each row of the split once.
    """

    train: Part
    dev: Part


def folds_of(data: StudyData, features: Mapping[str, Features]) -> tuple[Fold, ...]:
    """Return the folds of a study: train against dev, or each fold against all others.

    Args:
        data: The study's rows.
        features: Split -> what it was encoded into; empty where train and dev are not.
    """
    if data.folds and POOL in features:
        pool = features[POOL]
        everything = frozenset(range(len(data.rows(POOL))))
        return tuple(
            Fold(_part(POOL, pool, everything - frozenset(rows)), _part(POOL, pool, rows)) for rows in data.folds
        )
    if not {"train", "dev"} <= features.keys():
        return ()
    train, dev = (_part(name, features[name], range(len(data.rows(name)))) for name in ("train", "dev"))
    return (Fold(train, dev),)


def ninths_of(folds: Sequence[Fold]) -> tuple[int, ...]:
    """Return when trials are evaluated: where dev is larger than train an evaluation costs as much as an epoch."""
    train, dev = sum(len(fold.train.rows) for fold in folds), sum(len(fold.dev.rows) for fold in folds)
    return RUNGS if dev > train else NINTHS


def halved(fold: Fold, features: Features, task: Task[Any, Any], examples: Sequence[Any], seed: int) -> Fold:
    """Return a fold whose model is trained on half of the rows, stratified, and scored on the same.

    Args:
        fold: The whole one.
        features: What the split that it trains on was encoded into.
        task: What is asked.
        examples: Those of that split.
        seed: Which half.
    """
    rows = fold.train.rows
    half = -(-len(rows) // 2)
    strata = task.strata([examples[row] for row in rows], half)
    try:
        kept = limit_rows(range(len(rows)), half, seed, strata.__getitem__)
    except DataError:
        # Half of the rows cannot hold every label: then none is favoured.
        kept = limit_rows(range(len(rows)), half, seed, _without_labels)
    kept = tuple(rows[place] for place in kept)
    return replace(fold, train=_part(fold.train.split, features, kept))


def _without_labels(row: int) -> frozenset[str]:
    del row
    return frozenset()


def _part(split: str, features: Features, rows: Collection[int]) -> Part:
    chosen = tuple(sorted(rows))
    return Part(split, chosen, np.flatnonzero(np.isin(features.owner, chosen)))
