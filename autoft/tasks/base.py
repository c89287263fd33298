"""The contract of a task: what differs between NER, classification, … and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from autoft.data.features import Features
from autoft.data.rows import Row

_UNKNOWN_SHARE = 0.05
_MOST_CHOICES = 12
_OTHER_MODEL = (
    "take a base model that was trained on this script, such as --model FacebookAI/xlm-roberta-base (100 languages) or "
    "--model google-bert/bert-base-chinese"
)
ExampleT = TypeVar("ExampleT")
PredictionT = TypeVar("PredictionT")
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the data that deserves a warning, with its count.

    Attributes:
        text: What it is.
        count: How often; 0 where that says nothing.
        examples: The first few: texts, where there is one with the place of its row.
    """

    text: str
    count: int
    examples: tuple[str, ...] = field(default=())

    @property
    def words(self) -> str:
        """The text, with its count where there is one."""
        return f"{self.text} ({self.count})" if self.count else self.text

    @property
    def lines(self) -> str:
        """The words, and below them each example on a line of its own."""
        return "\n".join([self.words, *(" ".join(example.split()) for example in self.examples)])


def unknown_tokens(features: Features, tokenizer: Any) -> list[Notice]:
    """Warn where a tokenizer does not know more than a twentieth of the text: a model sees nothing there.

    Args:
        features: An encoded split.
        tokenizer: It was encoded with.
    """
    columns = features.columns["input_ids"]
    total = sum(map(len, columns))
    unknown = 0
    if tokenizer.unk_token_id is not None:
        unknown = sum(int((ids == tokenizer.unk_token_id).sum()) for ids in columns)
    if unknown <= _UNKNOWN_SHARE * total:
        return []
    return [Notice(f"{unknown / total:.0%} of the tokens are unknown to the tokenizer: {_OTHER_MODEL}", unknown)]


def chosen_on_dev(task: type[Task[Any, Any]], decision: Mapping[str, float]) -> dict[str, float]:
    """Return what of a decision the task has chosen on dev: not what its head says, nor what follows from the data."""
    return {name: value for name, value in decision.items() if name.partition(".")[0] in task.choices}


def chosen_words(task: type[Task[Any, Any]], decision: Mapping[str, float], mark: str = "") -> str:
    """Return what was chosen on dev, with its values, as `for micro_f1` may follow it; empty where nothing was.

    Args:
        task: Whose decision it is.
        decision: As `Task.decode` has it.
        mark: What stands around names of labels.
    """
    parts = []
    for kind, meaning in task.choices.items():
        found = {name.partition(".")[2]: one for name, one in decision.items() if name.partition(".")[0] == kind}
        values = ", ".join(f"{one:.4f}" + (f" of {mark}{name}{mark}" if name else "") for name, one in found.items())
        if len(found) > 1 and len({*found.values()}) == 1:
            values = f"{next(iter(found.values())):.4f} of all {len(found)}"
        elif len(found) > _MOST_CHOICES:
            values = f"{min(found.values()):.4f} to {max(found.values()):.4f} of {len(found)}"
        parts += [f"{meaning} ({values})"] if found else []
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Folded:
    """What of a task's decisions becomes part of the delivered model's last linear layer.

    Attributes:
        scale: Factor on the scores of each class, [C].
        shift: What is added to them then, [C].
        decision: What decoding must still know.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]
    decision: Mapping[str, float]


class Task(ABC, Generic[ExampleT, PredictionT]):
    """One kind of question put to a model.

    A task subclasses this class and never another task. It knows nothing about batches, devices, epochs or Optuna.

    Args:
        head: The kind of head where the task may have several, as `about` found it and a manifest keeps it.

    Attributes:
        name: The word in commands, files and the registry.
        heads: The kinds of head that it may have, keys of `models.heads.KINDS`; the first unless its examples ask for
            another.
        metric: The metric that is optimised unless the user names another; larger is better.
        metrics: Every metric that may be optimised, `metric` among them; the best value of one called `neg_…` is 0, of
            others 1. A class whose objects have different ones names all of them.
        nothing: What is predicted where there is nothing to read.
        choices: What `tune` chooses, in words, by its name before the first dot.
    """

    name: ClassVar[str]
    heads: ClassVar[tuple[str, ...]]
    metric: str
    metrics: tuple[str, ...]
    nothing: ClassVar[Any] = ()
    choices: ClassVar[Mapping[str, str]] = {}

    def __init__(self, head: str | None = None) -> None:
        self.head = head or self.heads[0]

    @property
    def asked(self) -> Mapping[str, Any]:
        """What a manifest keeps of the question besides the kind of head, as JSON: keywords of the class."""
        return {}

    def about(self, examples: Sequence[ExampleT]) -> Self:
        """Return the task as the examples of the whole train split ask it: itself, unless it has several heads."""
        del examples
        return self

    def normalise(self, splits: Mapping[str, Sequence[Row]]) -> tuple[dict[str, tuple[Row, ...]], list[Notice]]:
        """Rewrite the rows of all splits to one convention, where that is a matter of the whole corpus.

        Raises:
            DataError: With every row that follows no convention.
        """
        return {name: tuple(rows) for name, rows in splits.items()}, []

    @abstractmethod
    def parse(self, row: Row) -> ExampleT:
        """Build the example of one row.

        Raises:
            DataError: With every problem of the row.
        """

    @abstractmethod
    def text(self, example: ExampleT) -> str:
        """Return the text of an example, by which overlap between splits is found."""

    @abstractmethod
    def label_counts(self, examples: Sequence[ExampleT]) -> dict[str, int]:
        """Return how often each label that the user named occurs."""

    def strata(self, examples: Sequence[ExampleT], most: int) -> tuple[AbstractSet[str], ...]:
        """Return for each example what folds and shares of rows hold in proportion: its labels, unless it has numbers.

        Args:
            examples: What is dealt or limited, [N].
            most: How many groups of numbers there may be: rows of a share, or of a fold.
        """
        del most
        return tuple(frozenset(self.label_counts([example])) for example in examples)

    @abstractmethod
    def labels(self, examples: Sequence[ExampleT]) -> tuple[str, ...]:
        """Return the model's classes in their order, from the whole train split."""

    def tokens(self, examples: Sequence[ExampleT]) -> dict[str, str]:
        """Return the tokens that encoding needs besides a base model's own, from the whole train split.

        Returns:
            Token -> words of its meaning, from which its embedding starts.
        """
        del examples
        return {}

    @abstractmethod
    def encode(self, examples: Sequence[ExampleT], tokenizer: Any, labels: Sequence[str], max_length: int) -> Features:
        """Encode examples; truncation never loses anything silently."""

    def tune(
        self,
        outputs: Sequence[FloatArray],
        features: Features,
        examples: Sequence[ExampleT],
        labels: Sequence[str],
        metric: str,
    ) -> dict[str, float]:
        """Return what is decided on dev beside the weights, such as thresholds: the best for `metric`.

        Args:
            outputs: Scores of each sequence of dev.
            features: Its encoded sequences.
            examples: Its examples.
            labels: The model's classes.
            metric: What is optimised.
        """
        del outputs, features, examples, labels, metric
        return {}

    @abstractmethod
    def decode(
        self, outputs: Sequence[FloatArray], features: Features, labels: Sequence[str], decision: Mapping[str, float]
    ) -> list[PredictionT]:
        """Turn the scores of each sequence, [T, C] or [C], into one prediction an example, in their order.

        Args:
            outputs: Scores of each sequence.
            features: What was encoded.
            labels: The model's classes.
            decision: What the head says of decoding, and what `tune` returned; may be empty.
        """

    def fold(self, labels: Sequence[str], decision: Mapping[str, float]) -> Folded | None:
        """Return what the delivered model takes over of what was decided, so that plain decoding gives its predictions.

        A task that comes back from a manifest, which holds the kind of head and `asked`, must decode the folded scores.

        Args:
            labels: The model's classes.
            decision: As `decode` has it.
        """
        del labels, decision
        return None

    @abstractmethod
    def score(self, examples: Sequence[ExampleT], predictions: Sequence[PredictionT]) -> dict[str, float]:
        """Return every metric, `metric` among them; `f1.PER` is the metric `f1` of the label PER."""

    def resampled_scores(
        self, examples: Sequence[ExampleT], predictions: Sequence[PredictionT], picks: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Return every metric over all labels for each resample of the examples, [R]; a task may do this faster.

        Args:
            examples: N of them.
            predictions: One an example.
            picks: Which examples each resample holds, [R, N].
        """
        scores = [self.score([examples[i] for i in row], [predictions[i] for i in row]) for row in picks]
        names = dict.fromkeys(name for one in scores for name in one if "." not in name)
        return {name: np.array([one.get(name, 0.0) for one in scores]) for name in names}

    @abstractmethod
    def floor(self, metric: str, examples: Sequence[ExampleT]) -> float:
        """Return what `metric` is on examples for a model that has learned nothing; there, dev loss ranks."""

    def inspect(self, examples: Sequence[ExampleT], features: Features, tokenizer: Any) -> list[Notice]:
        """Return warnings about an encoded split."""
        del examples, features, tokenizer
        return []

    @abstractmethod
    def read_input(self, record: Mapping[str, Any] | str) -> tuple[ExampleT, Any]:
        """Build an example without reference from raw input (a text, or a JSON object); the rest goes to `answer`."""

    @abstractmethod
    def answer(self, prediction: PredictionT, context: Any) -> dict[str, Any]:
        """Turn a prediction into the user's world, as a JSON object."""
