"""IA3: factors on keys, values and the feed-forward (Liu et al. 2022), by the `peft` library."""

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
class Ia3(Method):
    """One factor for each key, each value and each intermediate unit; all start at 1.

    Where queries, keys and values are one matrix (ModernBERT), the queries get factors as well.
    """

    name: ClassVar[str] = "ia3"
    learning_rate: float = parameter(3e-3, low=0.0, above_low=True, help="peak learning rate")

    def refuse(self, anatomy: Anatomy) -> str | None:
        """Refuse a model whose keys and values cannot be told apart from the rest."""
        if not all(_keys_and_values(anatomy, index) for index in range(len(anatomy.layers))):
            return f"{anatomy.architecture}: ia3 needs linear layers named for keys and values"
        return None

    def count(self, anatomy: Anatomy, layers: Sequence[int]) -> int:
        """Return the outputs of keys and values and the intermediate units."""
        return sum(
            sum(part.outputs for part in _keys_and_values(anatomy, index))
            + anatomy.layers[index].feed_forward.down.inputs
            for index in layers
        )

    def wrap(self, model: nn.Module, anatomy: Anatomy, layers: Sequence[int], seed: int) -> nn.Module:
        """Put the factors in."""
        del seed
        from peft import IA3Config

        from autoft.models.adapters import add_peft

        inner = [part.path for index in layers for part in _keys_and_values(anatomy, index)]
        outer = [anatomy.layers[index].feed_forward.down.path for index in layers]
        config = IA3Config(
            target_modules=inner + outer,
            feedforward_modules=outer,
            modules_to_save=head_parts(model, anatomy),
        )
        return add_peft(model, config)

    def merge(self, module: nn.Module, anatomy: Anatomy) -> PreTrainedModel:
        """Multiply the factors into the matrices."""
        del anatomy
        from autoft.models.adapters import merge_peft

        return merge_peft(module)

    def save_adapter(self, module: nn.Module, folder: Path) -> None:
        """Write the factors and the head as a PEFT adapter."""
        from autoft.models.adapters import save_peft

        save_peft(module, folder)


def _keys_and_values(anatomy: Anatomy, index: int) -> list[LinearPart]:
    parts = anatomy.layers[index].attention
    fused = [part for part in parts if part.outputs == 3 * anatomy.width]
    return fused or [part for part in parts if part.path.rpartition(".")[2][0] in "kv"]
