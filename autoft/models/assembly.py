"""Assembly: base model, head, method and freezing become the module of one trial."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autoft.errors import ConfigError
from autoft.models.anatomy import Anatomy
from autoft.models.attention import use_masks_in_attention, use_plain_attention
from autoft.models.base import Pristine
from autoft.models.cutting import Cut
from autoft.models.dropout import Masks, set_dropout, silence_prefix, use_masks, use_plain_dropout
from autoft.models.freezing import trained_layers
from autoft.models.headed import scores_of
from autoft.models.heads import Head
from autoft.models.initial import initialise
from autoft.models.methods.base import Method
from autoft.models.objectives import Objective, Standard

_STANDARD = Standard()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a trial's module out of a base model.

    Attributes:
        head: What stands on the encoder.
        method: What trains.
        freeze: Share of the layers that do not.
        dropout: Probability everywhere in what is not frozen; None keeps the model's own.
        objective: What training makes small.
        shares: Of what is labelled in train, the share that has each class, [C]; for objectives that weigh classes.
    """

    head: Head
    method: Method
    freeze: float = 0.0
    dropout: float | None = None
    objective: Objective = _STANDARD
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        problems = [
            f"{name}: a value from 0 to {limit} expected, got {value!r}"
            for name, value, limit in (
                ("freeze", self.freeze, 1),
                ("dropout", self.dropout or 0.0, 1),
            )
            if not 0.0 <= value <= limit
        ]
        if problems:
            raise ConfigError(*problems)


class TrialModel:
    """A trial's module, and what a trainer asks of it.

    Attributes:
        module: Called as the model's own class is.
        plain: The model of that class, with what the method put into it.
        head: Owns the loss.
        classes: C.
        anatomy: Of the base model.
        parameters_delivered: Parameters of the merged model.
        boundary: Above which its frozen prefix it may start, see `Cut`; 0 where it cannot be cut there.
        masks: What its dropout draws from.
    """

    def __init__(
        self, module: nn.Module, plain: PreTrainedModel, recipe: Recipe, pristine: Pristine, *, parameters: int
    ) -> None:
        anatomy = pristine.anatomy
        self.module, self.plain = module, plain
        self.head = recipe.head
        self.anatomy = anatomy
        self.classes = len(pristine.labels)
        self._method = recipe.method
        self._objective, self._shares = recipe.objective, recipe.shares
        self._trainable = [
            (name, value, anatomy.unit_of(name)) for name, value in module.named_parameters() if value.requires_grad
        ]
        # PEFT keeps the head it copied as `original_module`.
        self.parameters_total = sum(
            value.numel() for name, value in module.named_parameters() if ".original_module." not in name
        )
        self.parameters_delivered = parameters + recipe.method.growth(anatomy)
        self.parameters_trainable = sum(value.numel() for _, value, _ in self._trainable)
        self.prefix_units = min(depth for _, _, depth in self._trainable)
        self.boundary = max((units for units in pristine.boundaries if units <= self.prefix_units), default=0)
        self._cut = Cut(plain, anatomy) if self.boundary else None
        self.masks = Masks()
        use_masks(module, self.masks)
        if pristine.masked:
            use_masks_in_attention(plain, self.masks)

    def logits(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the scores, [B, T, C] of tokens or [B, C] of sequences.

        Args:
            batch: Columns, [B, T] each; those that the model does not know are left out. With `hidden`, [B, T, D], what
                the units below `boundary` hand on, the model starts there.
        """
        return scores_of(self.output(batch))

    def output(self, batch: Mapping[str, Tensor]) -> Any:
        """Return all that the model says of a batch, from which the head knows the loss.

        Args:
            batch: As for `logits`; a head that reads labels gets them.
        """
        words = (*self.anatomy.inputs, "labels") if self.head.reads_labels else self.anatomy.inputs
        inputs = {word: batch[word] for word in words if word in batch}
        if self._cut is not None and "hidden" in batch:
            return self._cut.above(self.boundary, batch["hidden"], inputs)
        return self.module(**inputs)

    def layers_run(self, *, above: bool) -> tuple[int, int]:
        """Return through how many layers a token goes forward, and back.

        Args:
            above: Whether the model starts above its frozen prefix.
        """
        layers = self.anatomy.applications
        forward = layers - (self.boundary - 1) if above and self.boundary else layers
        return forward, layers - max(0, self.prefix_units - 1)

    def loss(self, batch: Mapping[str, Tensor], smoothing: float) -> tuple[Tensor, Tensor]:
        """Return the summed loss of what is labelled in a batch, and how much that is."""
        output = self.output(batch)
        if self.head.reads_labels:
            return self.head.loss_of(output, batch["labels"], smoothing)
        return self._objective.loss(self.head, scores_of(output).float(), batch["labels"], smoothing, self._shares)

    def named_trainable(self) -> list[tuple[str, nn.Parameter, int]]:
        """Return name, parameter and depth of all that trains, from 0 (embeddings) to the head."""
        return list(self._trainable)

    def weights(self) -> dict[str, Tensor]:
        """Return copies on the CPU of all that trains, by name."""
        return {
            name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
            for name, value, _ in self._trainable
        }

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Take over what `weights` returned for the same recipe.

        Raises:
            ValueError: If a name is missing, unknown, or of another shape.
        """
        if weights.keys() != {name for name, _, _ in self._trainable}:
            raise ValueError("weights of another recipe: the names of what trains differ")
        with torch.no_grad():
            for name, value, _ in self._trainable:
                if weights[name].shape != value.shape:
                    raise ValueError(f"weights of another recipe: {name} has another shape")
                value.copy_(weights[name])

    def sha256(self) -> str:
        """Return the digest of names and bytes of all that trains, in the order of names."""
        digest = hashlib.sha256()
        for name, value in sorted(self.weights().items()):
            digest.update(name.encode() + b"\0")
            digest.update(value.numpy().tobytes())
        return digest.hexdigest()

    def merged(self) -> PreTrainedModel:
        """Return a plain model on the CPU with the same outputs, sharing nothing with this one."""
        memo: dict[int, Tensor] = {
            id(value): _parameter(value.detach().to("cpu", copy=True)) for value in self.module.parameters()
        }
        memo |= {id(value): value.to("cpu", copy=True) for value in self.module.buffers()}
        plain = self._method.merge(copy.deepcopy(self.module, memo), self.anatomy)
        use_plain_dropout(plain)
        use_plain_attention(plain)
        return plain.eval().requires_grad_(False)

    def save_adapter(self, folder: Path) -> None:
        """Write what was trained without the base model.

        Raises:
            ConfigError: If the method has no adapter.
        """
        self._method.save_adapter(self.module, folder)


def what_trains(model: TrialModel) -> str:
    """Say what trains: `layers 3-6 and the head: 5,330,000 of 22,700,000 parameters`."""
    units = {depth for _, _, depth in model.named_trainable()}
    layers = sorted(units - {0, model.anatomy.top})
    words = ["the embeddings"] if 0 in units else []
    if layers and model.anatomy.shared:
        words.append("the shared layers")
    elif layers:
        first, last = layers[0], layers[-1]
        words.append(f"layers {first}-{last}" if first < last else f"layer {first}")
    words.append("the head")
    what = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    return f"{what}: {model.parameters_trainable:,} of {model.parameters_total:,} parameters"


def compatible(anatomy: Anatomy, head: Head, method: Method) -> str | None:
    """Return why such a model, head and method do not go together, or None if they do."""
    if not anatomy.head:
        return f"{anatomy.architecture}: a {head.kind} head expected outside the encoder, found none"
    return head.refuse() or method.refuse(anatomy)


def assemble(pristine: Pristine, recipe: Recipe, seed: int) -> TrialModel:
    """Make the module of one trial; depends on nothing but the arguments.

    What does not train shares its memory with `pristine`, which is never changed.

    Raises:
        ConfigError: If the method cannot tune the model.
        ValueError: If the recipe's head is not the one that the model was loaded with.
    """
    if recipe.head != pristine.head:
        raise ValueError(f"the head {pristine.head} that the model was loaded with expected, got {recipe.head}")
    anatomy = pristine.anatomy
    refusal = compatible(anatomy, recipe.head, recipe.method)
    if refusal:
        raise ConfigError(refusal)
    model = _shared_copy(pristine.model)
    initialise(model, pristine.fresh, seed)
    if recipe.dropout is not None:
        set_dropout(model, recipe.dropout)
    parameters = sum(value.numel() for value in model.parameters())
    layers = trained_layers(recipe.freeze, anatomy)
    module = recipe.method.wrap(model, anatomy, layers, seed)
    for value in module.parameters():
        if value.requires_grad:
            value.data = value.data.clone()
    trial = TrialModel(module, model, recipe, pristine, parameters=parameters)
    silence_prefix(model, anatomy, trial.prefix_units)
    return trial


def _shared_copy(model: PreTrainedModel) -> PreTrainedModel:
    """Copy modules and configuration, not the numbers in them."""
    memo: dict[int, Tensor] = {id(value): _parameter(value.detach()) for value in model.parameters()}
    memo |= {id(value): value for value in model.buffers()}
    return copy.deepcopy(model, memo)


def _parameter(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value, requires_grad=False)
