"""Question and context as windows of tokens, and back: what question answering does with encoded text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autoft.data.answers import Answer
from autoft.data.features import END, IGNORED, START, Features, IntArray

FloatArray = npt.NDArray[np.float32]

# As the head of question answering reads labels.
KEPT = 5
"""Candidates that are kept of each example."""

_OVERLAP = 128  # tokens that a window shares with the next, as SQuAD's baselines have it; more than an answer has
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the text that may answer it.

    Attributes:
        question: What is asked.
        context: The text.
        answers: Right answers, none where the text does not answer; None where nobody knows.
        longest: Characters that an answer may have.
    """

    question: str
    context: str
    answers: tuple[Answer, ...] | None
    longest: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of the context that may be the answer.

    Attributes:
        start: Its first character.
        end: Behind its last character.
        score: Of its first token as the first and its last token as the last, summed.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a model says of one example.

    Attributes:
        candidates: The best spans, best first; none where the context has no tokens.
        nothing: Score of no answer: that of the first token, the least of all windows.
    """

    candidates: tuple[Candidate, ...]
    nothing: float

    @property
    def gap(self) -> float:
        """By how much no answer is more likely than the best span."""
        return self.nothing - self.candidates[0].score if self.candidates else float("inf")


def encode_windows(examples: Sequence[Question], tokenizer: Any, max_length: int) -> Features:
    """Encode question and context; long contexts become overlapping windows, each behind the whole question.

    The first token is labelled as first and last where a window does not show an answer whole. `spans` has the
    characters of the context that each token stands for, [2T], -1 where it is none that an answer may begin or end
    with; `lost` the question's tokens for which there was no room, and `longest` the characters of an answer.
    """
    names = [name for name in tokenizer.model_input_names if name != "attention_mask"]
    columns: dict[str, list[IntArray]] = {
        name: [] for name in (*names, "attention_mask", "labels", "spans", "lost", "longest")
    }
    owner: list[int] = []
    if examples:
        room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
        questions, lost = _cut([example.question for example in examples], tokenizer, max(1, room // 2))
        encoded = tokenizer(
            questions,
            [example.context for example in examples],
            truncation="only_second",
            max_length=max_length,
            stride=min(_OVERLAP, room // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        owner = list(encoded["overflow_to_sample_mapping"])
        trims = [_Trim.of(example.context) for example in examples]
        for window, number in enumerate(owner):
            example = examples[number]
            for name in names:
                columns[name].append(np.array(encoded[name][window], dtype=np.int64))
            second = np.array([part == 1 for part in encoded.sequence_ids(window)])
            spans = trims[number].spans(np.array(encoded["offset_mapping"][window], dtype=np.int64), second)
            columns["attention_mask"].append(np.ones(len(spans), dtype=np.int64))
            columns["labels"].append(_labels(spans, example.answers))
            columns["spans"].append(spans.ravel())
            columns["lost"].append(np.array([lost[number]], dtype=np.int64))
            columns["longest"].append(np.array([example.longest], dtype=np.int64))
    padding = dict.fromkeys((*names, "attention_mask"), 0)
    padding |= {"input_ids": int(tokenizer.pad_token_id or 0), "labels": IGNORED}
    return Features({name: tuple(arrays) for name, arrays in columns.items()}, padding, np.array(owner, dtype=np.int64))


def find_answers(outputs: Sequence[FloatArray], features: Features) -> list[Found]:
    """Return the best spans of each example over all of its windows.

    A span begins and ends in the context, ends not before it begins, and has at most `longest` characters.

    Args:
        outputs: Scores of each token as the first and as the last, [T, 2] a window.
        features: What was encoded.
    """
    count = int(features.owner.max()) + 1 if len(features) else 0
    spans: list[dict[tuple[int, int], float]] = [{} for _ in range(count)]
    nothing = np.full(count, np.inf)
    columns = zip(features.owner, features.columns["spans"], features.columns["longest"], outputs, strict=True)
    for owner, flat, longest, scores in columns:
        nothing[owner] = min(nothing[owner], float(scores[0].astype(np.float64).sum()))
        for start, end, score in _best(scores, flat.reshape(-1, 2), int(longest[0])):
            spans[owner][start, end] = max(score, spans[owner].get((start, end), score))
    return [
        Found(
            tuple(
                Candidate(start, end, score)
                # The earlier of two equal ones.
                for (start, end), score in sorted(each.items(), key=lambda item: (-item[1], item[0]))[:KEPT]
            ),
            float(null),
        )
        for each, null in zip(spans, nothing, strict=True)
    ]


def sure_outputs(features: Features) -> list[FloatArray]:
    """Return the scores of a model that is sure of each label, [T, 2] a window."""
    return [
        np.stack([(labels & bit > 0) & (labels != IGNORED) for bit in (START, END)], axis=-1).astype(np.float32)
        for labels in features.columns["labels"]
    ]


def best_gap(gaps: npt.NDArray[np.float64], answered: npt.NDArray[np.float64], left: npt.NDArray[np.float64]) -> float:
    """Return the gap from which on no answer is given, so that the sum of the scores is the greatest.

    SQuAD 2.0's search for the best threshold, in the time of a sort. Of equally good ones the nearest to 0.

    Args:
        gaps: By how much no answer is more likely, [N].
        answered: What each example scores with its best span, [N].
        left: What it scores without an answer, [N].
    """
    order = np.argsort(gaps, kind="stable")
    ranked = gaps[order]
    # [N + 1]: the first n are answered, the others not.
    sums = np.append(0.0, np.cumsum(answered[order])) + np.append(np.cumsum(left[order][::-1])[::-1], 0.0)
    finite = ranked[np.isfinite(ranked)]
    if not len(finite):
        return 0.0
    borders = np.concatenate([[finite[0] - 1.0], (finite[1:] + finite[:-1]) / 2, [finite[-1] + 1.0]])
    # Equal gaps cannot be parted, and what has no candidate is never answered.
    apart = np.concatenate([[True], finite[1:] > borders[1:-1], [True]])
    sums = np.where(apart, sums[: len(finite) + 1], -np.inf)
    # Sums of the same numbers in another order differ in their last bits.
    best = np.flatnonzero(sums >= sums.max() - 1e-9)
    return float(borders[best[np.abs(borders[best]).argmin()]])


def _best(scores: FloatArray, spans: IntArray, longest: int) -> list[tuple[int, int, float]]:
    """Return start, end and score of the best spans of a window, at most `KEPT`."""
    at = np.flatnonzero(spans[:, 0] >= 0)
    if not len(at):
        return []
    starts, ends = spans[at].T
    # From which token on a span that ends with this one is short enough; both borders grow from token to token.
    lowest = np.searchsorted(starts, ends - longest)
    width = max(1, int((np.arange(len(at)) - lowest).max()) + 1)
    padded = np.concatenate([np.full(width - 1, -np.inf), scores[at, 0].astype(np.float64)])
    band = np.lib.stride_tricks.sliding_window_view(padded, width) + scores[at, 1, None]  # [T, W]: ends, starts
    first = np.arange(len(at))[:, None] - (width - 1) + np.arange(width)
    band[first < lowest[:, None]] = -np.inf
    flat = band.ravel()
    top = np.argpartition(-flat, min(KEPT, len(flat)) - 1)[:KEPT]
    return [
        (int(starts[first.flat[place]]), int(ends[place // width]), float(flat[place]))
        for place in top
        if np.isfinite(flat[place])
    ]


def _cut(questions: Sequence[str], tokenizer: Any, most: int) -> tuple[list[str], list[int]]:
    """Return questions of at most `most` tokens, and how many tokens each has lost."""
    encoded = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True)
    kept, lost = [], []
    for question, ids, offsets in zip(questions, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        end = len(question) if len(ids) <= most else offsets[most - 1][1]
        # What is left may be cut into other tokens than before.
        while end and len(tokenizer(question[:end], add_special_tokens=False)["input_ids"]) > most:
            end -= 1
        kept.append(question[:end])
        lost.append(max(0, len(ids) - most))
    return kept, lost


def _labels(spans: IntArray, answers: tuple[Answer, ...] | None) -> IntArray:
    if answers is None:
        return np.full(len(spans), IGNORED, dtype=np.int64)
    labels = np.zeros(len(spans), dtype=np.int64)
    at = np.flatnonzero(spans[:, 0] >= 0)
    starts, ends = spans[at].T
    for answer in answers:
        inside = (starts < answer.end) & (ends > answer.start)
        touched = at[inside]
        if len(touched) and starts[inside].min() <= answer.start and ends[inside].max() >= answer.end:
            labels[touched[0]] |= START
            labels[touched[-1]] |= END
            return labels
    labels[0] = START | END
    return labels


@dataclass(frozen=True, slots=True)
class _Trim:
    """Where the visible characters of a text are.

    Attributes:
        after: The first visible character from each one on, [characters + 1].
        before: Behind the last visible character before each one, [characters + 1].
    """

    after: IntArray
    before: IntArray

    @classmethod
    def of(cls, text: str) -> _Trim:
        visible = np.array([not character.isspace() for character in text], dtype=bool)
        places = np.arange(len(text))
        after = np.append(np.where(visible, places, len(text)), len(text))
        before = np.append(0, np.where(visible, places + 1, 0))
        return cls(np.minimum.accumulate(after[::-1])[::-1], np.maximum.accumulate(before))

    def spans(self, offsets: IntArray, second: npt.NDArray[np.bool_]) -> IntArray:
        """Return first and last character of tokens without the space around them, [T, 2], -1 where nothing is left.

        Args:
            offsets: As the tokenizer says, [T, 2].
            second: Whether a token is one of this text, [T].
        """
        offsets = np.where(second[:, None], offsets, 0)
        starts, ends = self.after[offsets[:, 0]], self.before[offsets[:, 1]]
        there = second & (starts < ends)
        # The space that a tokenizer puts before a text lies on the first letter of the token that follows it.
        there[:-1] &= ~(second[1:] & (starts[1:] == starts[:-1]) & (ends[1:] > ends[:-1]))
        return np.where(there[:, None], np.stack([starts, ends], axis=-1), _NOWHERE).astype(np.int64)
