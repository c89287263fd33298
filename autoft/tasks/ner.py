"""Named entity recognition: tokens and IOB2 tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autoft.data.features import IGNORED, Features, IntArray
from autoft.data.iob2_paths import best_iob2_paths
from autoft.data.rows import Row
from autoft.data.tagging import normalise_rows
from autoft.data.words import split_words
from autoft.errors import DataError
from autoft.metrics import iob2_spans, resampled_span_scores, strict_span_scores
from autoft.tasks.base import FloatArray, Notice, Task, unknown_tokens

_UNDECIDED = -1
_OVERLAP = 4  # a window shares a quarter of its length with the next


@dataclass(frozen=True, slots=True)
class NerExample:
    """A sentence: its words, and their tags in IOB2 where they are known."""

    words: tuple[str, ...]
    tags: tuple[str, ...] = ()


class Ner(Task[NerExample, tuple[str, ...]]):
    """Find and type the entities of a sentence; scored by strict entity F1."""

    name: ClassVar[str] = "ner"
    heads: ClassVar[tuple[str, ...]] = ("token-classification",)
    metric = "f1"
    metrics = ("f1", "precision", "recall", "macro_f1", "accuracy")

    def normalise(self, splits: Mapping[str, Sequence[Row]]) -> tuple[dict[str, tuple[Row, ...]], list[Notice]]:
        """Recognise the tag scheme over the whole corpus and rewrite it as IOB2."""
        tagged = normalise_rows(splits)
        notices = []
        if tagged.scheme != "IOB2":
            notices.append(Notice(f"tags read as {tagged.scheme} and rewritten as IOB2", 0))
        if tagged.repaired:
            text = f"tags that break {tagged.scheme} were read as the entity that they suggest"
            notices.append(Notice(text, tagged.repaired, tagged.places))
        return dict(tagged.splits), notices

    def parse(self, row: Row) -> NerExample:
        """Build the example of one row, whose tags are in IOB2 already."""
        tokens, tags = row.values.get("tokens"), row.values.get("tags")
        if not tokens or tags is None:
            raise DataError(
                f"{row.place}: 'tokens' and 'tags', or 'text' and 'spans' expected, got {sorted(row.values)}"
            )
        return NerExample(tuple(tokens), tuple(tags))

    def text(self, example: NerExample) -> str:
        """Return the words, joined by spaces."""
        return " ".join(example.words)

    def label_counts(self, examples: Sequence[NerExample]) -> dict[str, int]:
        """Return the number of entities of each type."""
        counts = Counter(label for example in examples for _, _, label in iob2_spans(example.tags))
        return dict(sorted(counts.items()))

    def labels(self, examples: Sequence[NerExample]) -> tuple[str, ...]:
        """Return `O`, then `B-` and `I-` of each type in alphabetical order."""
        return ("O", *(f"{part}-{label}" for label in self.label_counts(examples) for part in "BI"))

    def encode(
        self, examples: Sequence[NerExample], tokenizer: Any, labels: Sequence[str], max_length: int
    ) -> Features:
        """Encode sentences; long ones become overlapping windows in which each word is labelled exactly once.

        A word's label sits on its first sub-token, in the window that shows most context around it.
        """
        numbers = {label: number for number, label in enumerate(labels)}
        columns: dict[str, list[IntArray]] = {
            "input_ids": [],
            "attention_mask": [],
            "labels": [],
            "markers": [],
            "words": [],
        }
        owner: list[int] = []
        if examples:
            encoded = tokenizer(
                [list(example.words) for example in examples],
                is_split_into_words=True,
                truncation=True,
                max_length=max_length,
                stride=max_length // _OVERLAP,
                return_overflowing_tokens=True,
            )
            owner = list(encoded["overflow_to_sample_mapping"])
            decided = _decide([encoded.word_ids(i) for i in range(len(owner))], owner)
            for window, words in enumerate(decided):
                example = examples[owner[window]]
                ids = np.array(encoded["input_ids"][window], dtype=np.int64)
                targets = [
                    numbers.get(example.tags[word], IGNORED) if word >= 0 and example.tags else IGNORED
                    for word in words
                ]
                columns["input_ids"].append(ids)
                columns["attention_mask"].append(np.ones_like(ids))
                columns["labels"].append(np.array(targets, dtype=np.int64))
                columns["markers"].append(words + 1)
                columns["words"].append(words)
        padding = {
            "input_ids": int(tokenizer.pad_token_id or 0),
            "attention_mask": 0,
            "labels": IGNORED,
            "markers": 0,
        }
        return Features(
            {name: tuple(arrays) for name, arrays in columns.items()},
            padding,
            np.array(owner, dtype=np.int64),
        )

    def decode(
        self, outputs: Sequence[FloatArray], features: Features, labels: Sequence[str], decision: Mapping[str, float]
    ) -> list[tuple[str, ...]]:
        """Take the best class at the first sub-token of each word; a word without sub-tokens is outside.

        Constrained, it is the best valid sequence of the whole sentence, whose windows are joined.

        Args:
            outputs: Scores of each window, [T, C].
            features: What was encoded.
            labels: The model's classes.
            decision: `constrained` where the head asks for it.
        """
        count = int(features.owner.max()) + 1 if len(features) else 0
        lengths = [0] * count
        for owner, words in zip(features.owner, features.columns["words"], strict=True):
            lengths[owner] = max(lengths[owner], int(words.max(initial=-1)) + 1)
        # Nobody says anything of a word without sub-tokens: it stays outside.
        outside = _outside(labels)
        sentences = [np.tile(outside, (length, 1)) for length in lengths]  # [words, C] each
        for owner, words, scores in zip(features.owner, features.columns["words"], outputs, strict=True):
            sentences[owner][words[words >= 0]] = scores[words >= 0]
        if decision.get("constrained"):
            paths = best_iob2_paths(sentences, labels)
        else:
            paths = [scores.argmax(axis=-1) for scores in sentences]
        return [tuple(labels[number] for number in path) for path in paths]

    def score(self, examples: Sequence[NerExample], predictions: Sequence[tuple[str, ...]]) -> dict[str, float]:
        """Return strict entity precision, recall and F1, over all and for each type."""
        return strict_span_scores(
            [example.tags for example in examples],
            [_fit_length(tags, len(example.words)) for example, tags in zip(examples, predictions, strict=True)],
        )

    def resampled_scores(
        self, examples: Sequence[NerExample], predictions: Sequence[tuple[str, ...]], picks: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Return strict precision, recall and F1 over all types for each resample of the sentences, [R]."""
        return resampled_span_scores(
            [example.tags for example in examples],
            [_fit_length(tags, len(example.words)) for example, tags in zip(examples, predictions, strict=True)],
            picks,
        )

    def floor(self, metric: str, examples: Sequence[NerExample]) -> float:
        """Return 0, what every span metric starts from."""
        del metric, examples
        return 0.0

    def inspect(self, examples: Sequence[NerExample], features: Features, tokenizer: Any) -> list[Notice]:
        """Warn about sub-tokens that the tokenizer does not know, words it drops, and sentences in windows."""
        notices = unknown_tokens(features, tokenizer)
        long = len(features) - len(set(features.owner.tolist()))
        if long:
            notices.append(Notice("windows added for sentences longer than the model reads at once", long))
        words = sum(len(example.words) for example in examples)
        dropped = words - sum(int((column >= 0).sum()) for column in features.columns["words"])
        if dropped:
            notices.append(
                Notice(
                    "words that the tokenizer turns into nothing are always outside entities",
                    dropped,
                )
            )
        return notices

    def read_input(self, record: Mapping[str, Any] | str) -> tuple[NerExample, Any]:
        """Read a text, `{"text": …}` or `{"tokens": […]}`; the answer needs the text and its word borders."""
        if isinstance(record, str):
            record = {"text": record}
        if isinstance(record.get("tokens"), list):
            words = [str(token) for token in record["tokens"]]
            text, borders, start = " ".join(words), [], 0
            for word in words:
                borders.append((start, start + len(word)))
                start += len(word) + 1
        elif isinstance(record.get("text"), str):
            text = record["text"]
            borders = split_words(text)
            words = [text[start:end] for start, end in borders]
        else:
            raise DataError(f"input: 'text' or 'tokens' expected, got {sorted(record)}")
        return NerExample(tuple(words)), (text, borders)

    def answer(self, prediction: tuple[str, ...], context: Any) -> dict[str, Any]:
        """Return the text and its entities with character offsets, end exclusive."""
        text, borders = context
        entities = [
            {
                "start": borders[first][0],
                "end": borders[last - 1][1],
                "label": label,
                "text": text[borders[first][0] : borders[last - 1][1]],
            }
            for first, last, label in iob2_spans(prediction)
        ]
        return {"text": text, "entities": entities}


def _fit_length(tags: tuple[str, ...], length: int) -> tuple[str, ...]:
    """Words at the end that have no sub-token are outside every entity."""
    return (*tags, *["O"] * (length - len(tags)))


def _outside(labels: Sequence[str]) -> FloatArray:
    """Return scores that leave no doubt of `O`, [C]."""
    scores = np.full(len(labels), np.finfo(np.float32).min, dtype=np.float32)
    scores[list(labels).index("O")] = 0.0
    return scores


def _decide(word_ids: Sequence[Sequence[int | None]], owner: Sequence[int]) -> list[IntArray]:
    """Return for each window the word that each position decides, or -1.

    Among the windows that show the first sub-token of a word, the one with most tokens on its poorer side decides.
    """
    best: dict[tuple[int, int], tuple[int, int, int]] = {}
    for window, ids in enumerate(word_ids):
        before = None
        for position, word in enumerate(ids):
            if word is not None and word != before:
                context = min(position, len(ids) - 1 - position)
                key = owner[window], word
                # A window that starts inside a word does not show its first sub-token.
                starts_inside = key in best and before is None
                if not starts_inside and (key not in best or context > best[key][0]):
                    best[key] = context, window, position
            before = word
    decided = [np.full(len(ids), _UNDECIDED, dtype=np.int64) for ids in word_ids]
    for (_, word), (_, window, position) in best.items():
        decided[window][position] = word
    return decided
