"""Text classification: one label, any number of labels, or a score, for a text or a pair of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from autoft.data.features import IGNORED, Features, IntArray, Targets
from autoft.data.labelling import read_labelled, read_texts
from autoft.data.rows import Row
from autoft.data.splits import quantile_bins
from autoft.errors import DataError
from autoft.metrics import (
    constant_scores,
    multi_label_scores,
    regression_scores,
    resampled_multi_label_scores,
    resampled_regression_scores,
    resampled_single_label_scores,
    single_label_scores,
    tune_thresholds,
)
from autoft.tasks.base import FloatArray, Folded, Notice, Task, unknown_tokens

_SINGLE, _MULTI, _SCORE = "sequence-classification", "multi-label-classification", "regression"
_METRICS: dict[str, tuple[str, ...]] = {
    # All labels count alike: a search by accuracy may give up a rare one, which few users want.
    _SINGLE: ("macro_f1", "accuracy", "mcc"),
    _MULTI: ("micro_f1", "macro_f1", "subset_accuracy"),
    _SCORE: ("spearman", "pearson", "neg_rmse"),
}
_FIELDS = {"label": _SINGLE, "labels": _MULTI, "score": _SCORE}
_THRESHOLD = "threshold."
_ENOUGH = 20  # dev examples with a label, and without it, for a threshold of its own
_CUT = "cut"

Target = str | tuple[str, ...] | float | None


@dataclass(frozen=True, slots=True)
class TextExample:
    """A text or a pair, and what it is where that is known: a label, several, or a score."""

    text: str
    pair: str | None = None
    target: Target = None


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """What a text was found to be, as `TextExample.target`, and the probability of each label."""

    value: Target
    scores: Mapping[str, float] = field(default_factory=dict, compare=False)


class Classification(Task[TextExample, TextAnswer]):
    """Say what a text, or a pair of texts, is: one label, several, or a score.

    Args:
        head: What is asked, as `about` found it and a manifest keeps it.
        centre: Mean of the train scores, 0 in training; part of the delivered model.
        spread: Their standard deviation, 1 in training; part of the delivered model.
        paired: Whether it was trained on pairs of texts; None where that is not known.
    """

    name: ClassVar[str] = "classification"
    heads: ClassVar[tuple[str, ...]] = tuple(_METRICS)
    metric = _METRICS[_SINGLE][0]
    metrics = tuple(dict.fromkeys(name for names in _METRICS.values() for name in names))
    nothing: ClassVar[TextAnswer] = TextAnswer(None)
    choices: ClassVar[Mapping[str, str]] = {"threshold": "the probability above which a label is predicted"}

    def __init__(
        self, head: str | None = None, *, centre: float = 0.0, spread: float = 1.0, paired: bool | None = None
    ) -> None:
        super().__init__(head)
        self.metrics = _METRICS[self.head]
        self.metric = self.metrics[0]
        self.centre, self.spread, self.paired = centre, spread, paired

    @property
    def asked(self) -> Mapping[str, Any]:
        """Whether pairs were asked; the unit of scores is part of the delivered model."""
        return {} if self.paired is None else {"paired": self.paired}

    def about(self, examples: Sequence[TextExample]) -> Self:
        """Return the task of one label, of several, or of a score, as the examples have it.

        Raises:
            DataError: If there is nothing to tell apart.
        """
        targets = [example.target for example in examples]
        paired = any(example.pair is not None for example in examples)
        scores = [target for target in targets if isinstance(target, float)]
        if scores:
            if min(scores) == max(scores):
                raise DataError(f"train: scores that differ expected, got {scores[0]:g} only")
            centre, spread = float(np.mean(scores)), float(np.std(scores))
            return type(self)(_SCORE, centre=centre, spread=spread, paired=paired)
        if any(isinstance(target, tuple) for target in targets):
            return type(self)(_MULTI, paired=paired)
        if len(set(targets)) < 2:
            raise DataError(f"train: at least two labels expected, got {', '.join(map(str, set(targets)))}")
        return type(self)(_SINGLE, paired=paired)

    def normalise(self, splits: Mapping[str, Sequence[Row]]) -> tuple[dict[str, tuple[Row, ...]], list[Notice]]:
        """Find out which field holds what is asked and rewrite all rows to one form."""
        found = read_labelled(splits)
        notices = [Notice(remark, 0) for remark in found.remarks]
        if found.field == "labels":
            notices.append(Notice("the probabilities above which labels are predicted are tuned on dev", 0))
        return dict(found.splits), notices

    def parse(self, row: Row) -> TextExample:
        """Build the example of one row, which `normalise` has rewritten."""
        values = row.values
        name = next(name for name in _FIELDS if name in values)
        target = tuple(values[name]) if name == "labels" else values[name]
        return TextExample(values["text"], values.get("text_pair"), target)

    def text(self, example: TextExample) -> str:
        """Return the text, or both of a pair on a line each."""
        return example.text if example.pair is None else f"{example.text}\n{example.pair}"

    def label_counts(self, examples: Sequence[TextExample]) -> dict[str, int]:
        """Return the number of examples that have each label; of scores, how many there are."""
        counts = Counter(label for example in examples for label in _labels_of(example.target))
        return dict(sorted(counts.items()))

    def strata(self, examples: Sequence[TextExample], most: int) -> tuple[AbstractSet[str], ...]:
        """Return the labels of each example, or the bin of its score: one row of a share, or of a fold, each."""
        if self.head != _SCORE:
            return super().strata(examples, most)
        scores: list[Any] = [example.target for example in examples]
        return tuple(frozenset({str(one)}) for one in quantile_bins(scores, most))

    def labels(self, examples: Sequence[TextExample]) -> tuple[str, ...]:
        """Return the labels in alphabetical order, or `score`."""
        return tuple(self.label_counts(examples))

    def encode(
        self, examples: Sequence[TextExample], tokenizer: Any, labels: Sequence[str], max_length: int
    ) -> Features:
        """Encode texts or pairs; what is too long is cut at its end, of a pair the longer text first.

        How many tokens were cut off is noted in the column `cut`.
        """
        names = ["input_ids", "attention_mask"]
        columns: dict[str, list[IntArray]] = {name: [] for name in (*names, _CUT)}
        if examples:
            texts = _texts(examples)
            encoded = tokenizer(*texts, truncation="longest_first", max_length=max_length)
            if len(texts) > 1 and "token_type_ids" in encoded:
                names.append("token_type_ids")
            columns |= {name: [np.array(ids, dtype=np.int64) for ids in encoded[name]] for name in names}
            columns[_CUT] = _cut_off(columns["input_ids"], texts, tokenizer, max_length)
        padding = dict.fromkeys(names, 0) | {"input_ids": int(tokenizer.pad_token_id or 0)}
        targets = {"labels": self._targets(examples, labels)} if all(e.target is not None for e in examples) else {}
        owner = np.arange(len(examples), dtype=np.int64)
        return Features({name: tuple(arrays) for name, arrays in columns.items()}, padding, owner, targets)

    def tune(
        self,
        outputs: Sequence[FloatArray],
        features: Features,
        examples: Sequence[TextExample],
        labels: Sequence[str],
        metric: str,
    ) -> dict[str, float]:
        """Return the probability above which each of several labels is predicted; nothing elsewhere."""
        del features
        if self.head != _MULTI or not outputs:
            return {}
        found = tune_thresholds(_stacked(outputs), _table(examples, labels), metric, enough=_ENOUGH)
        return {f"{_THRESHOLD}{label}": float(value) for label, value in zip(labels, _sigmoid(found), strict=True)}

    def decode(
        self, outputs: Sequence[FloatArray], features: Features, labels: Sequence[str], decision: Mapping[str, float]
    ) -> list[TextAnswer]:
        """Take the best class, the classes above their thresholds, or the score.

        Args:
            outputs: Scores of each text, [C].
            features: What was encoded.
            labels: The model's classes.
            decision: `threshold.LABEL`, a probability; 0.5 where there is none.
        """
        del features
        if not outputs:
            return []
        scores = _stacked(outputs)
        if self.head == _SCORE:
            return [TextAnswer(value) for value in (scores[:, 0] * self.spread + self.centre).tolist()]
        if self.head == _MULTI:
            scores = scores - _logits(labels, decision)
            chances, chosen = _sigmoid(scores), scores > 0
            values: list[Target] = [tuple(labels[i] for i in np.flatnonzero(row).tolist()) for row in chosen]
        else:
            chances = np.exp(scores - scores.max(1, keepdims=True))
            chances /= chances.sum(1, keepdims=True)
            values = [labels[i] for i in scores.argmax(1).tolist()]
        return [
            TextAnswer(value, dict(zip(labels, row, strict=True)))
            for value, row in zip(values, chances.tolist(), strict=True)
        ]

    def fold(self, labels: Sequence[str], decision: Mapping[str, float]) -> Folded | None:
        """Return thresholds as a shift of their labels' scores, and the scale of scores that were standardised."""
        rest = {name: value for name, value in decision.items() if not name.startswith(_THRESHOLD)}
        if self.head == _SCORE:
            return Folded((self.spread,), (self.centre,), rest)
        if len(rest) == len(decision):
            return None
        return Folded((1.0,) * len(labels), tuple((-_logits(labels, decision)).tolist()), rest)

    def score(self, examples: Sequence[TextExample], predictions: Sequence[TextAnswer]) -> dict[str, float]:
        """Return the metrics of what is asked, over all labels and for each."""
        function: Any = {_SINGLE: single_label_scores, _MULTI: multi_label_scores, _SCORE: regression_scores}[self.head]
        scores: dict[str, float] = function([e.target for e in examples], [p.value for p in predictions])
        return scores

    def resampled_scores(
        self, examples: Sequence[TextExample], predictions: Sequence[TextAnswer], picks: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Return the metrics over all labels for each resample of the examples, [R]."""
        function: Any = {
            _SINGLE: resampled_single_label_scores,
            _MULTI: resampled_multi_label_scores,
            _SCORE: resampled_regression_scores,
        }[self.head]
        found: dict[str, npt.NDArray[np.float64]] = function(
            [e.target for e in examples], [p.value for p in predictions], picks
        )
        return found

    def floor(self, metric: str, examples: Sequence[TextExample]) -> float:
        """Return what the best answer that is the same for all of the examples scores."""
        if not examples:
            return 0.0
        targets: list[Any] = [example.target for example in examples]
        if self.head == _MULTI:
            return constant_scores(_table(examples, self.labels(examples)))[metric]
        best = float(np.mean(targets)) if self.head == _SCORE else Counter(sorted(targets)).most_common(1)[0][0]
        return self.score(examples, [TextAnswer(best)] * len(examples))[metric]

    def inspect(self, examples: Sequence[TextExample], features: Features, tokenizer: Any) -> list[Notice]:
        """Warn about texts that are cut, tokens that the tokenizer does not know, and texts of several labels."""
        notices = []
        cut = sum(int(column[0]) > 0 for column in features.columns[_CUT])
        if cut:
            notices.append(Notice("texts longer than the model reads at once are cut at their end", cut))
        notices += unknown_tokens(features, tokenizer)
        said: dict[str, set[Target]] = {}
        for example in examples:
            said.setdefault(self.text(example), set()).add(example.target)
        twofold = [text for text, targets in said.items() if len(targets) > 1]
        if twofold:
            what = "scores" if self.head == _SCORE else "labels"
            notices.append(Notice(f"texts that occur with different {what}", len(twofold), tuple(twofold[:3])))
        return notices

    def read_input(self, record: Mapping[str, Any] | str) -> tuple[TextExample, Any]:
        """Read a text, or `{"text": …}` with `text_pair`, whichever was trained on; the answer repeats them."""
        if isinstance(record, str):
            record = {"text": record}
        given = record.get("text")
        if isinstance(given, str) and not given.strip() and "text_pair" not in record:
            return TextExample(given), {"text": given}
        try:
            text, pair = read_texts(record)
        except DataError as error:
            raise DataError(*(f"input: {problem}" for problem in error.problems)) from error
        self._check_number(text, pair)
        return TextExample(text, pair), {"text": text, **({} if pair is None else {"text_pair": pair})}

    def answer(self, prediction: TextAnswer, context: Any) -> dict[str, Any]:
        """Return the text with `label` or `labels`, and `scores`, the most probable first; or with `score`."""
        if self.head == _SCORE:
            return {**context, "score": prediction.value}
        scores = dict(sorted(prediction.scores.items(), key=lambda item: -item[1]))
        if self.head == _MULTI:
            return {**context, "labels": list(_labels_of(prediction.value)), "scores": scores}
        return {**context, "label": prediction.value, "scores": scores}

    def _check_number(self, text: str, pair: str | None) -> None:
        """Refuse a text where pairs were learned, and a pair where texts were: it is encoded as none in train."""
        if self.paired is True and pair is None:
            got = f"{text[:60]!r} alone, give the second text as 'text_pair'"
            raise DataError(f"input: a pair of texts expected, as the model was trained on, got {got}")
        if self.paired is False and pair is not None:
            got = f"{pair[:60]!r} as a second, leave it out"
            raise DataError(f"input: one text expected, as the model was trained on, got {got}")

    def _targets(self, examples: Sequence[TextExample], labels: Sequence[str]) -> Targets:
        if self.head == _SCORE:
            scores = np.array([example.target for example in examples], dtype=np.float64)
            standard: Targets = ((scores - self.centre) / self.spread).astype(np.float32)[:, None]
            return standard
        if self.head == _MULTI:
            return _table(examples, labels).astype(np.float32)
        numbers: dict[Any, int] = {label: number for number, label in enumerate(labels)}
        # A label of the test split alone is no class of the model.
        return np.array([numbers.get(example.target, IGNORED) for example in examples], dtype=np.int64)


def _labels_of(target: Target) -> tuple[str, ...]:
    """Return the labels of a target; a score counts as one."""
    if target is None:
        return ()
    if isinstance(target, tuple):
        return target
    return (target,) if isinstance(target, str) else ("score",)


def _texts(examples: Sequence[TextExample]) -> list[list[str]]:
    """Return the first texts, and the second ones where there are pairs."""
    firsts = [example.text for example in examples]
    if all(example.pair is None for example in examples):
        return [firsts]
    return [firsts, [example.pair or "" for example in examples]]


def _cut_off(shown: Sequence[IntArray], texts: Sequence[Sequence[str]], tokenizer: Any, most: int) -> list[IntArray]:
    """Return how many tokens each sequence has lost, [1] each."""
    full = [at for at, ids in enumerate(shown) if len(ids) >= most]
    lost = [np.zeros(1, dtype=np.int64) for _ in shown]
    if full:
        whole = tokenizer(*([side[at] for at in full] for side in texts), truncation=False, verbose=False)["input_ids"]
        for at, ids in zip(full, whole, strict=True):
            lost[at][0] = len(ids) - len(shown[at])
    return lost


def _table(examples: Sequence[TextExample], labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which labels each example has, [N, C]."""
    numbers = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(examples), len(labels)), dtype=bool)
    for row, example in enumerate(examples):
        table[row, [numbers[label] for label in _labels_of(example.target) if label in numbers]] = True
    return table


def _stacked(outputs: Sequence[FloatArray]) -> npt.NDArray[np.float64]:
    return np.stack(outputs).astype(np.float64)


def _sigmoid(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    chances: npt.NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * scores))
    return chances


def _logits(labels: Sequence[str], decision: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """Return the score at the threshold of each label, [C]."""
    chances = np.array([decision.get(f"{_THRESHOLD}{label}", 0.5) for label in labels])
    logits: npt.NDArray[np.float64] = np.log(chances) - np.log1p(-chances)
    return logits
