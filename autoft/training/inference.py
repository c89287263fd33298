"""Inference: the scores of each sequence, and the mean loss of a split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from autoft.models.assembly import TrialModel
from autoft.models.headed import scores_of
from autoft.training.batches import Sequences
from autoft.training.order import sorted_batches
from autoft.training.runtime import Runtime, memory_errors


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model says of a split.

    Attributes:
        scores: One array a sequence in the split's order, [T, C] or [C], without padding.
        loss: Mean loss over all labelled tokens or rows; NaN where nothing is labelled.
    """

    scores: list[npt.NDArray[np.float32]]
    loss: float


def run_model(model: TrialModel, data: Sequences, runtime: Runtime) -> Outputs:
    """Score every sequence in large batches sorted by length; consumes no randomness.

    In float32 on every device: so is what is delivered, whose scores these must be.

    Raises:
        OutOfMemory: If a batch does not fit.
    """
    model.module.eval()
    scores: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)] * len(data)
    total, count = 0.0, 0
    with torch.inference_mode(), memory_errors("trial.evaluate"):
        for members in sorted_batches(data.lengths, tokens=runtime.evaluation_tokens):
            runtime.tick()
            batch = data.batch(members)
            output = model.output(batch)
            logits = scores_of(output)
            if "labels" in batch:
                summed, labelled = model.head.loss_of(output, batch["labels"], 0.0)
                total, count = total + float(summed), count + int(labelled)
            for row, member in zip(logits.cpu().numpy(), members, strict=True):
                scores[member] = row[: data.lengths[member]].copy() if row.ndim > 1 else row.copy()
    return Outputs(scores, total / count if count else float("nan"))
