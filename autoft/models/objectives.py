"""Objectives: what training makes small, the loss of the head's kind unless a search space names another.

Dev loss is the kind's own whatever is trained with, so that trials of several objectives compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from autoft.models.heads import IGNORED, KINDS, Head
from autoft.registry import Registry
from autoft.space.fields import check_fields, parameter

if TYPE_CHECKING:
    from torch import Tensor

_CLASSES = ("token-classification", "sequence-classification", "multi-label-classification")
_MULTI = "multi-label-classification"

Sums = tuple["Tensor", "Tensor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What training makes small.

    Attributes:
        name: The word in search spaces and the registry.
        kinds: The kinds of head that it is for.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = tuple(KINDS)

    def __post_init__(self) -> None:
        check_fields(self)

    def refuse(self, head: Head) -> str | None:
        """Return why it does not go with a head, or None if it does."""
        if head.kind not in self.kinds:
            return f"loss {self.name!r} is for {', '.join(self.kinds)}, got {head.kind}"
        own = head.reads_labels or type(head).loss is not Head.loss
        if type(self).loss is not Objective.loss and own:
            return f"loss {self.name!r} does not go with head {head.name!r}, which has a loss of its own"
        return None

    def loss(self, head: Head, logits: Tensor, labels: Tensor, smoothing: float, shares: Sequence[float]) -> Sums:
        """Return the summed loss of what is labelled, and how much that is; here the head's own.

        Args:
            head: What gives the scores.
            logits: Scores, [B, T, C] or [B, C].
            labels: Targets, as `Head.loss` has them.
            smoothing: Share of the target given to all classes.
            shares: Of what is labelled in train, the share that has each class, [C].
        """
        del shares
        return head.loss(logits, labels, smoothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard(Objective):
    """The loss of the kind: cross-entropy, binary cross-entropy, squared error."""

    name: ClassVar[str] = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Focal(Objective):
    """Cross-entropy in which what is already right counts less (Lin et al. 2017, Focal Loss)."""

    name: ClassVar[str] = "focal"
    kinds: ClassVar[tuple[str, ...]] = _CLASSES
    gamma: float = parameter(2.0, low=0.0, high=10.0, help="how much less; 0 is cross-entropy")

    def loss(self, head: Head, logits: Tensor, labels: Tensor, smoothing: float, shares: Sequence[float]) -> Sums:
        """Return each class's cross-entropy times its missing probability to the power of gamma."""
        del shares
        import torch
        from torch.nn import functional

        if head.kind == _MULTI:
            soft, least = labels * (1.0 - smoothing) + 0.5 * smoothing, torch.finfo(logits.dtype).eps
            # The gradient of x^gamma at 0 is infinite where gamma is below 1.
            chances, missing = (logits.sigmoid().clamp(min=least), (-logits).sigmoid().clamp(min=least))
            there = soft * missing**self.gamma * functional.logsigmoid(logits)
            absent = (1.0 - soft) * chances**self.gamma * functional.logsigmoid(-logits)
            return -(there + absent).mean(-1).sum(), torch.tensor(len(labels), device=labels.device)
        real = (labels != IGNORED).flatten()
        scores = logits.flatten(0, -2)[real].log_softmax(-1)
        wanted = functional.one_hot(labels.flatten()[real], scores.shape[-1])
        soft = wanted * (1.0 - smoothing) + smoothing / scores.shape[-1]
        missing = (1.0 - scores.exp()).clamp(min=torch.finfo(scores.dtype).eps)
        return -(soft * missing**self.gamma * scores).sum(), real.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassWeighted(Objective):
    """Cross-entropy in which rare classes count more: the inverse of their frequency (King and Zeng 2001)."""

    name: ClassVar[str] = "class-weighted"
    kinds: ClassVar[tuple[str, ...]] = _CLASSES
    power: float = parameter(1.0, low=0.0, high=1.0, help="1: all classes count alike; 0: all examples do")

    def loss(self, head: Head, logits: Tensor, labels: Tensor, smoothing: float, shares: Sequence[float]) -> Sums:
        """Return the cross-entropy with weights of mean 1 over train; of several labels, having one is weighed."""
        import torch
        from torch.nn import functional

        given = torch.tensor(shares, device=logits.device, dtype=logits.dtype)
        # A class that train does not hold has no weight to be told from it.
        share, known = given.clamp(min=1e-6, max=1.0 - 1e-6), given > 0
        if head.kind == _MULTI:
            soft = labels * (1.0 - smoothing) + 0.5 * smoothing
            weights = torch.where(known, ((1.0 - share) / share) ** self.power, 1.0)
            each = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
            weighed = each * torch.where(labels > 0, weights, 1.0)
            return weighed.mean(-1).sum(), torch.tensor(len(labels), device=labels.device)
        weights = torch.where(known, share**-self.power, 0.0)
        summed = functional.cross_entropy(
            logits.flatten(0, -2),
            labels.flatten(),
            weight=weights / (weights * share).sum(),
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=smoothing,
        )
        return summed, (labels != IGNORED).sum()


OBJECTIVES: Registry[type[Objective]] = Registry("loss", group="autoft.losses")
OBJECTIVES.add("standard", Standard)
OBJECTIVES.add("focal", Focal)
OBJECTIVES.add("class-weighted", ClassWeighted)
