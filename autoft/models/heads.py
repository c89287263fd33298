"""Heads: what stands on the encoder, and the loss it is trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from autoft.errors import ConfigError
from autoft.registry import Registry, nearest
from autoft.space.fields import check_fields, parameter

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

IGNORED = -100
"""The target of positions that have no label."""

KINDS: dict[str, str] = {"token-classification": "AutoModelForTokenClassification"}
"""Kind of head -> the class of transformers that loads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What turns hidden states into scores of classes.

    Attributes:
        name: The word in search spaces and the registry.
        plain: Whether the exported model loads with the plain class named in `KINDS`.
        kind: What is classified; the task says so.
    """

    name: ClassVar[str]
    plain: ClassVar[bool] = True
    kind: str = "token-classification"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.kind not in KINDS:
            raise ConfigError(f"unknown kind of head {self.kind!r}{nearest(self.kind, KINDS)}")

    def attach(self, model: PreTrainedModel, seed: int) -> None:
        """Put the head on `model`; by default the classifier in place is the head."""
        del model, seed

    def loss(self, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Return the summed cross-entropy of what is labelled, and how much that is.

        Dividing by the count over all micro-batches gives the mean of the effective batch. Label
        smoothing spreads its share evenly over all classes (Szegedy et al. 2016).

        Args:
            logits: Scores of each class, [B, T, C].
            labels: Class of each token, -100 where it has none, [B, T].
            smoothing: Share of the target given to all classes.
        """
        from torch.nn import functional

        summed = functional.cross_entropy(
            logits.flatten(0, -2),
            labels.flatten(),
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=smoothing,
        )
        return summed, (labels != IGNORED).sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Head):
    """The classifier that the model's own class has."""

    name: ClassVar[str] = "linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp(Head):
    """Two layers instead of the last linear one; no plain class of transformers loads it."""

    name: ClassVar[str] = "mlp"
    plain: ClassVar[bool] = False
    size: int = parameter(256, low=1, help="width between the head's two layers")

    def attach(self, model: PreTrainedModel, seed: int) -> None:
        """Replace the classifier by two linear layers with GELU between them."""
        from torch import nn

        from autoft.models.initial import initialise

        path = classifier_path(model)
        old = model.get_submodule(path)
        new = nn.Sequential(nn.Linear(old.in_features, self.size), nn.GELU(), nn.Linear(self.size, old.out_features))
        new.to(old.weight.device)
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, new)
        initialise(model, (f"{path}.{name}" for name, _ in new.named_parameters()), seed)


def classifier_path(model: PreTrainedModel) -> str:
    """Return the path of the last linear layer outside the base model.

    Raises:
        ConfigError: If there is none.
    """
    from torch import nn

    base = f"{model.base_model_prefix}."
    paths: list[str] = [
        path for path, module in model.named_modules() if isinstance(module, nn.Linear) and not path.startswith(base)
    ]
    if not paths:
        raise ConfigError(f"{type(model).__name__}: a linear layer outside {base[:-1]!r} expected, found none")
    return paths[-1]


HEADS: Registry[type[Head]] = Registry("head", group="autoft.heads")
HEADS.add("linear", Linear)
HEADS.add("mlp", Mlp)
