"""The study's data: rows read, limited, parsed and judged, before anything is trained and without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from autoft.data.fingerprint import fingerprint
from autoft.data.folds import deal_rows, lonely_labels
from autoft.data.rows import Row
from autoft.data.source import read_data
from autoft.data.splits import limit_rows, seeded_order
from autoft.errors import DataError
from autoft.study.config import DataConfig
from autoft.tasks import Notice, Task

# The split of all that is dealt into folds: the rows of train, then those of dev.
POOL = "train and dev"
_MOST_PROBLEMS = 50
_FEW = 5
# Below it the standard error of a share is above 3 points, as much as most searches gain.
_SMALL = 200
_USUAL_FOLDS = 5
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class StudyData:
    """Examples of each split, and what the user should know about them.

    Attributes:
        task: As the train examples ask it.
        origin: What was read, in words.
        examples: Split -> examples; `test` only where there is one.
        labels: The model's classes, from the whole train split.
        tokens: What it needs in its vocabulary, token -> words of its meaning.
        fingerprint: sha256 of the rows of all splits, as limited.
        notices: Warnings.
        folds: The rows of each fold, counted over train and then dev; empty where train and dev stay apart.
    """

    task: Task[Any, Any]
    origin: str
    examples: dict[str, tuple[Any, ...]]
    labels: tuple[str, ...]
    tokens: dict[str, str]
    fingerprint: str
    notices: tuple[Notice, ...]
    folds: tuple[tuple[int, ...], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Examples of each split; 0 for a missing test."""
        return {split: len(self.examples.get(split, ())) for split in ("train", "dev", "test")}

    @property
    def delivered_on(self) -> tuple[Any, ...]:
        """The examples on which the model that is delivered was scored: those of dev, or of the first fold."""
        pool = self.rows(POOL)
        return tuple(pool[row] for row in self.folds[0]) if self.folds else self.examples["dev"]

    @property
    def scored(self) -> tuple[Any, ...]:
        """The examples on which a trial is evaluated: those of dev, or of all folds."""
        return self.rows(POOL if self.folds else "dev")

    def rows(self, split: str) -> tuple[Any, ...]:
        """Return the examples of a split, or of `POOL`: train, then dev."""
        return (*self.examples["train"], *self.examples["dev"]) if split == POOL else self.examples[split]


def load_rows(task: Task[Any, Any], config: DataConfig, *, seed: int) -> StudyData:
    """Read, limit, parse and judge the data of a study.

    Raises:
        DataError: With every problem found.
    """
    found = read_data(config.source, dev_share=config.dev_share, seed=seed)
    splits, notices = task.normalise(found.splits)
    whole = {name: _parse(task, rows) for name, rows in splits.items()}
    if found.made_dev:
        splits, whole = _labels_back(task, splits, whole, seed)
    judged = whole
    if config.folds is not None:
        # Each row is trained on, and each is scored.
        judged = {**whole, **dict.fromkeys(("train", "dev"), (*whole["train"], *whole["dev"]))}
    task = task.about(judged["train"])
    labels = task.labels(judged["train"])
    notices += _judge_labels(task, splits, judged)
    limits = {"train": config.train_limit, "dev": config.dev_limit}
    examples, rows = {}, {}
    for name in splits:
        kept = _limited(task, whole[name], limits.get(name), seed)
        examples[name] = tuple(whole[name][i] for i in kept)
        rows[name] = tuple(splits[name][i] for i in kept)
    folds: tuple[tuple[int, ...], ...] = ()
    if config.folds is not None:
        pool, places = (*examples["train"], *examples["dev"]), (*rows["train"], *rows["dev"])
        folds, doubtful = _dealt(task, pool, places, config.folds, seed)
        notices += doubtful
    notices += _overlaps(task, examples, rows, ("test",) if folds else ("dev", "test"))
    return StudyData(
        task=task,
        origin=found.origin,
        examples=examples,
        labels=labels,
        tokens=task.tokens(judged["train"]),
        fingerprint=fingerprint(rows),
        notices=tuple(notices),
        folds=folds,
    )


def small_data_notices(data: StudyData) -> list[str]:
    """Return what is suggested where dev is so small that its score says little."""
    count = data.counts["dev"]
    if data.folds or count >= _SMALL:
        return []
    return [
        f"dev: {count} rows say little, --folds {_USUAL_FOLDS} scores every configuration on all "
        f"{count + data.counts['train']} rows of train and dev"
    ]


def _dealt(
    task: Task[Any, Any], examples: Sequence[Any], rows: Sequence[Row], count: int, seed: int
) -> tuple[tuple[tuple[int, ...], ...], list[Notice]]:
    """Return the folds of the rows of train and dev, and what is doubtful about them."""

    def key(example: Any) -> set[str]:
        return set(task.label_counts([example]))

    strata = task.strata(examples, -(-len(examples) // count))
    folds = deal_rows(range(len(examples)), count, seed, strata.__getitem__)
    notices = [
        Notice(f"folds: label {label!r} lies in one fold alone, whose model never sees it", times)
        for label, times in lonely_labels(examples, folds, key).items()
    ]
    texts = Counter(task.text(example) for example in examples)
    twice = {text for text, times in texts.items() if times > 1}
    if twice:
        text = "folds: texts that occur more than once make the score too good"
        notices.append(Notice(text, len(twice), _shown(task, examples, rows, twice)))
    return folds, notices


def _parse(task: Task[Any, Any], rows: Sequence[Row]) -> tuple[Any, ...]:
    examples: list[Any] = []
    problems: list[str] = []
    for row in rows:
        try:
            examples.append(task.parse(row))
        except DataError as error:
            problems += error.problems
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise DataError(*problems[:_MOST_PROBLEMS], *([f"… and {more} more problems"] if more > 0 else []))
    return tuple(examples)


def _labels_back(
    task: Task[Any, Any], splits: dict[str, tuple[Row, ...]], whole: dict[str, tuple[Any, ...]], seed: int
) -> tuple[dict[str, tuple[Row, ...]], dict[str, tuple[Any, ...]]]:
    """Return the splits with other rows in dev where those had labels that train then lacked: no user parted them."""
    examples, size = (*whole["train"], *whole["dev"]), len(whole["dev"])
    labels = [set(task.label_counts([one])) for one in examples]
    left = Counter(label for row in labels for label in row)
    first = len(whole["train"])
    if set().union(*labels[first:]) <= set().union(*labels[:first]):
        return splits, whole
    others = [place for place in seeded_order(len(examples), seed) if place < first]
    chosen: set[int] = set()
    for place in (*range(first, len(examples)), *others):
        if len(chosen) < size and all(left[label] > 1 for label in labels[place]):
            chosen.add(place)
            left.subtract(labels[place])

    def parted(found: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        rows = (*found["train"], *found["dev"])
        sides: dict[bool, list[Any]] = {True: [], False: []}
        for place, row in enumerate(rows):
            sides[place in chosen].append(row)
        return {**found, "train": tuple(sides[False]), "dev": tuple(sides[True])}

    return (parted(splits), parted(whole)) if chosen else (splits, whole)


def _limited(task: Task[Any, Any], examples: Sequence[Any], limit: int | None, seed: int) -> Sequence[int]:
    """Return which examples are used; a limit never removes a label."""
    everything = range(len(examples))
    if limit is None:
        return everything
    return limit_rows(everything, limit, seed, task.strata(examples, limit).__getitem__)


def _judge_labels(
    task: Task[Any, Any], splits: dict[str, tuple[Row, ...]], examples: dict[str, tuple[Any, ...]]
) -> list[Notice]:
    counts = {name: task.label_counts(found) for name, found in examples.items()}
    if not counts["train"]:
        raise DataError(f"{splits['train'][0].file}: the train split must hold at least one label, found none")
    unseen = [label for label in counts["dev"] if label not in counts["train"]]
    if unseen:
        raise DataError(*(_unseen_problem(task, splits["dev"], examples["dev"], label) for label in unseen))
    notices = [
        Notice(f"{split}: label {label!r} is in neither train nor dev and is never predicted", count)
        for split in ("test",)
        for label, count in counts.get(split, {}).items()
        if label not in counts["train"]
    ]
    notices += [
        Notice(f"train: label {label!r} has very few examples", count)
        for label, count in counts["train"].items()
        if count < _FEW
    ]
    notices += [
        Notice(f"dev: label {label!r} of train does not occur, its score says nothing", 0)
        for label in counts["train"]
        if label not in counts["dev"]
    ]
    return notices


def _unseen_problem(task: Task[Any, Any], rows: Sequence[Row], examples: Sequence[Any], label: str) -> str:
    where = next(row for row, example in zip(rows, examples, strict=True) if label in task.label_counts([example]))
    return f"{where.place}: label {label!r} is in dev, train must have it too, correct it or add train rows with it"


def _shown(
    task: Task[Any, Any], examples: Sequence[Any], rows: Sequence[Row], wanted: AbstractSet[str]
) -> tuple[str, ...]:
    """Return the first rows whose text is wanted, each with its place in its file, so that a line has room for both."""
    texts = ((Path(row.place).name, task.text(example)) for row, example in zip(rows, examples, strict=True))
    return tuple(islice((f"{place}: {text}" for place, text in texts if text in wanted), _SHOWN))


def _overlaps(
    task: Task[Any, Any],
    examples: dict[str, tuple[Any, ...]],
    rows: dict[str, tuple[Row, ...]],
    splits: Sequence[str],
) -> list[Notice]:
    """Return which of `splits` hold texts of what is trained on."""
    trained = [name for name in ("train", "dev") if name not in splits]
    train = {task.text(example) for name in trained for example in examples[name]}
    notices = []
    for split in splits:
        found = examples.get(split, ())
        shared = sum(task.text(example) in train for example in found)
        if shared:
            text = f"{split}: texts that train has too make its score too good"
            notices.append(Notice(text, shared, _shown(task, found, rows[split], train)))
    return notices
