"""An encoder with a head that transformers does not know."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

from autoft.errors import ConfigError


class HeadedEncoder(PreTrainedModel):  # type: ignore[misc]
    """A base model and a head of autoft's own; to the rest of autoft it is a model like those of transformers.

    Args:
        encoder: The base model.
        head: Takes its hidden states, [B, T, D], and the batch's inputs.
    """

    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True

    def __init__(self, encoder: PreTrainedModel, head: nn.Module) -> None:
        super().__init__(encoder.config)
        self.encoder = encoder
        self.head = head
        self._known = frozenset(inspect.signature(type(encoder).forward).parameters)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        markers: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> TokenClassifierOutput:
        """Return the scores, [B, T, C] or [B, C], and the loss of each sequence, [B], where the head has its own.

        Args:
            input_ids: Tokens, [B, T].
            attention_mask: 1 where they are real, [B, T].
            token_type_ids: First or second text, [B, T].
            markers: Which tokens mark something, [B, T]; for the head alone.
            labels: Targets, for a head that reads them.
        """
        given = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
            "markers": markers,
            "labels": labels,
        }
        inputs = {name: value for name, value in given.items() if value is not None}
        hidden = self.encoder(**{name: value for name, value in inputs.items() if name in self._known})
        found = self.head(hidden.last_hidden_state, inputs)
        scores, losses = found if isinstance(found, tuple) else (found, None)
        return TokenClassifierOutput(loss=losses, logits=scores)


class OfTokens(nn.Module):
    """Scores of each token.

    Args:
        body: Takes hidden states, [B, T, D].
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, hidden: Tensor, inputs: Any) -> Tensor:
        """Return [B, T, C]."""
        del inputs
        return cast(Tensor, self.body(hidden))


class OfFirst(nn.Module):
    """Scores of a sequence, from its first token.

    Args:
        body: Takes hidden states, [B, D].
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, hidden: Tensor, inputs: Any) -> Tensor:
        """Return [B, C]."""
        del inputs
        return cast(Tensor, self.body(hidden[:, 0]))


def scores_of(output: Any) -> Tensor:
    """Return what a model's output says: `logits`, or the scores of first and last tokens side by side, [B, T, 2]."""
    if "logits" in output:
        return cast(Tensor, output.logits)
    return torch.stack((output.start_logits, output.end_logits), -1)


def classifier_path(model: PreTrainedModel) -> str:
    """Return the path of the last linear layer outside the base model.

    Raises:
        ConfigError: If there is none.
    """
    base = f"{model.base_model_prefix}."
    paths: list[str] = [
        path for path, module in model.named_modules() if isinstance(module, nn.Linear) and not path.startswith(base)
    ]
    if not paths:
        raise ConfigError(f"{type(model).__name__}: a linear layer outside {base[:-1]!r} expected, found none")
    return paths[-1]


def rescale_classifier(model: PreTrainedModel, scale: Sequence[float], shift: Sequence[float]) -> None:
    """Let the last linear layer give `scale * scores + shift`.

    Args:
        model: Changed in place.
        scale: Of each class, [C].
        shift: Of each class, [C].

    Raises:
        ConfigError: If the layer has no bias, or other classes.
    """
    path = classifier_path(model)
    layer = cast(nn.Linear, model.get_submodule(path))
    bias = cast("Tensor | None", layer.bias)
    if bias is None or not len(bias) == len(scale) == len(shift):
        raise ConfigError(f"{type(model).__name__}.{path}: a bias of each of {len(scale)} classes expected")
    factor, added = (torch.tensor(values, dtype=torch.float64, device=bias.device) for values in (scale, shift))
    layer.weight.data = (layer.weight.double() * factor[:, None]).to(layer.weight.dtype)
    bias.data = (bias.double() * factor + added).to(bias.dtype)
