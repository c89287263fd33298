"""Batches: encoded sequences as tensors, padded to the longest of each batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoft.data.features import Features

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sequences:
    """One split, made ready once a study: each column flat and resident, with the offsets of its sequences.

    Attributes:
        flat: Column -> all sequences, one after the other.
        starts: First index of each sequence, [N].
        lengths: Tokens of each sequence, [N].
        padding: Column -> padding value.
        device: Where batches go.
        hidden: What a frozen prefix hands on of every token, flat, [tokens, D]; None where models start from tokens.
        targets: What each sequence has as a whole, [N, …].
    """

    flat: dict[str, Tensor]
    starts: IntArray
    lengths: IntArray
    padding: dict[str, int]
    device: torch.device
    hidden: Tensor | None = None
    targets: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, members: IntArray) -> Sequences:
        """Return some of the sequences; their tokens stay where they are."""
        rows = torch.from_numpy(members).to(self.device)
        targets = {name: values[rows] for name, values in self.targets.items()}
        return replace(self, starts=self.starts[members], lengths=self.lengths[members], targets=targets)

    def batch(self, members: IntArray) -> dict[str, Tensor]:
        """Return the padded columns of `members`, [B, T] each, their targets, [B, …], and `hidden`, [B, T, D]."""
        index, real = self.places(members)
        columns = {}
        if self.hidden is not None:
            # On padding stands what some token has: nothing looks at it.
            columns["hidden"] = self.hidden[index.to(self.hidden.device)].to(self.device)
        index, real = index.to(self.device), real.to(self.device)
        columns |= {name: torch.where(real, flat[index], self.padding[name]) for name, flat in self.flat.items()}
        if self.targets:
            rows = torch.from_numpy(members).to(self.device)
            columns |= {name: values[rows] for name, values in self.targets.items()}
        return columns

    def places(self, members: IntArray) -> tuple[Tensor, Tensor]:
        """Return where the tokens of `members` lie in the flat columns, and which are real, [B, T] each."""
        width = int(self.lengths[members].max())
        lengths = torch.from_numpy(self.lengths[members])
        within = torch.arange(width)
        real = within < lengths[:, None]
        index = torch.from_numpy(self.starts[members])[:, None] + within
        return torch.where(real, index, 0), real


def make_resident(features: Features, device: torch.device) -> Sequences:
    """Put targets and the columns that have a padding value on the device, the latter flat."""
    lengths = features.lengths
    starts = np.cumsum(lengths) - lengths
    nothing = np.empty(0, dtype=np.int64)
    flat = {
        name: torch.from_numpy(np.concatenate(features.columns[name] or (nothing,))).to(device)
        for name in features.padding
    }
    targets = {name: torch.from_numpy(values.copy()).to(device) for name, values in features.targets.items()}
    return Sequences(flat, starts, lengths, dict(features.padding), device, targets=targets)
