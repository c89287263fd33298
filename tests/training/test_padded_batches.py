"""Batches: the same numbers as padding one sequence after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.features import Features
from autoft.testing.fits import CPU, tiny_features
from autoft.training.batches import make_resident

sentences = st.lists(st.lists(st.integers(0, 1000), min_size=1, max_size=12), min_size=1, max_size=20)


def features_of(sequences: list[list[int]]) -> Features:
    ids = tuple(np.array(tokens, dtype=np.int64) for tokens in sequences)
    return Features(
        {"input_ids": ids, "labels": tuple(-tokens for tokens in ids), "words": tuple(tokens[:1] for tokens in ids)},
        {"input_ids": 7, "labels": -100},
        np.arange(len(ids)),
    )


@given(sentences, st.data())
def test_batches_equal_naive_padding(sequences: list[list[int]], data: st.DataObject) -> None:
    members = data.draw(st.lists(st.integers(0, len(sequences) - 1), min_size=1, max_size=8, unique=True))
    batch = make_resident(features_of(sequences), CPU).batch(np.array(members))
    width = max(len(sequences[member]) for member in members)
    chosen = [sequences[member] for member in members]
    assert batch["input_ids"].tolist() == [tokens + [7] * (width - len(tokens)) for tokens in chosen]
    assert batch["labels"].tolist() == [[-t for t in tokens] + [-100] * (width - len(tokens)) for tokens in chosen]


def test_columns_without_a_padding_value_stay_out() -> None:
    assert make_resident(features_of([[1, 2], [3]]), CPU).batch(np.array([0])).keys() == {"input_ids", "labels"}


def test_targets_of_sequences_follow_their_members() -> None:
    features = features_of([[1, 2], [3], [4, 5, 6]])
    targets = {"labels": np.array([7, 8, 9]), "shares": np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], np.float32)}
    batch = make_resident(replace(features, targets=targets), CPU).batch(np.array([2, 0]))
    assert batch["labels"].tolist() == [9, 7]
    assert batch["shares"].tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_whole_numbers_stay_whole() -> None:
    batch = make_resident(tiny_features(4), CPU).batch(np.array([3, 0]))
    assert {column.dtype for column in batch.values()} == {torch.int64}


def test_the_mask_is_one_where_tokens_are() -> None:
    data = make_resident(tiny_features(9), CPU)
    members = np.array([8, 2, 5])
    assert data.batch(members)["attention_mask"].sum(1).tolist() == data.lengths[members].tolist()


def test_a_split_has_as_many_sequences_as_its_features() -> None:
    assert len(make_resident(tiny_features(9), CPU)) == 9


def test_a_split_without_sequences_is_fine() -> None:
    features = Features({"input_ids": (), "labels": ()}, {"input_ids": 0, "labels": -100}, np.empty(0, np.int64))
    empty = make_resident(features, CPU)
    assert len(empty) == len(empty.starts) == 0
