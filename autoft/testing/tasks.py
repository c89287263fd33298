"""The contract of a task: laws that every `autoft.tasks.Task` keeps."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from autoft.data.features import Features, IntArray
from autoft.data.rows import Row
from autoft.errors import DataError
from autoft.models.heads import END, IGNORED, START
from autoft.tasks import Task

FloatArray = npt.NDArray[np.float32]

# Sums over the same numbers in another order; double precision keeps fifteen digits.
CLOSE = 1e-12
ROOMY = 512
WRONG: tuple[object, ...] = (None, 7, [], {}, [None])
SPANS = "question-answering"


def read_examples(task: Task[Any, Any], rows: Sequence[Row]) -> list[Any]:
    """Return the examples of rows, as a search reads a split."""
    splits, _ = task.normalise({"train": rows})
    return [task.parse(row) for row in splits["train"]]


def as_asked(task: Task[Any, Any], rows: Sequence[Row]) -> Task[Any, Any]:
    """Return the task as a search on these rows asks it."""
    return task.about(read_examples(task, rows))


def sure_scores(features: Features, classes: int) -> list[FloatArray]:
    """Return scores that are sure of each target, [T, C] or [C] a sequence; tokens without target: the last class."""
    if "labels" in features.targets:
        return [_sure_of_sequence(target, classes) for target in features.targets["labels"]]
    return [_sure_of_tokens(targets, classes) for targets in features.columns["labels"]]


def _sure_of_tokens(targets: IntArray, classes: int) -> FloatArray:
    """Return what is sure of a class for each token; targets beyond the classes are bits: first and last of a span."""
    if targets.max(initial=0) < classes:
        return np.eye(classes, dtype=np.float32)[np.where(targets == IGNORED, classes - 1, targets)]
    bits = np.where(targets == IGNORED, 0, targets)[:, None] & (START, END)
    return (bits > 0).astype(np.float32)


def _sure_of_sequence(target: npt.NDArray[Any], classes: int) -> FloatArray:
    """Return what is sure of a class, of several, or of a score."""
    if target.ndim == 0:
        sure: FloatArray = np.eye(classes, dtype=np.float32)[target]
        return sure
    return target.astype(np.float32) * 2.0 - 1.0 if classes > 1 else target.astype(np.float32)


def disturb(outputs: Sequence[FloatArray], share: float, seed: int) -> list[FloatArray]:
    """Return scores in which about `share` of the tokens or sequences say a random class."""
    random = np.random.default_rng(seed)
    disturbed = []
    for scores in outputs:
        rows = scores.reshape(-1, scores.shape[-1])
        noise = np.eye(rows.shape[-1], dtype=np.float32)[random.integers(rows.shape[-1], size=len(rows))]
        disturbed.append(np.where(random.random((len(rows), 1)) < share, noise, rows).reshape(scores.shape))
    return disturbed


def targets_of(features: Features) -> set[int]:
    """Return every target of encoded examples that stands for a class."""
    rows = features.targets.get("labels", np.empty(0, np.int64))
    if rows.dtype == np.float32 and rows.shape[-1] == 1:
        return set()
    found = [np.asarray(rows).ravel(), *features.columns.get("labels", ())]
    return {int(value) for value in np.concatenate(found)}


def same(first: Features, second: Features) -> bool:
    """Return whether two encodings are equal in every number."""
    return (
        first.padding == second.padding
        and np.array_equal(first.owner, second.owner)
        and first.targets.keys() == second.targets.keys()
        and all(np.array_equal(values, second.targets[name]) for name, values in first.targets.items())
        and first.columns.keys() == second.columns.keys()
        and all(
            len(column) == len(second.columns[name])
            and all(np.array_equal(one, other) for one, other in zip(column, second.columns[name], strict=True))
            for name, column in first.columns.items()
        )
    )


def joined(features: Features, tokenizer: Any, wanted: Sequence[IntArray], *, second: bool = False) -> list[int]:
    """Return how many tokens of each of `wanted` the windows show without a gap, from the first on, [N].

    Args:
        features: The windows.
        tokenizer: That made them.
        wanted: Tokens of each example.
        second: Whether windows divide up the second of two texts, each behind the whole first one.
    """
    shown = [0] * len(wanted)
    for owner, ids in zip(features.owner, features.columns["input_ids"], strict=True):
        window, whole = inner(ids, tokenizer, second=second), wanted[owner]
        for start in range(shown[owner], -1, -1):
            if np.array_equal(whole[start : start + len(window)], window):
                shown[owner] = max(shown[owner], start + len(window))
                break
    return shown


def inner(ids: IntArray, tokenizer: Any, *, second: bool = False) -> IntArray:
    """Return a sequence, or the second text of two, without special tokens; the unknown token is none of them."""
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    real = np.array([int(token) not in special for token in ids], dtype=bool)
    if second:
        real[: np.flatnonzero(~real)[-2]] = False
    kept: IntArray = ids[real]
    return kept


class TaskContract:
    """Laws of a task; a subclass gives the fixtures `task`, `rows`, `references` and `tokenizer`.

    Attributes:
        best: What references score by each of the task's metrics, but for negated errors, where it is 0.
        short: A `max_length` that some of the rows do not fit into.
    """

    best: ClassVar[float] = 1.0
    short: int = 8

    def best_of(self, name: str) -> float:
        """Return what references score by a metric."""
        return 0.0 if name.startswith("neg_") else self.best

    @pytest.fixture
    def task(self) -> Task[Any, Any]:
        """Return the task under test."""
        raise NotImplementedError

    @pytest.fixture
    def rows(self) -> Sequence[Row]:
        """Return a few rows that keep the task's format, in which every label of the task occurs."""
        raise NotImplementedError

    @pytest.fixture
    def references(self, examples: list[Any]) -> list[Any]:
        """Return the right prediction of each example."""
        raise NotImplementedError

    @pytest.fixture
    def tokenizer(self) -> Any:
        """Return a fast tokenizer, with the tokens that the task adds."""
        raise NotImplementedError

    @pytest.fixture
    def cuts(self) -> bool:
        """Return whether the task cuts what does not fit, and says so, where others make several windows of it."""
        return False

    @pytest.fixture
    def examples(self, task: Task[Any, Any], rows: Sequence[Row]) -> list[Any]:
        """Return the examples of the rows."""
        return read_examples(task, rows)

    @pytest.fixture
    def labels(self, task: Task[Any, Any], examples: list[Any]) -> tuple[str, ...]:
        """Return the model's classes."""
        return task.labels(examples)

    @pytest.fixture
    def features(self, task: Task[Any, Any], examples: list[Any], labels: Sequence[str], tokenizer: Any) -> Features:
        """Return the encoded examples, none of them cut."""
        return task.encode(examples, tokenizer, labels, ROOMY)

    def test_resampled_scores_are_those_of_the_resampled_examples(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str]
    ) -> None:
        """A task that scores resamples faster scores them alike."""
        outputs = disturb(sure_scores(features, len(labels)), 0.3, seed=2)
        predictions = task.decode(outputs, features, labels, {})
        picks = np.random.default_rng(3).integers(0, len(examples), size=(4, len(examples)))
        found = task.resampled_scores(examples, predictions, picks)
        assert set(task.metrics) <= set(found)
        for at, row in enumerate(picks):
            scores = task.score([examples[i] for i in row], [predictions[i] for i in row])
            assert [n for n, values in found.items() if not math.isclose(values[at], scores[n], abs_tol=CLOSE)] == []

    def test_references_score_the_best_value(
        self, task: Task[Any, Any], examples: list[Any], references: list[Any]
    ) -> None:
        """By every metric that may be optimised, nothing is better than being right."""
        scores = task.score(examples, references)
        assert {name: scores[name] for name in task.metrics} == {name: self.best_of(name) for name in task.metrics}

    @pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
    def test_corrupted_prediction_never_scores_higher(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str], share: float
    ) -> None:
        """Mistakes raise no metric above what references score."""
        for seed in range(5):
            outputs = disturb(sure_scores(features, len(labels)), share, seed)
            scores = task.score(examples, task.decode(outputs, features, labels, {}))
            assert [name for name in task.metrics if scores[name] > self.best_of(name)] == []

    def test_mistakes_lower_the_metric(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str]
    ) -> None:
        """Random answers do not score as references do."""
        outputs = disturb(sure_scores(features, len(labels)), 1.0, 0)
        scores = task.score(examples, task.decode(outputs, features, labels, {}))
        assert scores[task.metric] < self.best_of(task.metric)

    def test_order_of_examples_does_not_matter(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str]
    ) -> None:
        """Scores belong to the set of examples."""
        predictions = task.decode(disturb(sure_scores(features, len(labels)), 0.3, 0), features, labels, {})
        order = np.random.default_rng(0).permutation(len(examples))
        shuffled = task.score([examples[i] for i in order], [predictions[i] for i in order])
        assert shuffled == pytest.approx(task.score(examples, predictions), abs=CLOSE)

    @pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
    def test_every_metric_is_a_finite_number(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str], share: float
    ) -> None:
        """`metric` is one of `metrics`, and all of them are in what `score` returns."""
        predictions = task.decode(disturb(sure_scores(features, len(labels)), share, 1), features, labels, {})
        scores = task.score(examples, predictions)
        assert task.metric in task.metrics
        assert set(task.metrics) <= scores.keys()
        assert [name for name, value in scores.items() if not math.isfinite(value)] == []

    def test_decoding_the_targets_gives_the_references(
        self, task: Task[Any, Any], features: Features, labels: Sequence[str], references: list[Any]
    ) -> None:
        """A model that is sure of each target predicts the references."""
        assert task.decode(sure_scores(features, len(labels)), features, labels, {}) == references

    def test_columns_fit_each_other(self, task: Task[Any, Any], features: Features, labels: Sequence[str]) -> None:
        """What is padded is as long as `input_ids`, every column has each sequence, and targets are classes."""
        assert {"input_ids", "attention_mask"} <= features.padding.keys() <= features.columns.keys()
        assert ("labels" in features.padding) != ("labels" in features.targets)
        assert {len(column) for column in features.columns.values()} == {len(features)}
        for name in features.padding:
            assert [len(values) for values in features.columns[name]] == features.lengths.tolist()
        assert {len(values) for values in features.targets.values()} <= {len(features)}
        classes = 1 + (START | END) if task.head == SPANS else max(2, len(labels))
        assert targets_of(features) <= {IGNORED, *range(classes)}

    def test_short_sequences_lose_no_example(
        self,
        task: Task[Any, Any],
        examples: list[Any],
        labels: Sequence[str],
        tokenizer: Any,
        references: list[Any],
        cuts: bool,
    ) -> None:
        """Where sequences must be short, examples are cut into several, and decoding joins them again."""
        features = task.encode(examples, tokenizer, labels, self.short)
        assert features.lengths.max() <= self.short
        assert len(features) == len(examples) if cuts else len(features) > len(examples)
        assert sorted(set(features.owner.tolist())) == list(range(len(examples)))
        assert task.decode(sure_scores(features, len(labels)), features, labels, {}) == references

    def test_short_sequences_lose_no_token_silently(
        self,
        task: Task[Any, Any],
        examples: list[Any],
        labels: Sequence[str],
        tokenizer: Any,
        features: Features,
        cuts: bool,
    ) -> None:
        """The windows of an example show all of its tokens, or it is told how many examples are cut."""
        windows = task.encode(examples, tokenizer, labels, self.short)
        if cuts:
            cut = int((windows.lengths < features.lengths).sum())
            assert cut in [0, *(notice.count for notice in task.inspect(examples, windows, tokenizer))]
            return
        second = task.head == SPANS
        whole = [inner(ids, tokenizer, second=second) for ids in features.columns["input_ids"]]
        assert joined(windows, tokenizer, whole, second=second) == [len(ids) for ids in whole]

    def test_two_encodings_are_equal(
        self, task: Task[Any, Any], examples: list[Any], labels: Sequence[str], tokenizer: Any, features: Features
    ) -> None:
        """Encoding depends on nothing but its arguments, whatever the tokenizer did in between."""
        task.encode(examples, tokenizer, labels, self.short)
        assert same(task.encode(examples, tokenizer, labels, ROOMY), features)

    def test_no_examples_are_fine(self, task: Task[Any, Any], labels: Sequence[str], tokenizer: Any) -> None:
        """Empty lists give empty lists and finite scores."""
        features = task.encode([], tokenizer, labels, ROOMY)
        assert len(features) == 0
        assert task.decode([], features, labels, {}) == []
        assert task.label_counts([]) == {}
        assert task.inspect([], features, tokenizer) == []
        assert [name for name, value in task.score([], []).items() if not math.isfinite(value)] == []

    def test_an_example_alone_is_encoded_and_decoded_as_among_others(
        self, task: Task[Any, Any], examples: list[Any], labels: Sequence[str], tokenizer: Any, references: list[Any]
    ) -> None:
        """Examples do not know each other."""
        for example, reference in zip(examples[:3], references, strict=False):
            features = task.encode([example], tokenizer, labels, self.short)
            assert set(features.owner.tolist()) == {0}
            assert task.decode(sure_scores(features, len(labels)), features, labels, {}) == [reference]
            assert task.score([example], [reference]).keys() >= set(task.metrics)

    def test_row_without_fields_is_an_error_with_its_place(self, task: Task[Any, Any]) -> None:
        """A row that has nothing of the format says where it stands."""
        with pytest.raises(DataError, match=r"^corpus\.jsonl:7: "):
            read_examples(task, [Row({}, "corpus.jsonl", 7)])

    def test_row_that_breaks_the_format_is_an_error_with_place_and_field(
        self, task: Task[Any, Any], rows: Sequence[Row]
    ) -> None:
        """A field that is missing or of a wrong type is named, or was not needed; nothing else is raised."""
        needed = 0
        values = dict(rows[0].values)
        for field in values:
            others = {name: value for name, value in values.items() if name != field}
            for broken in (others, *({**others, field: wrong} for wrong in WRONG)):
                try:
                    read_examples(task, [Row(broken, "corpus.jsonl", 7)])
                except DataError as error:
                    needed += 1
                    assert str(error).startswith("corpus.jsonl:7: ")  # noqa: PT017 - both endings are legal
                    assert field.rstrip("s") in str(error)  # noqa: PT017
        assert needed

    def test_floor_is_what_nothing_learned_scores(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str]
    ) -> None:
        """A model that finds all classes alike does not stand above the floor, and references do."""
        nothing = [np.zeros_like(scores) for scores in sure_scores(features, len(labels))]
        scores = task.score(examples, task.decode(nothing, features, labels, {}))
        assert scores[task.metric] <= task.floor(task.metric, examples)
        floors = {name: task.floor(name, examples) for name in task.metrics}
        assert [name for name, floor in floors.items() if not floor < self.best_of(name)] == []

    def test_what_is_folded_into_a_model_need_not_be_decoded(
        self, task: Task[Any, Any], examples: list[Any], features: Features, labels: Sequence[str]
    ) -> None:
        """A task that knows its kind of head alone decodes folded scores as this one decodes the model's own."""
        outputs = disturb(sure_scores(features, len(labels)), 0.3, 1)
        decision = task.tune(outputs, features, examples, labels, task.metric)
        folded = task.fold(labels, decision)
        if folded is None:
            return
        scaled = [(scores.astype(np.float64) * folded.scale + folded.shift).astype(np.float32) for scores in outputs]
        found = type(task)(task.head, **task.asked).decode(scaled, features, labels, folded.decision)
        assert found == task.decode(outputs, features, labels, decision)

    def test_classes_follow_from_the_labels(
        self, task: Task[Any, Any], examples: list[Any], labels: tuple[str, ...]
    ) -> None:
        """Classes are unique, depend on the set of examples alone, and name each label; those of spans name borders."""
        counts = task.label_counts(examples)
        assert len(set(labels)) == len(labels)
        assert task.labels(examples[::-1]) == labels
        assert task.labels([*examples, *examples]) == labels
        unnamed = [label for label in counts if not any(label in name for name in labels)]
        assert unnamed == [] or task.head == SPANS

    def test_label_counts_add_up(self, task: Task[Any, Any], examples: list[Any]) -> None:
        """The count of a set of examples is the sum over the examples."""
        counts = task.label_counts(examples)
        each = [task.label_counts([example]) for example in examples]
        assert counts == {label: sum(one.get(label, 0) for one in each) for label in counts}
        assert set().union(*each) == set(counts)
        assert min(counts.values()) > 0

    def test_raw_input_becomes_an_example_and_an_answer(
        self, task: Task[Any, Any], rows: Sequence[Row], labels: Sequence[str], tokenizer: Any, references: list[Any]
    ) -> None:
        """Fields of a row are raw input of the same text; answers are JSON, also for what was never labelled."""
        for row, example, reference in zip(rows, read_examples(task, rows), references, strict=True):
            unlabelled, context = task.read_input(row.values)
            assert task.text(unlabelled) == task.text(example)
            features = task.encode([unlabelled], tokenizer, labels, self.short)
            assert targets_of(features) <= {IGNORED}
            sure = task.encode([example], tokenizer, labels, self.short)
            predictions = task.decode(sure_scores(sure, len(labels)), features, labels, {})
            assert predictions == [reference]
            json.dumps(task.answer(predictions[0], context), allow_nan=False)

    def test_raw_input_without_fields_is_an_error(self, task: Task[Any, Any]) -> None:
        """An object that the task cannot read says so."""
        with pytest.raises(DataError, match=r"^input: "):
            task.read_input({})
