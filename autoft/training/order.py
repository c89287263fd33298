"""Data order: which sequences form a batch, a pure function of (lengths, batch size, seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from autoft.training.seeds import generator

IntArray = npt.NDArray[np.int64]
_BATCHES_A_POOL = 16


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Return the optimizer steps of one epoch over `count` sequences; the last batch may be smaller."""
    return -(-count // batch_size)


def epoch_batches(lengths: IntArray, *, batch_size: int, seed: int, epoch: int) -> list[IntArray]:
    """Return the batches of one epoch: every sequence once, similar lengths together, in random order.

    A random permutation is cut into pools of some batches, each pool is sorted by length and cut into batches, and the
    batches are shuffled. So padding stays small while a sequence meets other neighbours in each epoch.

    Args:
        lengths: Tokens of each sequence, [N].
        batch_size: Sequences in a batch.
        seed: The trial's seed.
        epoch: Counted from 0.
    """
    random = generator(seed, "order", epoch)
    shuffled = random.permutation(len(lengths))
    pool = batch_size * _BATCHES_A_POOL
    batches: list[IntArray] = []
    for start in range(0, len(shuffled), pool):
        members = shuffled[start : start + pool]
        members = members[np.argsort(lengths[members], kind="stable")]
        batches += [members[at : at + batch_size] for at in range(0, len(members), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


def batches_from(lengths: IntArray, *, batch_size: int, seed: int, step: int) -> Iterator[IntArray]:
    """Yield the batches from optimizer step `step` on, without end."""
    per_epoch = steps_per_epoch(len(lengths), batch_size)
    epoch, skipped = divmod(step, per_epoch)
    while True:
        yield from epoch_batches(lengths, batch_size=batch_size, seed=seed, epoch=epoch)[skipped:]
        epoch, skipped = epoch + 1, 0


def sorted_batches(lengths: IntArray, *, tokens: int) -> list[IntArray]:
    """Return batches for evaluation: sorted by length, at most `tokens` padded tokens each.

    Args:
        lengths: Tokens of each sequence, [N].
        tokens: Most padded tokens of a batch; a longer sequence stands alone.
    """
    order = np.argsort(lengths, kind="stable")
    batches: list[IntArray] = []
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or int(lengths[order[end]]) * (end + 1 - start) > tokens:
            batches.append(order[start:end])
            start = end
    return batches
