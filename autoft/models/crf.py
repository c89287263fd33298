"""A linear-chain conditional random field (Lafferty et al. 2001) over the words of a window.

The score of a tag sequence is the sum of the words' own scores and of one transition between neighbours; what IOB2
forbids costs so much that its probability is zero. Everything is computed in logarithms and in float32 at least, also
under autocast.

A chain holds words and not tokens: the positions that decide a word, one after the other. Where the word before is not
shown (a window that begins inside a sentence, a word without sub-tokens), nothing is known about its tag, so nothing is
demanded there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autoft.data.iob2_paths import iob2_begins, iob2_follows
from autoft.errors import ConfigError

FORBIDDEN = -1e4
"""The score of what IOB2 forbids: its exponential is zero, and a gradient through it is too and not NaN."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The words of a batch's windows, without the tokens between them; W is the most words of a window.

    Attributes:
        scores: Of each class at each word, [B, W, C].
        real: Where there is a word, [B, W]; words come first.
        linked: Where the word before is its neighbour in the sentence, [B, W].
        first: Where a word begins its sentence, [B, W].
        rows: The window of each word, [words].
        columns: The position of each word among the window's tokens, [words].
        places: The place of each word in its chain, [words].
    """

    scores: Tensor
    real: Tensor
    linked: Tensor
    first: Tensor
    rows: Tensor
    columns: Tensor
    places: Tensor


def make_chain(scores: Tensor, words: Tensor) -> Chain:
    """Take the positions that decide a word out of a batch of windows.

    Args:
        scores: Of each class at each token, [B, T, C].
        words: The number of the word that a token decides, -1 elsewhere, [B, T].
    """
    chosen = words >= 0
    rows, columns = chosen.nonzero(as_tuple=True)
    places = chosen.cumsum(1)[rows, columns] - 1
    shape = len(words), max(1, int(chosen.sum(1).max()) if len(words) else 0)
    numbers = words.new_full(shape, -1).index_put((rows, places), words[rows, columns])
    wide = scores if scores.dtype == torch.float64 else scores.float()
    compact = wide.new_zeros((*shape, scores.shape[-1])).index_put((rows, places), wide[rows, columns])
    before = torch.cat([numbers.new_full((len(numbers), 1), -2), numbers[:, :-1]], dim=1)
    real = numbers >= 0
    return Chain(compact, real, real & (before == numbers - 1), numbers == 0, rows, columns, places)


class LinearChain(nn.Module):
    """Transitions between the tags of neighbouring words, and what begins a sentence.

    Args:
        labels: The classes' names in IOB2, [C].

    Attributes:
        weight: Score of a class after another, `weight[before, after]`, [C, C]. (PEFT's IA3 asks every module that it
            keeps for this name.)
        bias: Score of a class at a sentence's first word, [C].

    Raises:
        ValueError: If the classes are no tags of IOB2.
    """

    barrier: Tensor
    start_barrier: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(len(labels), len(labels)))
        self.bias = nn.Parameter(torch.zeros(len(labels)))
        follows, inside = torch.from_numpy(iob2_follows(labels)), torch.from_numpy(iob2_begins(labels) >= 0)
        # They follow from the names of the classes, so no file keeps them.
        self.register_buffer("barrier", torch.where(follows, 0.0, FORBIDDEN), persistent=False)
        self.register_buffer("start_barrier", torch.where(inside, FORBIDDEN, 0.0), persistent=False)

    def log_likelihood(self, scores: Tensor, targets: Tensor, words: Tensor) -> Tensor:
        """Return the log-probability of the targets of each window, [B]; 0 where nothing is labelled.

        Args:
            scores: Of each class at each token, [B, T, C].
            targets: Class of each token, negative where it has none, [B, T].
            words: The number of the word that a token decides, -1 elsewhere, [B, T].
        """
        with torch.autocast(scores.device.type, enabled=False):
            chain = make_chain(scores, torch.where(targets >= 0, words, -1))
            classes = targets.new_zeros(chain.real.shape)
            classes = classes.index_put((chain.rows, chain.places), targets[chain.rows, chain.columns])
            return self._path_scores(chain, classes) - self._forward(chain, _log_sum)[1]

    def max_marginals(self, scores: Tensor, words: Tensor) -> Tensor:
        """Return for each class at each word how far its best sequence falls short of the best of all, [B, T, C].

        The best sequence has 0 at each of its words and all others are below, so that a decoder that takes the best
        sum finds that sequence (Viterbi 1967). Tokens that decide no word have 0 everywhere.

        Args:
            scores: Of each class at each token, [B, T, C].
            words: The number of the word that a token decides, -1 elsewhere, [B, T].
        """
        with torch.autocast(scores.device.type, enabled=False):
            chain = make_chain(scores, words)
            forward, best = self._forward(chain, _maximum)
            marginals = torch.stack(forward, dim=1) + self._backward(chain) - best[:, None, None]
            result = marginals.new_zeros(scores.shape)
            return result.index_put((chain.rows, chain.columns), marginals[chain.rows, chain.places])

    def _edges(self, chain: Chain, place: int) -> Tensor:
        """Return the scores from each class to each at the step to `place`, [B, C, C]."""
        return torch.where(chain.linked[:, place, None, None], self.weight + self.barrier, 0.0)

    def _begin(self, chain: Chain, place: int) -> Tensor:
        """Return the scores of the words at `place`, with what beginning a sentence adds, [B, C]."""
        begin = torch.where(chain.first[:, place, None], self.bias + self.start_barrier, 0.0)
        return chain.scores[:, place] + begin

    def _forward(self, chain: Chain, reduce: Callable[[Tensor], Tensor]) -> tuple[list[Tensor], Tensor]:
        """Return the totals up to each word by its class, [B, C] each, and that of all sequences, [B].

        Args:
            chain: The words.
            reduce: What joins the classes before, [B, C, C] -> [B, C].
        """
        totals = [self._begin(chain, 0)]
        for place in range(1, chain.real.shape[1]):
            onward = reduce(totals[-1][:, :, None] + self._edges(chain, place)) + self._begin(chain, place)
            totals.append(torch.where(chain.real[:, place, None], onward, totals[-1]))
        whole = reduce(totals[-1][:, :, None])[:, 0]
        return totals, torch.where(chain.real[:, 0], whole, 0.0)

    def _backward(self, chain: Chain) -> Tensor:
        """Return the best that can follow each word by its class, [B, W, C]."""
        after = [torch.zeros_like(chain.scores[:, 0])]
        for place in range(chain.real.shape[1] - 1, 0, -1):
            steps = self._edges(chain, place) + (self._begin(chain, place) + after[-1])[:, None, :]
            after.append(torch.where(chain.real[:, place, None], steps.amax(2), after[-1]))
        return torch.stack(after[::-1], dim=1)

    def _path_scores(self, chain: Chain, classes: Tensor) -> Tensor:
        """Return the score of one sequence of each window, [B]."""
        own = chain.scores.gather(2, classes[:, :, None])[:, :, 0]
        own = own + torch.where(chain.first, (self.bias + self.start_barrier)[classes], 0.0)
        steps = (self.weight + self.barrier)[classes[:, :-1], classes[:, 1:]]
        total = torch.where(chain.real, own, 0.0).sum(1)
        return total + torch.where(chain.linked[:, 1:], steps, 0.0).sum(1)


def _log_sum(values: Tensor) -> Tensor:
    return values.logsumexp(1)


def _maximum(values: Tensor) -> Tensor:
    return values.amax(1)


class ChainTagger(nn.Module):
    """A chain above what scores each token.

    Args:
        body: Takes hidden states, [B, T, D], to scores, [B, T, C].
        labels: The classes' names in IOB2, [C].
    """

    def __init__(self, body: nn.Module, labels: Sequence[str]) -> None:
        super().__init__()
        self.body = body
        self.chain = LinearChain(labels)

    def forward(self, hidden: Tensor, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Return scores, [B, T, C], and where there are labels the negative log-likelihood of each window, [B].

        Args:
            hidden: Of each token, [B, T, D].
            inputs: `markers` holds the number of the word that a token decides plus one, 0 elsewhere, [B, T].

        Raises:
            ConfigError: If there are no markers: the task does not say which tokens are its words.
        """
        if "markers" not in inputs:
            raise ConfigError("head 'crf': a task that marks its words expected, its features have no 'markers'")
        words = inputs["markers"] - 1
        scores = self.body(hidden)
        targets = inputs.get("labels")
        losses = None if targets is None else -self.chain.log_likelihood(scores, targets, words)
        return (scores if self.training else self.chain.max_marginals(scores, words)), losses
