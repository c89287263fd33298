"""Losses: one a kind of head, summed over what is labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from autoft.data.features import END, IGNORED, START

Loss = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the summed cross-entropy of tokens or sequences, and how many have a label.

    Label smoothing spreads its share evenly over all classes (Szegedy et al. 2016).

    Args:
        logits: Scores of each class, [B, T, C] or [B, C].
        labels: Class of each token, -100 where it has none, [B, T], or of each sequence, [B].
        smoothing: Share of the target given to all classes.
    """
    summed = functional.cross_entropy(
        logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
    return summed, (labels != IGNORED).sum()


def binary_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the binary cross-entropy, the mean over the classes, summed over sequences, and how many those are.

    Args:
        logits: Scores of each class, [B, C].
        labels: 1 where a sequence has the class, else 0, [B, C].
        smoothing: How far targets move from 0 and 1 to the middle.
    """
    soft = labels * (1.0 - smoothing) + 0.5 * smoothing
    each = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none").mean(-1)
    return each.sum(), torch.tensor(len(labels), device=labels.device)


def squared_error(logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the summed squared error of scores, and how many there are; nothing is smoothed.

    Args:
        logits: Scores, [B, 1].
        labels: Wanted scores, [B, 1].
        smoothing: Ignored.
    """
    del smoothing
    return (logits - labels).square().sum(), torch.tensor(len(labels), device=labels.device)


def span_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of first and last tokens, their mean summed over sequences, and how many have an answer.

    Each is a choice among the tokens of its sequence, padding left out (Devlin et al. 2019).

    Args:
        logits: Scores of each token as the first and as the last one, [B, T, 2].
        labels: Bit 1 at the first token of the answer, bit 2 at the last, -100 on padding, [B, T].
        smoothing: Share of the target given to all tokens.
    """
    real = labels != IGNORED
    wanted = torch.stack([(labels & bit).bool() & real for bit in (START, END)], -1)  # [B, T, 2]
    scores = logits.float().masked_fill(~real[..., None], float("-inf")).log_softmax(1)
    scores = scores.masked_fill(~real[..., None], 0.0)
    answered = wanted.any(1).all(-1)  # [B]
    target = wanted * (1.0 - smoothing) + smoothing * real[..., None] / real.sum(1).clamp(min=1)[:, None, None]
    each = -(target * scores).sum(1).mean(-1)
    return (each * answered).sum(), answered.sum()


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "token-classification": cross_entropy,
        "sequence-classification": cross_entropy,
        "multi-label-classification": binary_cross_entropy,
        "regression": squared_error,
        "question-answering": span_cross_entropy,
    }
)
"""Kind of head -> its loss."""
