"""The CRF head: a linear layer and transitions between the tags of neighbouring words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from autoft.data.features import IGNORED
from autoft.errors import ConfigError
from autoft.models.heads.base import Head
from autoft.models.heads.constrained import CONSTRAINED

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Crf(Head):
    """A linear-chain CRF over the words of a sentence (Lafferty et al. 2001), with IOB2's laws built in.

    It is trained by the likelihood of whole sequences. What it says of a word in evaluation is how far the best
    sequence with each tag falls short of the best of all, so that constrained decoding finds that one. Not plain.
    """

    name: ClassVar[str] = "crf"
    plain: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("token-classification",)
    columns: ClassVar[tuple[str, ...]] = ("markers",)
    decoding: ClassVar[Mapping[str, float]] = CONSTRAINED
    reads_labels: ClassVar[bool] = True

    def module(self, width: int, classes: int, config: Any) -> nn.Module:
        """Return the layer, with dropout before it, and the chain above it.

        Raises:
            ConfigError: If the classes are no tags of IOB2.
        """
        del classes
        from torch import nn

        from autoft.models.crf import ChainTagger

        labels = [label for _, label in sorted(config.id2label.items())]
        try:
            return ChainTagger(nn.Sequential(nn.Dropout(0.0), nn.Linear(width, len(labels))), labels)
        except ValueError as error:
            raise ConfigError(f"head {self.name!r}: {error}") from error

    def loss_of(self, output: Any, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Return the negative log-likelihood of the sequences, summed, and how many words are labelled.

        A share `smoothing` of it gives way to what label smoothing adds to a cross-entropy: the mean over all classes
        of what each would cost by the words' own scores.

        Args:
            output: Of the model; `loss` holds the negative log-likelihood of each window, [B].
            labels: Class of each token, -100 where it has none, [B, T].
            smoothing: Share of the target given to all classes.
        """
        labelled = labels != IGNORED
        summed = output.loss.sum()
        if smoothing:
            costs = -output.logits.float().log_softmax(-1).mean(-1)  # [B, T]
            summed = (1.0 - smoothing) * summed + smoothing * costs[labelled].sum()
        return summed, labelled.sum()
