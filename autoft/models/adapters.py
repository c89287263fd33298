"""PEFT adapters: put in, merged and saved without the global random state or the network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

import peft
import torch
from torch import nn
from transformers import PreTrainedModel


def add_peft(model: nn.Module, config: Any) -> nn.Module:
    """Return `model` with the adapter of `config` in it; a copy of the head trains with it."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # PEFT still asks for the old name of activation checkpointing.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return cast(nn.Module, peft.get_peft_model(model, config))


def merge_peft(module: Any) -> PreTrainedModel:
    """Return the plain model inside, the adapter's weights merged into its own."""
    return cast(PreTrainedModel, module.merge_and_unload())


def save_peft(module: Any, folder: Path) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors`."""
    # "auto" would ask the hub whether the vocabulary changed.
    module.save_pretrained(str(folder), save_embedding_layers=False)
