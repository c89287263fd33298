"""The study's data: rows read, limited, parsed and judged, before anything is trained and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autoft.data.fingerprint import fingerprint
from autoft.data.rows import Row
from autoft.data.source import read_data
from autoft.data.splits import limit_rows
from autoft.errors import DataError
from autoft.study.config import DataConfig
from autoft.tasks import Notice, Task

_MOST_PROBLEMS = 50
_FEW = 5


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
    """

    task: Task[Any, Any]
    origin: str
    examples: dict[str, tuple[Any, ...]]
    labels: tuple[str, ...]
    tokens: dict[str, str]
    fingerprint: str
    notices: tuple[Notice, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Examples of each split; 0 for a missing test."""
        return {split: len(self.examples.get(split, ())) for split in ("train", "dev", "test")}


def load_rows(task: Task[Any, Any], config: DataConfig, *, seed: int) -> StudyData:
    """Read, limit, parse and judge the data of a study.

    Raises:
        DataError: With every problem found.
    """
    found = read_data(config.source, dev_share=config.dev_share, seed=seed)
    splits, notices = task.normalise(found.splits)
    whole = {name: _parse(task, rows) for name, rows in splits.items()}
    task = task.about(whole["train"])
    labels = task.labels(whole["train"])
    notices += _judge_labels(task, splits, whole)
    limits = {"train": config.train_limit, "dev": config.dev_limit}
    examples, rows = {}, {}
    for name in splits:
        kept = _limited(task, whole[name], limits.get(name), seed)
        examples[name] = tuple(whole[name][i] for i in kept)
        rows[name] = tuple(splits[name][i] for i in kept)
    notices += _overlaps(task, examples)
    return StudyData(
        task, found.origin, examples, labels, task.tokens(whole["train"]), fingerprint(rows), tuple(notices)
    )


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


def _limited(task: Task[Any, Any], examples: Sequence[Any], limit: int | None, seed: int) -> Sequence[int]:
    """Return which examples are used; a limit never removes a label."""
    everything = range(len(examples))
    if limit is None:
        return everything
    return limit_rows(everything, limit, seed, lambda index: set(task.label_counts([examples[index]])))


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


def _overlaps(task: Task[Any, Any], examples: dict[str, tuple[Any, ...]]) -> list[Notice]:
    train = {task.text(example) for example in examples["train"]}
    notices = []
    for split in ("dev", "test"):
        shared = [text for example in examples.get(split, ()) if (text := task.text(example)) in train]
        if shared:
            notices.append(
                Notice(
                    f"{split}: texts that train has too make its score too good",
                    len(shared),
                    tuple(shared[:3]),
                )
            )
    return notices
