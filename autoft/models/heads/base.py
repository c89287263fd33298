"""The contract of a head: what stands on the encoder, and the loss it is trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from autoft.errors import ConfigError
from autoft.registry import nearest
from autoft.space.fields import check_fields

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked of a model.

    Attributes:
        auto: The class of transformers that loads a model of this kind.
        problem: Its `problem_type`, where the class does several things.
    """

    auto: str
    problem: str | None = None


_SEQUENCES = "AutoModelForSequenceClassification"
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "token-classification": Kind("AutoModelForTokenClassification"),
        "sequence-classification": Kind(_SEQUENCES, "single_label_classification"),
        "multi-label-classification": Kind(_SEQUENCES, "multi_label_classification"),
        "regression": Kind(_SEQUENCES, "regression"),
        "question-answering": Kind("AutoModelForQuestionAnswering"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What turns hidden states into scores.

    A head is added by one file with one subclass. Its fields are declared with `autoft.space.fields.parameter`.

    Attributes:
        name: The word in search spaces and the registry.
        plain: Whether the exported model loads with the plain class of its kind, and plain decoding gives autoft's
            predictions.
        kinds: The kinds that it can stand for.
        columns: What encoding must tell of each token for it, besides the tokens themselves.
        decoding: What decoding must know of it.
        reads_labels: Whether its module takes the targets too and returns a loss of its own beside the scores.
        kind: What is asked; the task says so.
    """

    name: ClassVar[str]
    plain: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = tuple(KINDS)
    columns: ClassVar[tuple[str, ...]] = ()
    decoding: ClassVar[Mapping[str, float]] = MappingProxyType({})
    reads_labels: ClassVar[bool] = False
    kind: str = "token-classification"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.kind not in KINDS:
            raise ConfigError(f"unknown kind of head {self.kind!r}{nearest(self.kind, KINDS)}")

    def refuse(self) -> str | None:
        """Return why this head cannot stand for its kind, or None if it can."""
        if self.kind in self.kinds:
            return None
        return f"head {self.name!r} is for {', '.join(self.kinds)}, got {self.kind}"

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the module of a head that is not plain; it takes hidden states, [B, T, D], and the batch's inputs.

        Args:
            width: D.
            classes: C.
            config: Of the base model.
        """
        del width, classes, config
        raise NotImplementedError(f"head {self.name!r} is the one of transformers' own class")

    def loss(self, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Return the summed loss of what is labelled, and how much that is, see `losses`.

        Dividing by the count over all micro-batches gives the mean of the effective batch.

        Args:
            logits: Scores, [B, T, C] or [B, C].
            labels: Targets of tokens, [B, T], or of sequences, [B] or [B, C].
            smoothing: Share of the target given to all classes.
        """
        from autoft.models.losses import LOSSES

        return LOSSES[self.kind](logits, labels, smoothing)

    def loss_of(self, output: Any, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Return what `loss` does, from all that a model returned.

        Args:
            output: Of the model: its scores, and `loss` where the head reads labels.
            labels: As for `loss`.
            smoothing: As for `loss`.
        """
        from autoft.models.headed import scores_of

        return self.loss(scores_of(output).float(), labels, smoothing)
