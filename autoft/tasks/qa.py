"""Extractive question answering: a question, a text, and the span of it that answers, if any does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autoft.data.answer_windows import (
    Candidate,
    Found,
    Question,
    best_gap,
    encode_windows,
    find_answers,
    sure_outputs,
)
from autoft.data.answers import read_answers
from autoft.data.features import Features
from autoft.data.problems import Problems
from autoft.data.rows import Row
from autoft.errors import DataError
from autoft.metrics import answer_scores, resampled_answer_scores
from autoft.metrics.answers import ANSWERABLE, UNANSWERABLE, each_answer, is_unspaced
from autoft.tasks.base import FloatArray, Notice, Task, unknown_tokens

_LONGEST = 160  # characters: 30 words, what SQuAD's baselines allow
_LONGEST_UNSPACED = 60
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class QaPrediction:
    """What a model answers.

    Attributes:
        start: The answer's first character in the context, -1 for no answer.
        end: Behind its last character, -1 for no answer.
        candidates: The best spans with their probabilities, best first; the rest to 1 is no answer's.
    """

    start: int = -1
    end: int = -1
    candidates: tuple[tuple[Candidate, float], ...] = field(default=(), compare=False)

    def text(self, context: str) -> str:
        """Return the answer's text, empty for no answer."""
        return context[self.start : self.end] if self.start >= 0 else ""


class Qa(Task[Question, QaPrediction]):
    """Find the answer to a question in a text; scored as SQuAD is, by token F1 and exact match.

    Where train has questions without an answer, the model may say so: from which gap between no answer and the best
    span on is tuned on dev.
    """

    name: ClassVar[str] = "qa"
    heads: ClassVar[tuple[str, ...]] = ("question-answering",)
    metric = "f1"
    metrics = ("f1", "exact_match")
    choices: ClassVar[Mapping[str, str]] = {"threshold": "the gap from which on there is no answer"}

    def normalise(self, splits: Mapping[str, Sequence[Row]]) -> tuple[dict[str, tuple[Row, ...]], list[Notice]]:
        """Look whether there are questions at all, for ids that two of a file have, and for contexts that splits share.

        Raises:
            DataError: With every split without a question, and every id that another question of its file has.
        """
        problems = Problems()
        seen: dict[tuple[str, str], Row] = {}
        for rows in splits.values():
            if rows and not any("question" in row.values for row in rows):
                got = ", ".join(rows[0].values) or "none"
                law = "fields 'context', 'question' and 'answers' expected"
                problems.add(rows[0].file, f"{rows[0].place}: {law}, got {got}")
            for row in rows:
                name = row.values.get("id")
                first = seen.setdefault((row.file, name), row) if isinstance(name, str) else row
                if first is not row:
                    law = "'id' must differ in a file"
                    problems.add(row.file, f"{row.place}: {law}, got {name!r} as in {first.place}")
        if problems:
            # What else is wrong is told with it.
            self._judge([row for rows in splits.values() for row in rows if "question" in row.values], problems)
        problems.raise_if_any()
        return super().normalise(splits)[0], _shared_contexts(splits)

    def parse(self, row: Row) -> Question:
        """Build the example of one row with `context`, `question` and `answers`."""
        for name in ("context", "question"):
            value = row.values.get(name)
            if not isinstance(value, str) or not value.strip():
                got = f"got {str(value)[:60]!r}" if name in row.values else f"got {sorted(row.values)}"
                raise DataError(f"{row.place}: {name!r}, a text, expected, {got}")
        context = row.values["context"]
        answers = read_answers(row, context)
        return Question(row.values["question"].strip(), context, answers, _longest(context))

    def _judge(self, rows: Sequence[Row], problems: Problems) -> None:
        for row in rows:
            try:
                self.parse(row)
            except DataError as error:
                for problem in error.problems:
                    problems.add(row.file, problem)

    def text(self, example: Question) -> str:
        """Return question and context."""
        return f"{example.question}\n{example.context}"

    def label_counts(self, examples: Sequence[Question]) -> dict[str, int]:
        """Return how many questions have an answer, and how many have none."""
        answered = sum(bool(example.answers) for example in examples)
        counts = {ANSWERABLE: answered, UNANSWERABLE: len(examples) - answered}
        return {name: count for name, count in counts.items() if count}

    def labels(self, examples: Sequence[Question]) -> tuple[str, ...]:
        """Return what each token is scored as: an answer's first and its last one."""
        del examples
        return ("start", "end")

    def encode(self, examples: Sequence[Question], tokenizer: Any, labels: Sequence[str], max_length: int) -> Features:
        """Encode question and context; long contexts become overlapping windows, each behind the whole question."""
        del labels
        return encode_windows(examples, tokenizer, max_length)

    def tune(
        self,
        outputs: Sequence[FloatArray],
        features: Features,
        examples: Sequence[Question],
        labels: Sequence[str],
        metric: str,
    ) -> dict[str, float]:
        """Return the gap from which on no answer is given; where dev has an answer to everything, it always is.

        Args:
            outputs: Scores of each window of dev, [T, 2].
            features: Its encoded windows.
            examples: Its examples.
            labels: Nothing.
            metric: `f1` or `exact_match`.
        """
        del labels
        if all(example.answers for example in examples):
            return {"always": 1.0}
        found = find_answers(outputs, features)
        references = _references(examples)
        which = self.metrics.index(metric)
        best = [_decide(one, {"always": 1.0}).text(e.context) for one, e in zip(found, examples, strict=True)]
        answered = each_answer(references, best)[which]
        left = each_answer(references, [""] * len(references))[which]
        return {"threshold": best_gap(np.array([one.gap for one in found]), answered, left)}

    def decode(
        self, outputs: Sequence[FloatArray], features: Features, labels: Sequence[str], decision: Mapping[str, float]
    ) -> list[QaPrediction]:
        """Take the best span of all windows, or no answer where that is likelier by `threshold` or more.

        Args:
            outputs: Scores of each window, [T, 2].
            features: What was encoded.
            labels: Nothing.
            decision: `threshold` (0 unless given), or `always` where every question is answered.
        """
        del labels
        return [_decide(found, decision) for found in find_answers(outputs, features)]

    def score(self, examples: Sequence[Question], predictions: Sequence[QaPrediction]) -> dict[str, float]:
        """Return token F1 and exact match over all questions, and of both kinds where some have no answer."""
        return answer_scores(_references(examples), _texts(examples, predictions))

    def resampled_scores(
        self, examples: Sequence[Question], predictions: Sequence[QaPrediction], picks: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Return token F1 and exact match for each resample of the questions, [R]."""
        return resampled_answer_scores(_references(examples), _texts(examples, predictions), picks)

    def floor(self, metric: str, examples: Sequence[Question]) -> float:
        """Return what saying nothing scores: the share of questions without an answer."""
        del metric
        return _share([not example.answers for example in examples])

    def inspect(self, examples: Sequence[Question], features: Features, tokenizer: Any) -> list[Notice]:
        """Warn about windows, cut questions, answers that cannot be given exactly, and unknown tokens."""
        notices = unknown_tokens(features, tokenizer)
        long = len(features) - len(set(features.owner.tolist()))
        if long:
            notices.append(Notice("windows added for contexts longer than the model reads at once", long))
        cut = {int(owner) for owner, lost in zip(features.owner, features.columns["lost"], strict=True) if lost[0]}
        if cut:
            text = "questions are cut: they would leave too little room for the context"
            notices.append(Notice(text, len(cut), tuple(examples[number].question for number in sorted(cut)[:_SHOWN])))
        missed = self._out_of_reach(examples, features)
        if missed:
            text = "answers cannot be given exactly: they begin or end inside a token, or are too long"
            notices.append(Notice(text, len(missed), tuple(missed[:_SHOWN])))
        return notices

    def _out_of_reach(self, examples: Sequence[Question], features: Features) -> list[str]:
        """Return the first answer of each example that a model which is sure of every label gets wrong."""
        predictions = self.decode(sure_outputs(features), features, (), {})
        exact = each_answer(_references(examples), _texts(examples, predictions))[1]
        return [e.answers[0].text for e, right in zip(examples, exact, strict=True) if e.answers and not right]

    def read_input(self, record: Mapping[str, Any] | str) -> tuple[Question, Any]:
        """Read `{"question": …, "context": …}`; the answer needs both."""
        fields = record if isinstance(record, Mapping) else {}
        question, context = fields.get("question"), fields.get("context")
        if not isinstance(question, str) or not isinstance(context, str):
            got = sorted(fields) if fields else "a text" if isinstance(record, str) else "nothing"
            raise DataError(f"input: an object with 'question' and 'context', both texts, expected, got {got}")
        return Question(question.strip(), context, None, _longest(context)), (question, context)

    def answer(self, prediction: QaPrediction, context: Any) -> dict[str, Any]:
        """Return question, answer (null for none) and candidates, with character offsets of the context."""
        question, text = context
        found = prediction or QaPrediction()
        best = _span(found.start, found.end, text) if found.start >= 0 else None
        candidates = [
            {**_span(one.start, one.end, text), "probability": round(share, 6)} for one, share in found.candidates
        ]
        return {"question": question, "answer": best, "candidates": candidates}


def _shared_contexts(splits: Mapping[str, Sequence[Row]]) -> list[Notice]:
    train = {str(row.values.get("context")) for row in splits.get("train", ())}
    shared = {
        split: sum(str(row.values.get("context")) in train for row in splits.get(split, ()))
        for split in ("dev", "test")
    }
    text = "questions about contexts that train has too make its score too good"
    return [Notice(f"{split}: {text}", count) for split, count in shared.items() if count]


def _decide(found: Found, decision: Mapping[str, float]) -> QaPrediction:
    scores = np.array([one.score for one in found.candidates] + ([] if decision.get("always") else [found.nothing]))
    if not found.candidates:
        return QaPrediction()
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    candidates = tuple(zip(found.candidates, shares.tolist(), strict=False))
    if not decision.get("always") and found.gap >= decision.get("threshold", 0.0):
        return QaPrediction(candidates=candidates)
    return QaPrediction(found.candidates[0].start, found.candidates[0].end, candidates)


def _longest(context: str) -> int:
    return _LONGEST_UNSPACED if is_unspaced(context) else _LONGEST


def _references(examples: Sequence[Question]) -> list[list[str]]:
    return [[answer.text for answer in example.answers or ()] for example in examples]


def _texts(examples: Sequence[Question], predictions: Sequence[QaPrediction]) -> list[str]:
    return [one.text(example.context) for example, one in zip(examples, predictions, strict=True)]


def _span(start: int, end: int, context: str) -> dict[str, Any]:
    return {"text": context[start:end], "start": start, "end": end}


def _share(flags: Sequence[bool]) -> float:
    return float(np.mean(flags)) if flags else 0.0
