"""Initial values of new parameters: each from a generator of its own."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


def generator(seed: int, name: str) -> torch.Generator:
    """Return the CPU generator for the parameter `name` of the trial with `seed`."""
    digest = hashlib.sha256(f"{seed}/initial/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def initialise(model: PreTrainedModel, names: Iterable[str], seed: int) -> None:
    """Give the parameters `names` new tensors: normal weights, zero biases, norms of one.

    The standard deviation is the configuration's `initializer_range`.
    """
    deviation = float(getattr(model.config, "initializer_range", 0.02))
    for name in names:
        path, _, leaf = name.rpartition(".")
        parameter = model.get_parameter(name)
        is_norm = "norm" in type(model.get_submodule(path)).__name__.lower()
        if leaf == "bias":
            value = torch.zeros(parameter.shape)
        elif is_norm:
            value = torch.ones(parameter.shape)
        else:
            value = torch.empty(parameter.shape).normal_(std=deviation, generator=generator(seed, name))
        parameter.data = value.to(parameter.device, parameter.dtype)


def kaiming_uniform(shape: tuple[int, ...], seed: int, name: str) -> Tensor:
    """Return a matrix as `nn.Linear` initialises its weight, [outputs, inputs]."""
    return nn.init.kaiming_uniform_(torch.empty(shape), a=math.sqrt(5), generator=generator(seed, name))
