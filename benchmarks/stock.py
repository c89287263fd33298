"""A trial's module and rows as users of transformers and peft would have them, for whoever trains them in their way."""

from __future__ import annotations

from typing import Any

import numpy as np

from autoft.models.assembly import TrialModel
from autoft.models.attention import use_plain_attention
from autoft.models.dropout import set_dropout, use_plain_dropout
from autoft.training.batches import Sequences


def stock_module(model: TrialModel, dropout: float) -> Any:
    """Return the trial's module without what autoft puts into it: dropout is PyTorch's, in frozen layers too.

    Args:
        model: The trial's, of which nothing else should be used from now on.
        dropout: Its probability.
    """
    module: Any = model.module
    use_plain_dropout(module)
    use_plain_attention(module)
    set_dropout(module, dropout)
    return module


def stock_rows(data: Sequences, inputs: tuple[str, ...]) -> list[dict[str, list[int]]]:
    """Return the sequences as a data set of transformers: a mapping each, not padded.

    Args:
        data: The split.
        inputs: What the base model reads; labels are added.
    """
    names = [name for name in (*inputs, "labels") if name in data.flat]
    batches = (data.batch(np.array([row])) for row in range(len(data)))
    return [{name: batch[name][0].tolist() for name in names} for batch in batches]
