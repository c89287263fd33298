"""LoRA: matrices of low rank beside the linear layers (Hu et al. 2021), by the `peft` library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from autoft.models.methods.base import Method, head_parts
from autoft.space.fields import parameter

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from autoft.models.anatomy import Anatomy, LinearPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora(Method):
    """Each targeted W becomes W + scaling * B A, with A [R, inputs] random and B [outputs, R] zero.

    The scaling is `alpha_ratio`, or with rank stabilisation `alpha_ratio * sqrt(rank)`
    (Kalajdzievski 2023). DoRA trains the norm of each row as well (Liu et al. 2024).
    """

    name: ClassVar[str] = "lora"
    learning_rate: float = parameter(1e-3, low=0.0, above_low=True, help="peak learning rate")
    rank: int = parameter(8, low=1, help="rank R of the update")
    alpha_ratio: float = parameter(2.0, low=0.0, above_low=True, help="alpha over rank, the scale of the update")
    targets: str = parameter("attention", choices=("attention", "all"), help="which linear layers get an update")
    dropout: float = parameter(0.0, low=0.0, high=1.0, help="dropout before the update")
    rslora: bool = parameter(False, help="scale with alpha over the root of the rank")
    dora: bool = parameter(False, help="train the norms of the matrices too")

    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return rank * (inputs + outputs) summed over the targets; DoRA adds the outputs."""
        return sum(
            self.rank * (part.inputs + part.outputs) + part.outputs * self.dora
            for part in self._targets(anatomy, layers)
        )

    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Put the updates in."""
        from peft import LoraConfig

        from autoft.models.adapters import add_peft
        from autoft.models.initial import kaiming_uniform

        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha_ratio * self.rank,
            lora_dropout=self.dropout,
            use_rslora=self.rslora,
            use_dora=self.dora,
            target_modules=[part.path for part in self._targets(anatomy, layers)],
            modules_to_save=head_parts(model, anatomy),
        )
        module = add_peft(model, config)
        for name, value in module.named_parameters():
            if ".lora_A." in name:
                value.data = kaiming_uniform(tuple(value.shape), seed, name).to(value.device)
        return module

    def merge(self, module: nn.Module, anatomy: Anatomy) -> PreTrainedModel:
        """Add the updates to the matrices."""
        del anatomy
        from autoft.models.adapters import merge_peft

        return merge_peft(module)

    def save_adapter(self, module: nn.Module, folder: Path) -> None:
        """Write the updates and the head as a PEFT adapter."""
        from autoft.models.adapters import save_peft

        save_peft(module, folder)

    def _targets(self, anatomy: Anatomy, layers: Sequence[int]) -> list[LinearPart]:
        chosen = [anatomy.layers[index] for index in layers]
        parts = [part for layer in chosen for part in layer.attention]
        if self.targets == "all":
            parts += [part for layer in chosen for part in layer.feed_forward.parts]
        return parts
