"""What a head reads at the tokens that open two entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from autoft.data.entity_pairs import OPENS_HEAD, OPENS_TAIL


class OfMarkers(nn.Module):
    """Scores of a sequence, from the hidden states at its two opening markers.

    Args:
        body: Takes them side by side, [B, 2 D].
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, hidden: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return [B, C].

        Args:
            hidden: Of each token, [B, T, D].
            inputs: The batch; `markers` says which tokens open the entities, [B, T].
        """
        rows = torch.arange(len(hidden), device=hidden.device)
        opened = [hidden[rows, (inputs["markers"] == code).int().argmax(1)] for code in (OPENS_HEAD, OPENS_TAIL)]
        return cast(Tensor, self.body(torch.cat(opened, -1)))
