"""Data order: complete, a pure function of seed and epoch, and found again from any step."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.training.order import batches_from, epoch_batches, sorted_batches, steps_per_epoch
from autoft.training.seeds import derive_seed, generator

IntArray = npt.NDArray[np.int64]
lengths_of = st.lists(st.integers(1, 60), min_size=1, max_size=150).map(lambda sizes: np.array(sizes, dtype=np.int64))
sizes = st.integers(1, 20)
seeds = st.integers(0, 2**40)
epochs = st.integers(0, 30)


def as_lists(batches: list[IntArray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@given(lengths_of, sizes, seeds, epochs)
def test_every_sequence_comes_once_an_epoch(lengths: IntArray, size: int, seed: int, epoch: int) -> None:
    batches = epoch_batches(lengths, batch_size=size, seed=seed, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert len(batches) == steps_per_epoch(len(lengths), size)


@given(lengths_of, sizes, seeds, epochs)
def test_all_batches_but_one_are_full(lengths: IntArray, size: int, seed: int, epoch: int) -> None:
    found = sorted(len(batch) for batch in epoch_batches(lengths, batch_size=size, seed=seed, epoch=epoch))
    assert found[1:] == [size] * (len(found) - 1)
    assert 1 <= found[0] <= size


@given(lengths_of, sizes, seeds, epochs)
def test_order_depends_on_seed_and_epoch_alone(lengths: IntArray, size: int, seed: int, epoch: int) -> None:
    first = epoch_batches(lengths, batch_size=size, seed=seed, epoch=epoch)
    np.random.default_rng().random()
    for other in range(3):
        epoch_batches(lengths, batch_size=size, seed=seed + other, epoch=other)
    assert as_lists(epoch_batches(lengths, batch_size=size, seed=seed, epoch=epoch)) == as_lists(first)


def test_other_seeds_and_epochs_give_other_orders() -> None:
    lengths = np.full(64, 5, dtype=np.int64)
    found = {
        str(as_lists(epoch_batches(lengths, batch_size=8, seed=seed, epoch=epoch)))
        for seed in range(5)
        for epoch in range(5)
    }
    assert len(found) == 25


def test_order_is_the_recorded_one() -> None:
    # A study that is resumed or replayed with a later version must see its data in the same order.
    lengths = np.array([5, 3, 9, 1, 7, 7, 2, 8], dtype=np.int64)
    assert as_lists(epoch_batches(lengths, batch_size=3, seed=1, epoch=0)) == [[0, 5, 4], [3, 6, 1], [7, 2]]


def test_sequences_of_a_batch_have_similar_lengths() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, size=320)
    padded = sum(
        len(batch) * int(lengths[batch].max()) for batch in epoch_batches(lengths, batch_size=8, seed=0, epoch=0)
    )
    # Batches of neighbours in a random order would pad to about 1.8 times the tokens.
    assert padded < 1.15 * lengths.sum()


def test_a_sequence_meets_other_neighbours_in_each_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1, 20, size=200)
    met = [
        next(set(b.tolist()) for b in epoch_batches(lengths, batch_size=8, seed=0, epoch=e) if 7 in b) for e in range(4)
    ]
    assert len(set.union(*met)) > 15


@given(lengths_of, sizes, seeds, st.integers(0, 60))
def test_starting_at_a_step_is_skipping_the_steps_before(lengths: IntArray, size: int, seed: int, step: int) -> None:
    whole = batches_from(lengths, batch_size=size, seed=seed, step=0)
    rest = batches_from(lengths, batch_size=size, seed=seed, step=step)
    assert as_lists(list(islice(rest, 12))) == as_lists(list(islice(whole, step, step + 12)))


@given(lengths_of, st.integers(1, 300))
def test_evaluation_batches_are_complete_and_within_the_limit(lengths: IntArray, tokens: int) -> None:
    batches = sorted_batches(lengths, tokens=tokens)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * int(lengths[batch].max()) <= tokens


@given(lengths_of, st.integers(1, 300))
def test_evaluation_batches_are_as_large_as_the_limit_lets_them(lengths: IntArray, tokens: int) -> None:
    batches = sorted_batches(lengths, tokens=tokens)
    for batch, following in pairwise(batches):
        assert (len(batch) + 1) * int(lengths[following[0]]) > tokens


def test_nothing_to_evaluate_gives_no_batches() -> None:
    assert sorted_batches(np.empty(0, np.int64), tokens=10) == []


@pytest.mark.parametrize(("count", "size", "steps"), [(1, 16, 1), (16, 16, 1), (17, 16, 2), (100, 8, 13)])
def test_the_last_batch_of_an_epoch_may_be_smaller(count: int, size: int, steps: int) -> None:
    assert steps_per_epoch(count, size) == steps


@given(seeds, st.lists(st.text(), max_size=3))
def test_derived_seeds_are_what_generators_take(seed: int, words: list[str]) -> None:
    assert 0 <= derive_seed(seed, *words) < 2**63
    assert derive_seed(seed, *words) != derive_seed(seed + 1, *words)


def test_sources_of_randomness_are_apart() -> None:
    assert len({generator(seed, word).random() for seed in range(5) for word in ("order", "dropout")}) == 10
