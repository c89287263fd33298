"""What a caller asks of a search; what is left out comes from the study that is resumed, or from the defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoft.study.config import StorageConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class AimOptions:
    """What a search is to reach; None and () are left to the study that is resumed.

    Attributes:
        metric: What is optimised; the task's own unless given.
        minimize: Measures whose front with the dev score the report draws.
        max_latency: Most milliseconds a sequence.
        max_memory: Most MiB of training.
        max_parameters: Most parameters of the delivered model.
    """

    metric: str | None = None
    minimize: tuple[str, ...] = ()
    max_latency: float | None = None
    max_memory: float | None = None
    max_parameters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """Which rows a search uses, and how; None is left to the study that is resumed.

    Attributes:
        train_limit: Most train rows.
        dev_limit: Most dev rows.
        folds: Into how many folds train and dev are dealt.
    """

    train_limit: int | None = None
    dev_limit: int | None = None
    folds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """How much a search may spend, as `BudgetConfig` has it.

    None is left to the defaults; the number of configurations, where a study is resumed, to that study.
    """

    trials: int | None = None
    timeout: float | None = None
    workers: int | None = None
    finalists: int | None = None
    seeds: int | None = None
    memory: int | None = None
    disk: int | None = None
    cache: int | None = None
    stop: str | None = None
    audit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOptions:
    """What is tried right after the default; () and None are left to the study that is resumed.

    Attributes:
        warm_start: Earlier studies of the task: names in the same storage, or folders of studies elsewhere.
        portfolio: A portfolio's file, or `none`; autoft's own unless given.
    """

    warm_start: tuple[str, ...] = ()
    portfolio: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """One request for a search.

    Attributes:
        task: A registered task.
        source: Folder, file, hub id or `sample:NAME`; the task's built-in sample unless given.
        models: Base models; more than one makes the model part of the search. The space's unless given.
        space: Name or path of a search space; the task's own unless given.
        study: Name of the study; an existing one is resumed. A new name is made unless given.
        seed: From which every other seed is derived; 0 unless given.
        device: `auto`, `cpu` or `cuda`.
        rows: Which rows of the source.
        aims: What to reach.
        budget: How much to spend.
        storage: Where the study lives.
        first: What is tried first.
    """

    task: str
    source: str | None = None
    models: tuple[str, ...] = ()
    space: str | None = None
    study: str | None = None
    seed: int | None = None
    device: str = "auto"
    rows: RowOptions = field(default_factory=RowOptions)
    aims: AimOptions = field(default_factory=AimOptions)
    budget: BudgetOptions = field(default_factory=BudgetOptions)
    storage: StorageConfig = field(default_factory=StorageConfig)
    first: FirstOptions = field(default_factory=FirstOptions)
