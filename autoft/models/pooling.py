"""Pooling: the hidden states of a sequence become one vector, and that one score a class."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Pooled(nn.Module):
    """Pools, then classifies by one linear layer, which is the module's last.

    Args:
        width: D.
        classes: C.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        # The trial says its probability.
        self.dropout = nn.Dropout(0.0)
        self.classifier = nn.Linear(width, classes)

    def forward(self, hidden: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the scores of each class, [B, C].

        Args:
            hidden: Of the last layer, [B, T, D].
            inputs: The batch's columns; `attention_mask` is 0 on padding, [B, T].
        """
        scores: Tensor = self.classifier(self.dropout(self.pool(hidden, inputs["attention_mask"].bool())))
        return scores

    def pool(self, hidden: Tensor, real: Tensor) -> Tensor:
        """Return one vector a sequence, [B, D], of the hidden states where tokens are real, [B, T]."""
        raise NotImplementedError


class FirstToken(Pooled):
    """The first token's state, [CLS] or <s>, as it is (Devlin et al. 2019, without their extra layer)."""

    def pool(self, hidden: Tensor, real: Tensor) -> Tensor:
        """Return the first token's state, [B, D]."""
        del real
        return hidden[:, 0]


class Mean(Pooled):
    """The mean over all tokens (Reimers and Gurevych 2019)."""

    def pool(self, hidden: Tensor, real: Tensor) -> Tensor:
        """Return the mean, [B, D]; a sequence of padding alone gives zeros."""
        mask = real.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)


class Maximum(Pooled):
    """The greatest value over all tokens, in each dimension."""

    def pool(self, hidden: Tensor, real: Tensor) -> Tensor:
        """Return the maximum, [B, D]."""
        return hidden.masked_fill(~real.unsqueeze(-1), torch.finfo(hidden.dtype).min).amax(1)


class Attention(Pooled):
    """A mean with learned weights: a token counts as its state is like a learned vector (Yang et al. 2016).

    Args:
        width: D.
        classes: C.
        size: Of the space in which states are compared.
    """

    def __init__(self, width: int, classes: int, size: int) -> None:
        super().__init__(width, classes)
        self.compare = nn.Linear(width, size)
        self.context = nn.Linear(size, 1, bias=False)
        # The layer that gives the scores is the last one.
        self._modules["classifier"] = self._modules.pop("classifier")

    def pool(self, hidden: Tensor, real: Tensor) -> Tensor:
        """Return the weighted mean, [B, D]."""
        likeness = self.context(torch.tanh(self.compare(hidden))).squeeze(-1)
        weights = likeness.masked_fill(~real, torch.finfo(hidden.dtype).min).softmax(-1)  # [B, T]
        return torch.einsum("bt,btd->bd", weights, hidden)
