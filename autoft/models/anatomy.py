"""Anatomy: where a model's embeddings, layers and head are, found by inspection and one run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autoft.errors import ConfigError

_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "markers")
_WIDENED = ("intermediate_size", "hidden_dim", "ffn_dim", "d_ff")


@dataclass(frozen=True, slots=True)
class LinearPart:
    """One linear layer: its path, and its shape."""

    path: str
    inputs: int
    outputs: int
    bias: bool


@dataclass(frozen=True, slots=True)
class FeedForward:
    """A layer's feed-forward: `down(act(up(x)))`, or `down(act(up(x)) * gate(x))`.

    Attributes:
        up: From width D to the intermediate size; twice as many outputs where it is fused with the
            gate.
        down: Back to width D.
        gate: A gate with a matrix of its own, if there is one.
    """

    up: LinearPart
    down: LinearPart
    gate: LinearPart | None = None

    @property
    def fused(self) -> bool:
        """Whether `up` holds the gate as its second half."""
        return self.up.outputs == 2 * self.down.inputs

    @property
    def parts(self) -> tuple[LinearPart, ...]:
        """All of its linear layers."""
        return (self.up, self.down) if self.gate is None else (self.up, self.gate, self.down)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its path, its linear layers, and the parameters in it."""

    path: str
    attention: tuple[LinearPart, ...]
    feed_forward: FeedForward
    biases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Where the parts of a model are.

    Units count from the bottom: 0 is the embeddings and all else that the first layer's input needs
    (DeBERTa's relative embeddings, ELECTRA's projection), i + 1 is layer i, the last is the head, to which all belongs
    that stands above the layers' last hidden states (BERT's pooler).

    Attributes:
        architecture: The model's class.
        width: D.
        layers: The layers, bottom up.
        applications: How often a layer runs in one forward pass: L, also where layers share their
            parameters.
        units: Parameter -> unit; parameters that the forward pass never uses are left out.
        sizes: Parameter -> how many numbers it holds.
        head: Modules that hold the head's parameters: those outside the base model, and its pooler where it is used.
        widened: The configuration's name for the intermediate size, None where it has none.
        inputs: What `forward` accepts of a batch.
    """

    architecture: str
    width: int
    layers: tuple[Layer, ...]
    applications: int
    units: Mapping[str, int]
    sizes: Mapping[str, int]
    head: tuple[str, ...]
    widened: str | None
    inputs: tuple[str, ...]

    @property
    def shared(self) -> bool:
        """Whether a layer runs more than once (ALBERT); then nothing can be frozen."""
        return self.applications > len(self.layers)

    @property
    def top(self) -> int:
        """The head's unit."""
        return len(self.layers) + 1

    def unit_of(self, path: str) -> int:
        """Return the unit of a module or parameter, also one that a method put in later."""
        if path in self.units:
            return self.units[path]
        dotted = f".{path}."
        for index, layer in enumerate(self.layers):
            if f".{layer.path}." in dotted:
                return index + 1
        if any(f".{head}." in dotted for head in self.head):
            return self.top
        while path:
            inside = [unit for name, unit in self.units.items() if name.startswith(f"{path}.")]
            if inside and max(inside) < self.top:
                return max(inside)
            path = path.rpartition(".")[0]
        return self.top

    def count(self, units: Iterable[int]) -> int:
        """Return how many parameters `units` hold."""
        wanted = set(units)
        return sum(self.sizes[name] for name, unit in self.units.items() if unit in wanted)


def inspect_model(model: PreTrainedModel) -> Anatomy:
    """Find the parts of `model`.

    Raises:
        ConfigError: If it is no encoder whose layers can be told apart; says what was looked for.
    """
    name = type(model).__name__
    if getattr(model.config, "is_encoder_decoder", False):
        raise ConfigError(f"{name}: an encoder expected, got an encoder-decoder")
    base = model.base_model
    prefix = f"{model.base_model_prefix}."
    paths = [f"{prefix}{path}" for path in _layer_paths(base)] if base is not model else []
    if not paths:
        raise ConfigError(
            f"{name}: layers expected as a ModuleList in {prefix[:-1]!r}, each with an "
            "attention module and a feed-forward, found none"
        )
    width = getattr(model.config, "hidden_size", 0)
    layers = tuple(_layer(model, path, width) for path in paths)
    inputs = _accepted(model)
    applications, reached, encoded, used = _trace(model, paths, inputs)
    units = {}
    for parameter_name, parameter in model.named_parameters():
        if parameter in used:
            inside = len(layers) if parameter in encoded else len(layers) + 1
            units[parameter_name] = next((unit for unit, members in enumerate(reached) if parameter in members), inside)
    hidden = layers[0].feed_forward.down.inputs
    return Anatomy(
        architecture=name,
        width=width,
        layers=layers,
        applications=applications,
        units=units,
        sizes={name: parameter.numel() for name, parameter in model.named_parameters()},
        head=_head(model, units, len(layers) + 1),
        widened=next((word for word in _WIDENED if getattr(model.config, word, None) == hidden), None),
        inputs=inputs,
    )


def _head(model: PreTrainedModel, units: Mapping[str, int], top: int) -> tuple[str, ...]:
    """Return the modules outside the base model that hold parameters, and those in it that belong to the head alone."""
    base = model.base_model
    prefix = f"{model.base_model_prefix}."
    inside = [f"{prefix}{path}" for path, _ in base.named_children()]
    found = {path: {unit for name, unit in units.items() if name.startswith(f"{path}.")} for path in inside}
    poolers = [path for path in inside if found[path] == {top}]
    outside = [
        path for path, child in model.named_children() if child is not base and any(True for _ in child.parameters())
    ]
    return (*poolers, *outside)


def _layer_paths(base: nn.Module) -> list[str]:
    """Return the members of the innermost module lists that hold whole layers, in order."""
    lists = [
        (path, module)
        for path, module in base.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) and all(map(_is_layer, module))
    ]
    innermost = [
        (path, module) for path, module in lists if not any(other.startswith(f"{path}.") for other, _ in lists)
    ]
    return [f"{path}.{index}" for path, module in innermost for index in range(len(module))]


def _is_layer(module: nn.Module) -> bool:
    attention = {path for path, _ in _attention(module)}
    return bool(attention) and len(_outside(module, attention)) >= 2


def _attention(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(path, child) for path, child in module.named_modules() if "attention" in type(child).__name__.lower()]


def _outside(module: nn.Module, attention: set[str]) -> list[str]:
    """Return the paths of linear layers that lie in no attention module."""
    return [
        path
        for path, child in module.named_modules()
        if isinstance(child, nn.Linear) and not any(path.startswith(f"{other}.") for other in attention)
    ]


def _layer(model: PreTrainedModel, path: str, width: int) -> Layer:
    module = model.get_submodule(path)

    def part(inner: str) -> LinearPart:
        linear = module.get_submodule(inner)
        return LinearPart(f"{path}.{inner}", linear.in_features, linear.out_features, linear.bias is not None)

    attention = {inner for inner, _ in _attention(module)}
    outside = _outside(module, attention)
    inside = [inner for inner, child in module.named_modules() if isinstance(child, nn.Linear) and inner not in outside]
    return Layer(
        path=path,
        attention=tuple(part(inner) for inner in inside),
        feed_forward=_feed_forward(type(model).__name__, [part(inner) for inner in outside], width),
        biases={
            f"{path}.{inner}": parameter.numel()
            for inner, parameter in module.named_parameters()
            if inner.endswith("bias")
        },
    )


def _feed_forward(name: str, parts: list[LinearPart], width: int) -> FeedForward:
    down = parts[-1]
    ups = parts[:-1]
    fits = down.outputs == width and all(up.inputs == width for up in ups)
    if fits and len(ups) == 1 and ups[0].outputs in {down.inputs, 2 * down.inputs}:
        return FeedForward(ups[0], down)
    if fits and len(ups) == 2 and all(up.outputs == down.inputs for up in ups):
        return FeedForward(ups[0], down, gate=ups[1])
    shapes = ", ".join(f"{part.path} {part.inputs}->{part.outputs}" for part in parts)
    raise ConfigError(
        f"{name}: a feed-forward expected of one linear layer up from width {width}, perhaps "
        f"a gate, and one down, got {shapes}"
    )


def _accepted(model: PreTrainedModel) -> tuple[str, ...]:
    known = inspect.signature(type(model).forward).parameters
    return tuple(word for word in _INPUTS if word in known)


def _trace(
    model: PreTrainedModel, paths: list[str], inputs: tuple[str, ...]
) -> tuple[int, list[set[nn.Parameter]], set[nn.Parameter], set[nn.Parameter]]:
    """Run four tokens through the model and follow the graph of gradients back.

    Returns:
        How often layers ran, the parameters that the input of each layer depends on, those that the base model's last
        hidden states depend on, those that the scores depend on.
    """
    encoded: set[nn.Parameter] = set()
    reached: list[set[nn.Parameter]] = [set() for _ in paths]
    calls: list[int] = []

    def note(index: int) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if index not in calls:
                reached[index] = _leaves(_tensors((*args, *kwargs.values())))
            calls.append(index)

        return hook

    handles = [
        model.get_submodule(path).register_forward_pre_hook(note(index), with_kwargs=True)
        for index, path in enumerate(paths)
    ]

    def note_encoded(_: nn.Module, args: Any, output: Any) -> None:
        del args
        encoded.update(_leaves([output if isinstance(output, Tensor) else output[0]]))

    handles.append(model.base_model.register_forward_hook(note_encoded))
    ids = torch.arange(4, device=model.device)[None] % model.config.vocab_size
    # Every token but the first is marked, each otherwise.
    markers = torch.arange(4, device=model.device)[None]
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "markers": markers}
    try:
        with _gradients(model):
            used = _leaves([model(**{word: batch[word] for word in inputs if word in batch})[0]])
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{type(model).__name__}: scores from token ids alone expected, got {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    return len(calls), reached, encoded, used


@contextmanager
def _gradients(model: PreTrainedModel) -> Iterator[None]:
    """Let all parameters require gradients, in evaluation mode, and put everything back."""
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    training = model.training
    model.eval()
    try:
        for parameter, _ in before:
            parameter.requires_grad_(True)
        with torch.enable_grad():
            yield
    finally:
        for parameter, required in before:
            parameter.requires_grad_(required)
        model.train(training)


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)
        elif isinstance(value, dict):
            yield from _tensors(value.values())


def _leaves(tensors: Iterable[Tensor]) -> set[nn.Parameter]:
    """Return the parameters that `tensors` were computed from."""
    found: set[nn.Parameter] = set()
    stack: list[Any] = []
    for tensor in tensors:
        if isinstance(tensor, nn.Parameter):
            found.add(tensor)
        elif tensor.grad_fn is not None:
            stack.append(tensor.grad_fn)
    seen: set[Any] = set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(node.variable)
        stack.extend(child for child, _ in node.next_functions if child is not None)
    return found
