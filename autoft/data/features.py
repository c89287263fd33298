"""Features: encoded sequences, the one value that tasks make and the trainer reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
IGNORED = -100
"""The target of positions that have no label."""

START, END = 1, 2
"""Bits of a token's label in question answering: it begins the answer, it ends it."""

Targets = npt.NDArray[np.int64] | npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """Encoded sequences, ragged; padding is named here and done by `training`.

    Attributes:
        columns: Name -> one integer array a sequence, [T] each. `input_ids` and `attention_mask` go to the model;
            `labels` hold the targets where tokens have them.
        padding: Column -> padding value. Columns without one stay out of the batch (notes for `decode`).
        owner: Example that each sequence belongs to, [N']; a long example has several windows.
        targets: Name -> what each sequence has as a whole, [N'] integers or [N', C] reals: `labels` where sequences
            have them, nothing where examples are without reference.
    """

    columns: Mapping[str, tuple[IntArray, ...]]
    padding: Mapping[str, int]
    owner: IntArray
    targets: Mapping[str, Targets] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def lengths(self) -> IntArray:
        """Tokens of each sequence, [N']."""
        return np.array([len(ids) for ids in self.columns["input_ids"]], dtype=np.int64)


def class_shares(features: Features, classes: int, members: IntArray) -> tuple[float, ...]:
    """Return which share of the tokens or sequences that have a label has each class, [C].

    Args:
        features: Encoded examples with their labels.
        classes: C.
        members: The sequences that count.
    """
    rows = features.targets.get("labels")
    if rows is not None and rows.ndim > 1:
        return tuple((rows[members] > 0).mean(0).tolist())
    if rows is None:
        labels = np.concatenate([features.columns["labels"][member] for member in members])
    else:
        labels = rows[members]
    real = labels[(labels >= 0) & (labels < classes)].astype(np.int64)
    return tuple((np.bincount(real, minlength=classes) / max(1, len(real))).tolist())
