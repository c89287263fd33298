"""A bare training loop: the least that trains a token classifier, with nothing around it.

Batches of similar length, collated before the clock starts, resident; fused AdamW; linear schedule; clipping. What
autoft's trainer takes longer than this is its overhead.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Batch = dict[str, Tensor]


def train_bare(
    model: Any,
    batches: Sequence[Batch],
    *,
    learning_rate: float,
    weight_decay: float,
    clip: float,
    warmup: int,
    total: int,
) -> float:
    """Train one pass over the batches and return its seconds.

    Args:
        model: Its parameters that require gradients train.
        batches: Columns, [B, T] each, `labels` with -100 where there is none.
        learning_rate: Peak.
        weight_decay: Of matrices; vectors have none.
        clip: Most norm of the gradient.
        warmup: Steps with a rising learning rate.
        total: Steps of the schedule.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [one for one in trained if one.ndim > 1], "weight_decay": weight_decay},
        {"params": [one for one in trained if one.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=True)
    inputs = [{name: value for name, value in batch.items() if name != "labels"} for batch in batches]
    model.train()
    started = time.perf_counter()
    for step, (columns, batch) in enumerate(zip(inputs, batches, strict=True)):
        factor = (step + 1) / warmup if step < warmup else 1.0 - (step - warmup) / (total - warmup)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * factor
        logits = model(**columns).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=-100)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - started
