"""The chain against all sequences there are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autoft.data.iob2_paths import best_iob2_paths
from autoft.data.tagging import to_iob2
from autoft.models.crf import LinearChain

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
IGNORED = -100
# A window's positions: the word that each decides, or -1. A number that is skipped is a word without sub-tokens.
WINDOWS = st.sampled_from(
    [
        [-1, 0, 1, -1, 2, -1],
        [-1, 0, -1],
        [0, 1, 2, 3],
        [-1, 3, -1, 4, 5, -1],
        [-1, 0, -1, 2, 3, -1],
        [-1, -1],
    ]
)


def chain(seed: int = 0, *, double: bool = True) -> LinearChain:
    made = LinearChain(LABELS)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(torch.randn(value.shape, generator=generator))
    return made.double() if double else made


def batch(windows: Sequence[Sequence[int]], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return scores [B, T, C] and words [B, T]."""
    width = max(map(len, windows))
    words = torch.tensor([[*window, *[-1] * (width - len(window))] for window in windows])
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((*words.shape, len(LABELS)), generator=generator, dtype=torch.float64), words


def all_scores(made: LinearChain, scores: Tensor, words: Tensor) -> dict[tuple[int, ...], float]:
    """Return the score of every sequence of a window, as the definition says; -inf where IOB2 forbids it."""
    places = (words >= 0).nonzero()[:, 0]
    own, numbers = scores[places].tolist(), words[places].tolist()
    transitions, start = made.weight.tolist(), made.bias.tolist()
    paths = itertools.product(range(len(LABELS)), repeat=len(numbers))
    return {path: score(path, own, numbers, transitions, start) for path in paths}


def score(
    path: Sequence[int],
    own: list[list[float]],
    numbers: list[int],
    transitions: list[list[float]],
    start: list[float],
) -> float:
    total = 0.0
    for index, label in enumerate(path):
        total += own[index][label]
        if numbers[index] == 0:
            total += start[label] if not LABELS[label].startswith("I-") else -math.inf
        elif index and numbers[index - 1] == numbers[index] - 1:
            total += transitions[path[index - 1]][label] if may_follow(path[index - 1], label) else -math.inf
    return total


@cache
def may_follow(before: int, after: int) -> bool:
    tags = [f"B-{LABELS[before][2:]}" if before else "O", LABELS[after]]
    return to_iob2(tags, "IOB2") == tags


def log_total(values: Sequence[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).logsumexp(0))


def targets_of(words: Tensor, path: Sequence[int]) -> Tensor:
    targets = torch.full_like(words, IGNORED)
    targets[words >= 0] = torch.tensor(path, dtype=torch.int64)
    return targets


@settings(max_examples=25)
@given(st.lists(WINDOWS, min_size=1, max_size=3), st.integers(0, 10**6))
def test_probabilities_are_those_of_all_sequences(windows: list[list[int]], seed: int) -> None:
    made = chain(seed)
    scores, words = batch(windows, seed)
    for row in range(len(windows)):
        every = all_scores(made, scores[row], words[row])
        total = log_total(list(every.values()))
        paths = list(every)[:: max(1, len(every) // 30)]
        targets = torch.stack([targets_of(words[row], path) for path in paths])
        copies = scores[row].expand(len(paths), -1, -1), words[row].expand(len(paths), -1)
        found = made.log_likelihood(copies[0], targets, copies[1]).detach().exp()
        wanted = torch.tensor([every[path] - total for path in paths], dtype=torch.float64).exp()
        torch.testing.assert_close(found, wanted)


@settings(max_examples=25)
@given(st.lists(WINDOWS, min_size=1, max_size=3), st.integers(0, 10**6))
def test_max_marginals_are_those_of_all_sequences(windows: list[list[int]], seed: int) -> None:
    made = chain(seed)
    scores, words = batch(windows, seed)
    found = made.max_marginals(scores, words).detach()
    assert found[words < 0].abs().sum() == 0
    for row in range(len(windows)):
        every = all_scores(made, scores[row], words[row])
        best = max(every.values())
        for index, place in enumerate((words[row] >= 0).nonzero()[:, 0].tolist()):
            for label in range(len(LABELS)):
                wanted = max(value for path, value in every.items() if path[index] == label) - best
                # What is impossible lies ten thousand below, but is no infinity.
                assert float(found[row, place, label]) == pytest.approx(max(wanted, -1e9), abs=1e-9) or (
                    wanted == -math.inf and float(found[row, place, label]) < -9e3
                )


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_constrained_decoding_of_max_marginals_is_the_best_sequence(length: int, seed: int) -> None:
    made = chain(seed)
    scores, words = batch([[-1, *range(length), -1]], seed)
    marginals = made.max_marginals(scores, words)[0, 1:-1].float().detach().numpy()
    [path] = best_iob2_paths([marginals], LABELS)
    if length <= 4:
        every = all_scores(made, scores[0], words[0])
        assert tuple(path.tolist()) == max(every, key=lambda one: every[one])
    assert np.abs(marginals[np.arange(length), path]).max() < 1e-6


@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_a_window_among_others_has_what_it_has_alone(seed: int) -> None:
    made = chain(seed)
    windows = [[-1, 0, 1, -1], [-1, 4, 5, 6, 7, -1], [0]]
    scores, words = batch(windows, seed)
    random = torch.Generator().manual_seed(seed)
    targets = torch.where(words >= 0, torch.randint(0, 2, words.shape, generator=random), IGNORED)
    together = made.log_likelihood(scores, targets, words), made.max_marginals(scores, words)
    for row, window in enumerate(windows):
        own = slice(row, row + 1), slice(0, len(window))
        torch.testing.assert_close(made.log_likelihood(scores[own], targets[own], words[own])[0], together[0][row])
        torch.testing.assert_close(made.max_marginals(scores[own], words[own])[0], together[1][own][0])


@pytest.mark.parametrize(
    ("words", "path"),
    [([0, 1], [0, 2]), ([0, 1], [1, 4]), ([0], [2]), ([0, 1, 2], [1, 2, 4]), ([5, 6], [0, 4])],
)
def test_what_iob2_forbids_has_probability_zero(words: list[int], path: list[int]) -> None:
    made = chain(double=False)
    scores = torch.randn((1, len(words), len(LABELS)), generator=torch.Generator().manual_seed(0))
    found = made.log_likelihood(scores, torch.tensor([path]), torch.tensor([words])).detach()
    assert float(found.exp()) == 0.0
    assert bool(found.isfinite())


def test_a_window_may_begin_inside_an_entity() -> None:
    made = chain()
    scores, words = batch([[3, 4]])
    assert float(made.log_likelihood(scores, torch.tensor([[2, 2]]), words).detach().exp()) > 0.0


def test_nothing_is_demanded_where_the_word_before_is_not_labelled() -> None:
    made = chain()
    scores, words = batch([[0, 1, 2]])
    skipped = torch.tensor([[0, IGNORED, 2]])
    assert float(made.log_likelihood(scores, skipped, words).detach().exp()) > 0.0


def test_where_nothing_is_labelled_the_loss_is_zero_and_so_are_its_gradients() -> None:
    made = chain()
    scores, words = batch([[-1, 0, 1, -1]])
    scores.requires_grad_()
    found = made.log_likelihood(scores, torch.full_like(words, IGNORED), words)
    found.sum().backward()
    assert found.tolist() == [0.0]
    assert scores.grad is not None
    assert float(scores.grad.abs().sum()) == 0.0


def test_gradients_are_those_of_finite_differences() -> None:
    made = chain()
    scores, words = batch([[-1, 0, 1, -1, 2], [4, 5, 6], [0, 2, -1]])
    targets = torch.tensor([[-100, 1, 2, -100, 0], [2, 2, 3, -100, -100], [1, 0, -100, -100, -100]])

    def function(emissions: Tensor, transitions: Tensor, start: Tensor) -> Tensor:
        parameters = {"weight": transitions, "bias": start}
        buffers = dict(made.named_buffers())
        found: Tensor = torch.func.functional_call(
            Likelihood(made),
            {f"chain.{name}": value for name, value in {**parameters, **buffers}.items()},
            (emissions, targets, words),
        )
        return found

    inputs = scores.requires_grad_(), made.weight.detach().requires_grad_(), made.bias.detach().requires_grad_()
    assert torch.autograd.gradcheck(function, inputs)


class Likelihood(torch.nn.Module):
    """The log-likelihood as a module's forward, so that its parameters can be exchanged."""

    def __init__(self, made: LinearChain) -> None:
        super().__init__()
        self.chain = made

    def forward(self, scores: Tensor, targets: Tensor, words: Tensor) -> Tensor:
        return self.chain.log_likelihood(scores, targets, words)


def test_autocast_changes_no_bit() -> None:
    made = chain(double=False)
    scores, words = batch([[-1, *range(20), -1]])
    targets = targets_of(words, [0] * 20)
    low = scores.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = made.log_likelihood(low, targets, words), made.max_marginals(low, words)
    outside = made.log_likelihood(low.float(), targets, words), made.max_marginals(low.float(), words)
    for one, other in zip(inside, outside, strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other)


def test_a_long_window_stays_finite() -> None:
    made = chain(double=False)
    scores, words = batch([[*range(500)]])
    found = made.log_likelihood((1e3 * scores).float(), targets_of(words, [0] * 500), words)
    found.sum().backward()
    assert bool(found.isfinite().all())
    assert made.weight.grad is not None
    assert bool(made.weight.grad.isfinite().all())
