"""Cutting: a model run in two parts, its frozen prefix once and what stands above it as often as it trains."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from autoft.models.anatomy import Anatomy
from autoft.models.headed import scores_of

Inputs = Mapping[str, Tensor]
_LOWEST = 2


class Cut:
    """A model that can be run below and above a boundary.

    A boundary is the number of units that lie below it, see `Anatomy`: below boundary i + 1 are the embeddings and i
    layers, below the highest one is the whole base model. Modules are exchanged while a part runs and put back, so
    that names, weights and forward passes of the model stay as they are.

    Args:
        model: Not inside PEFT's wrapper; its modules may have been changed by it.
        anatomy: Of the base model.
    """

    def __init__(self, model: PreTrainedModel, anatomy: Anatomy) -> None:
        self._model, self._top = model, anatomy.top
        owner, _, self._name = anatomy.layers[0].path.rpartition(".")[0].rpartition(".")
        self._owner = model.get_submodule(owner)
        self._read = frozenset(inspect.signature(type(model.base_model).forward).parameters)
        self._layers = [model.get_submodule(layer.path) for layer in anatomy.layers]
        self._base: Any = model.base_model
        self._below = [name for name, _ in self._base.named_children() if _all_below(model, anatomy, name)]
        inside = f"{model.base_model_prefix}."
        self._poolers = [model.get_submodule(path) for path in anatomy.head if path.startswith(inside)]
        self._given = _Given()
        self._parts: dict[tuple[int, int], nn.ModuleList] = {}

    def above(self, boundary: int, hidden: Tensor, inputs: Inputs) -> Any:
        """Return the model's output from what stands below a boundary.

        Args:
            boundary: Where `hidden` was taken.
            hidden: What `below` returned, [B, T, D].
            inputs: What `forward` takes of the batch.
        """
        self._given.value = hidden
        if boundary == self._top:
            base: nn.Module = _GivenBase(self._given, self._poolers)
            changes = {(self._model, self._model.base_model_prefix): base}
        else:
            changes = self._started(boundary, len(self._layers))
        with _exchanged(changes):
            return self._model(**inputs)

    def below(self, boundary: int, inputs: Inputs, start: int = 0, hidden: Tensor | None = None) -> Tensor:
        """Return what the units below a boundary hand on, [B, T, D].

        Args:
            boundary: Where to stop.
            inputs: What `forward` takes of the batch.
            start: A lower boundary to start from; 0 starts from the tokens.
            hidden: What was taken there, [B, T, D].
        """
        last = len(self._layers) if boundary == self._top else boundary - 1
        watched = self._base if boundary == self._top else self._layers[last - 1]
        changes: dict[tuple[nn.Module, str], nn.Module] = {(self._owner, self._name): self._part(0, last)}
        if hidden is not None:
            self._given.value = hidden
            changes = self._started(start, last)
        found: list[Tensor] = []

        def note(module: nn.Module, args: Any, output: Any) -> None:
            del module, args
            found.append(_first(output))

        handle = watched.register_forward_hook(note)
        try:
            with _exchanged(changes):
                self._base(**{name: value for name, value in inputs.items() if name in self._read})
        finally:
            handle.remove()
        return found[0]

    def _started(self, boundary: int, last: int) -> dict[tuple[nn.Module, str], nn.Module]:
        """Return what is exchanged to start with the layers from a boundary on, as many as `last`."""
        first, *others = self._below
        changes: dict[tuple[nn.Module, str], nn.Module] = {(self._base, first): self._given}
        changes |= {(self._base, name): nn.Identity() for name in others}
        changes[self._owner, self._name] = self._part(boundary - 1, last)
        return changes

    def _part(self, first: int, last: int) -> nn.ModuleList:
        if (first, last) not in self._parts:
            self._parts[first, last] = nn.ModuleList(self._layers[first:last])
        return self._parts[first, last]


def exact_boundaries(model: PreTrainedModel, anatomy: Anatomy) -> frozenset[int]:
    """Return the boundaries at which both parts of a model together give the bits of the whole.

    They are tried on a few tokens: families differ in what they do around their layers, and one that mixes layers
    (DeBERTa's convolution, shared layers) cannot be cut there.

    Args:
        model: In evaluation mode.
        anatomy: Of it.
    """
    if anatomy.shared or len({layer.path.rpartition(".")[0] for layer in anatomy.layers}) > 1:
        return frozenset()
    cut = Cut(model, anatomy)
    inputs = few_tokens(model, anatomy)
    with torch.no_grad():
        whole = scores_of(model(**inputs))
        found = [boundary for boundary in range(_LOWEST, anatomy.top + 1) if _same(cut, boundary, inputs, whole)]
        exact = all(_continued(cut, lower, boundary, inputs) for lower, boundary in itertools.pairwise(found))
        return frozenset(found) if exact else frozenset()


def reads_above(model: PreTrainedModel, anatomy: Anatomy) -> bool:
    """Tell whether a head looks at the batch's inputs, besides what the whole base model hands on."""
    cut = Cut(model, anatomy)
    inputs = few_tokens(model, anatomy)
    with torch.no_grad():
        hidden = cut.below(anatomy.top, inputs)
        whole = scores_of(cut.above(anatomy.top, hidden, inputs))
        try:
            bare = scores_of(cut.above(anatomy.top, hidden, {}))
        # A head that needs them may fail in any way.
        except Exception:  # noqa: BLE001
            return True
    return not _equal(bare, whole, inputs)


def _same(cut: Cut, boundary: int, inputs: Inputs, whole: Tensor) -> bool:
    """Tell whether a model gives the bits of `whole` above a boundary, whatever stands on padding."""
    real = inputs["attention_mask"].bool()
    try:
        hidden = cut.below(boundary, inputs)
        fillers = (torch.where(real[..., None], hidden, filler) for filler in (0.0, 7.0))
        found = [scores_of(cut.above(boundary, one, inputs)) for one in fillers]
    # A family that cannot be cut may fail in any way; its trials start from their tokens.
    except Exception:  # noqa: BLE001
        return False
    return all(_equal(one, whole, inputs) for one in found)


def _equal(scores: Tensor, whole: Tensor, inputs: Inputs) -> bool:
    """Tell whether scores have the bits of `whole`; what stands on padding is never looked at."""
    seen = inputs["attention_mask"].bool() if whole.ndim == 3 else slice(None)
    return scores.shape == whole.shape and torch.equal(scores[seen], whole[seen])


def _continued(cut: Cut, lower: int, boundary: int, inputs: Inputs) -> bool:
    """Tell whether a boundary is the same from a lower one, whatever stands on padding there."""
    real = inputs["attention_mask"].bool()
    known = torch.where(real[..., None], cut.below(lower, inputs), 7.0)
    return torch.equal(cut.below(boundary, inputs, lower, known)[real], cut.below(boundary, inputs)[real])


def few_tokens(model: PreTrainedModel, anatomy: Anatomy) -> dict[str, Tensor]:
    """Return what `forward` takes of two short sequences, the second one padded, [2, 6] each."""
    ids = torch.arange(12, device=model.device).reshape(2, 6) % model.config.vocab_size
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    markers = torch.zeros_like(ids)
    markers[:, 1], markers[:, 2] = 1, 2
    batch = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids), "markers": markers}
    return {name: batch[name] for name in anatomy.inputs if name in batch}


def _all_below(model: PreTrainedModel, anatomy: Anatomy, child: str) -> bool:
    """Tell whether a part of the base model holds nothing but parameters that the first layer's input needs."""
    inside = f"{model.base_model_prefix}.{child}."
    units = {unit for name, unit in anatomy.units.items() if name.startswith(inside)}
    return units == {0}


def _first(output: Any) -> Tensor:
    return cast(Tensor, output if isinstance(output, Tensor) else output[0])


class _Given(nn.Module):
    """Hands on what it was given, whatever it is called with."""

    value: Tensor

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        del args, kwargs
        return self.value


class _GivenBase(nn.Module):
    """The same in the place of a base model, with its pooler on it where the head reads that.

    Args:
        given: What it hands on.
        poolers: One, or none. They stay members of the base model, whose names this does not change.
    """

    def __init__(self, given: _Given, poolers: Sequence[nn.Module]) -> None:
        super().__init__()
        self._given = given
        self._poolers = tuple(poolers)

    def forward(self, *args: Any, **kwargs: Any) -> BaseModelOutputWithPooling:
        del args, kwargs
        hidden: Any = self._given.value
        pooled: Any = self._poolers[0](hidden) if self._poolers else None
        return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooled)


@contextmanager
def _exchanged(changes: Mapping[tuple[nn.Module, str], nn.Module]) -> Iterator[None]:
    """Put other modules in the place of some, and those back."""
    before = {place: getattr(*place) for place in changes}
    try:
        for (owner, name), module in changes.items():
            setattr(owner, name, module)
        yield
    finally:
        for (owner, name), module in before.items():
            setattr(owner, name, module)
