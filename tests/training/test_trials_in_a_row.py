"""Many trials in one process: the last ones need no more memory than the first."""

from __future__ import annotations

from dataclasses import replace

import torch

from autoft.models.assembly import Recipe, assemble
from autoft.models.base import Pristine
from autoft.models.heads import Linear
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.models.methods.lora import Lora
from autoft.testing.fits import tiny_data, tiny_fit, tiny_runtime
from autoft.testing.leaks import alive
from autoft.training.config import FitConfig
from autoft.training.prefix import prefix_shape, run_prefix

METHODS = (Full(), Lora(), Adapter(), HeadOnly(), Full())
CONFIG = FitConfig(epochs=1, batch_size=4)


def short_trials(pristine: Pristine) -> None:
    """One trial of each method, the last one above frozen layers; every second one is left at its first evaluation."""
    for number, method in enumerate(METHODS):
        data, freeze = tiny_data(8), 0.67 if number == len(METHODS) - 1 else 0.0
        model = assemble(pristine, Recipe(Linear(), method, freeze, dropout=0.1), number)
        if freeze:
            hidden = torch.empty(prefix_shape(pristine, data))
            run_prefix(pristine, data, model.boundary, hidden, runtime=tiny_runtime())
            data = replace(data, hidden=hidden)
        for evaluation in tiny_fit(model, data, CONFIG, points={1: 1, 2: 2}):
            evaluation.snapshot()
            if number % 2:
                break


def test_two_hundred_trials_leave_as_much_behind_as_five(pristine: Pristine) -> None:
    short_trials(pristine)
    after_five = alive()
    for _ in range(39):
        short_trials(pristine)
    assert alive() == after_five
