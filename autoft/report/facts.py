"""What a report must know of a study besides its trials, as frozen values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from autoft.space.search_space import Parameter
from autoft.storage.records import StopRecord
from autoft.study.aims import AimsConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """Which rows were used.

    Attributes:
        origin: Where they come from, in words.
        train: Rows of the train split, limits applied.
        dev: Rows of the dev split, limits applied.
        test: Rows of the sealed test split; None where there is none.
        fingerprint: sha256 of the rows.
        folds: Into how many folds train and dev are dealt; None where they stay apart.
    """

    origin: str
    train: int
    dev: int
    test: int | None = None
    fingerprint: str = ""
    folds: int | None = None

    @property
    def rows(self) -> str:
        """Rows and how they are used, in words."""
        if self.folds is None:
            return f"{self.train} train and {self.dev} dev rows"
        return f"{self.train + self.dev} rows in {self.folds} folds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalists:
    """What the finalists scored on dev, on the same fresh seeds.

    Attributes:
        scores: Trial number -> the metric on each seed, the same seeds in the same order for all;
            the default is among them. Empty where none have run.
        seeds: These seeds, never the search's own.
        asked: Seeds that were asked for; more than `seeds` where the time was over before.
        mishaps: In words, each run that diverged or did not fit, and with which value it counts.
        seconds: Spent on them.

    Raises:
        ValueError: If the trials have unlike numbers of scores, or one is not a finite number.
    """

    scores: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    asked: int = 0
    mishaps: tuple[str, ...] = ()
    seconds: float = 0.0

    def __post_init__(self) -> None:
        lengths = {number: len(scores) for number, scores in self.scores.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"finalists must share their seeds, got scores per trial {lengths}")
        if not all(math.isfinite(one) for scores in self.scores.values() for one in scores):
            raise ValueError(f"finalists' scores must be finite, got {dict(self.scores)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreData:
    """What the best scored on half of its training rows, and on all of them.

    Attributes:
        half_rows: Rows of a half.
        seeds: The fresh seeds of both.
        half: The metric on half of the rows, on each seed.
        full: The metric on all of them, on each seed.
        mishaps: What happened to runs on half of them that ended early.
    """

    half_rows: int
    seeds: tuple[int, ...]
    half: tuple[float, ...]
    full: tuple[float, ...]
    mishaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """One search.

    Attributes:
        name: The study's name.
        task: The registered task.
        metric: What is optimised; larger is better.
        model: The base model, or the base models, in words.
        data: Which rows.
        seed: From which every other seed is derived.
        space: What varies.
        versions: Package -> version.
        plain: Whether plain `transformers` loads the best model.
        seconds: Spent on the search so far, over all its runs.
        default_number: The trial of the default configuration.
        aims: Limits, and what the score is set against.
        finalists: What the best and the default scored on fresh seeds; no scores where none have run.
        stop: Why the search stopped by itself; None where it did not.
        asked: Configurations that were asked for.
        time: Part of the work -> seconds of wall time of all workers, see `autoft.study.wall_time.PARTS`; empty where
            none was noted.
        audit: Share of the search for which pruned configurations are finished; None where none is.
        more_data: What the best scored on half of its rows; None where that has not run.
        floor: What the metric is for the best answer that is the same for every row of dev; None where it is not known.
        chosen: What was tuned on dev beside the best's weights, in words; empty where nothing was.
    """

    name: str
    task: str
    metric: str
    model: str
    data: DataFacts
    seed: int = 0
    space: tuple[Parameter, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    plain: bool = True
    seconds: float = 0.0
    default_number: int = 0
    aims: AimsConfig = field(default_factory=AimsConfig)
    finalists: Finalists = field(default_factory=Finalists)
    stop: StopRecord | None = None
    asked: int = 0
    time: Mapping[str, float] = field(default_factory=dict)
    audit: float | None = None
    more_data: MoreData | None = None
    floor: float | None = None
    chosen: str = ""
