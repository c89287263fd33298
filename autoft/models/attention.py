"""Attention whose dropout draws from a trial's masks; PyTorch's own where there is nothing to drop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from autoft.models.dropout import Masks, dropped
from autoft.models.headed import scores_of

_NAME, _PLAIN = "autoft", "sdpa"
_ATTRIBUTE = "_autoft_masks"
# What some families hand over besides: biases by position, caps and sinks of scores.
_BESIDES = ("position_bias", "softcap", "s_aux")


def masks_fit(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> bool:
    """Tell whether a model is the same when it asks for autoft's attention: some look at the name of what they use.

    Args:
        model: In evaluation mode; left as it is.
        inputs: What `forward` takes of a batch.
    """
    with torch.no_grad():
        whole = scores_of(model(**inputs))
        if not _ask_for(model, _PLAIN, _NAME):
            return False
        try:
            return torch.equal(scores_of(model(**inputs)), whole)
        finally:
            _ask_for(model, _NAME, _PLAIN)


def use_masks_in_attention(model: PreTrainedModel, masks: Masks) -> None:
    """Let attention draw its dropout from `masks`, where the family asks transformers for its attention."""
    if not _ask_for(model, _PLAIN, _NAME):
        return
    for module in model.modules():
        setattr(module, _ATTRIBUTE, masks)


def use_plain_attention(model: PreTrainedModel) -> None:
    """Undo what `use_masks_in_attention` did."""
    if not _ask_for(model, _NAME, _PLAIN):
        return
    for module in model.modules():
        if _ATTRIBUTE in vars(module):
            delattr(module, _ATTRIBUTE)


def _ask_for(model: PreTrainedModel, old: str, new: str) -> bool:
    """Let a model ask for another attention; return False where it does not ask for `old`."""
    # The only name that transformers has for it once a model is made; `set_attn_implementation` knows its own alone.
    if model.config._attn_implementation != old:  # noqa: SLF001
        return False
    model.config._attn_implementation = new  # noqa: SLF001
    return True


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **given: Any,
) -> tuple[Tensor, None]:
    masks = getattr(module, _ATTRIBUTE, None)
    if not dropout or masks is None or not _is_plain(module, query, key, attention_mask, given):
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **given
        )
        return found
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query * factor, key.transpose(2, 3))  # [B, H, T, T]
    if attention_mask is not None:
        lowest = torch.finfo(scores.dtype).min
        bias = torch.zeros_like(attention_mask, dtype=scores.dtype).masked_fill_(~attention_mask, lowest)
        scores = scores + bias
    weights = dropped(scores.softmax(-1), dropout, masks)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), None


def _is_plain(module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, given: Mapping[str, Any]) -> bool:
    """Tell whether attention is of the plain kind, which is all that is drawn from masks of a trial's own."""
    if query.device.type != "cpu" or query.dtype is not torch.float32 or key.shape[1] != query.shape[1]:
        return False
    if mask is not None and mask.dtype is not torch.bool:
        return False
    causal = given.get("is_causal")
    causal = getattr(module, "is_causal", True) if causal is None else causal
    return not (causal and mask is None) and all(given.get(name) is None for name in _BESIDES)


AttentionInterface.register(_NAME, _attention)
AttentionMaskInterface.register(_NAME, sdpa_mask)
