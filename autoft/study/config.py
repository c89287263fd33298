"""The study's configuration: frozen, nested, saved with the study, compared when it is resumed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autoft.errors import StudyError
from autoft.study.aims import AimsConfig
from autoft.study.portfolio import PortfolioConfig

_LARGEST_AUDIT = 0.5
_LONGEST = 80
_UNSAID = "not given"
_NAME = re.compile(r"(?!autoft\.db)\w[\w .-]{0,99}(?<![ .])")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Which rows: may not change within a study.

    Attributes:
        source: Folder, file, hub id or `sample:NAME`.
        dev_share: Share of train that becomes dev where there is none.
        train_limit: Most train rows, a seeded, stratified share; None takes all.
        dev_limit: The same for dev.
        folds: Into how many folds the rows of train and dev are dealt, each scored by a model trained on the others;
            None keeps train and dev.
    """

    source: str
    dev_share: float = 0.2
    train_limit: int | None = None
    dev_limit: int | None = None
    folds: int | None = None

    def __post_init__(self) -> None:
        problems = []
        if not 0.0 < self.dev_share < 1.0:
            problems.append(f"--dev-share: a share between 0 and 1 expected, got {self.dev_share}")
        problems += [
            f"--{split}-limit: a count of at least 1 expected, got {limit}"
            for split, limit in (("train", self.train_limit), ("dev", self.dev_limit))
            if limit is not None and limit < 1
        ]
        if self.folds is not None and self.folds < 2:
            problems.append(f"--folds: a count of at least 2 expected, got {self.folds}")
        if problems:
            raise StudyError(*problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """How much: may change when a study is resumed.

    Attributes:
        trials: Configurations in total, over all workers and resumptions.
        timeout: Seconds of search from now on; None has no limit.
        workers: Processes that host trials.
        finalists: Best configurations that are trained again beside the default; 0 trains none again.
        seeds: Fresh seeds on which each of them is trained again.
        memory: Bytes that paused configurations may take in the memory of a single worker; None is a share of what
            is free. With more workers they lie on disk.
        disk: Bytes that they may take on disk; None is 10 GiB or half of what is free.
        cache: Bytes that what frozen layers hand on may take on disk; None is 10 GiB or half of what is free.
        stop: `auto` begins nothing new once the latest configurations gain less than noise; None asks all of them.
        audit: Share of the search's epochs for which pruned configurations are finished; None finishes none.
    """

    trials: int = 50
    timeout: float | None = None
    workers: int = 1
    finalists: int = 2
    seeds: int = 5
    memory: int | None = None
    disk: int | None = None
    cache: int | None = None
    stop: str | None = None
    audit: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.trials < 1:
            problems.append(f"--trials: a count of at least 1 expected, got {self.trials}")
        if self.timeout is not None and self.timeout <= 0:
            problems.append(f"--timeout: a time above 0 expected, got {self.timeout}")
        if self.workers < 1:
            problems.append(f"--workers: a count of at least 1 expected, got {self.workers}")
        if self.finalists < 0:
            problems.append(f"--finalists: a count of at least 0 expected, got {self.finalists}")
        if self.seeds < 1:
            problems.append(f"--seeds: a count of at least 1 expected, got {self.seeds}")
        if self.stop not in (None, "auto"):
            problems.append(f"--stop: auto expected, got {self.stop!r}")
        if self.audit is not None and not 0.0 < self.audit <= _LARGEST_AUDIT:
            problems.append(f"--audit: a share above 0, at most {_LARGEST_AUDIT}, expected, got {self.audit}")
        problems += [
            f"--{name}-budget: a size of at least 0 expected, got {size}"
            for name, size in (("memory", self.memory), ("disk", self.disk), ("cache", self.cache))
            if size is not None and size < 0
        ]
        if problems:
            raise StudyError(*problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeConfig:
    """Where and how trials run: part of what a replay needs, so it may not change.

    Attributes:
        device: `cpu` or `cuda`, resolved from `auto` when the study is created.
        threads: Threads of one operation in each worker.
        sampler: Who proposes configurations.
        pruner: Which schedule pauses or stops them early.
    """

    device: str
    threads: int
    sampler: str = "gp"
    pruner: str = "promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """Where the study lives.

    Attributes:
        folder: Folder of all studies.
        url: SQLAlchemy URL; None is SQLite in `folder`.
    """

    folder: str = "studies"
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """One search.

    Attributes:
        name: Unique in its storage.
        task: A registered task.
        metric: What is optimised; larger is better.
        seed: From which every other seed is derived.
        data: Which rows.
        budget: How much.
        compute: Where and how.
        storage: Where it is remembered.
        aims: Limits, and what the report sets the score against.
        space: The resolved search space, as JSON.
        fingerprint: sha256 of the rows that are used.
        portfolio: What is tried right after the default.
    """

    name: str
    task: str
    metric: str
    seed: int
    data: DataConfig
    budget: BudgetConfig
    compute: ComputeConfig
    storage: StorageConfig
    aims: AimsConfig = field(default_factory=AimsConfig)
    space: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    portfolio: PortfolioConfig = field(default_factory=PortfolioConfig)

    def __post_init__(self) -> None:
        # The name is a folder beside the database; `rm` removes that folder.
        if not _NAME.fullmatch(self.name):
            raise StudyError(
                f"--study: letters, digits, spaces and . _ - expected, a letter or digit first, got {self.name!r}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StudyConfig:
        """Build the configuration that `to_json` returned."""
        return cls(
            **{
                **value,
                "data": DataConfig(**value["data"]),
                "budget": BudgetConfig(**value["budget"]),
                "compute": ComputeConfig(**value["compute"]),
                "storage": StorageConfig(**value["storage"]),
                # Studies of earlier versions have neither.
                "aims": AimsConfig.from_json(value.get("aims", {})),
                "portfolio": PortfolioConfig.from_json(value.get("portfolio", {})),
            }
        )


def resumed(stored: StudyConfig, asked: StudyConfig) -> StudyConfig:
    """Return the stored configuration with the budget that is asked for now, and where its rows and files lie now.

    What is minimized is taken over too: only the report reads it.

    Raises:
        StudyError: If anything else differs; every differing key is named with both values.
    """
    problems = [
        f"study {stored.name!r}: {key} may not change, it was {_short(old)}, got {_short(new)}, "
        "take another --study name for another search"
        for key, old, new in _differences(stored, asked)
    ]
    if problems:
        raise StudyError(*problems)
    # The same rows may lie elsewhere by now.
    aims = replace(stored.aims, minimize=asked.aims.minimize)
    return replace(stored, data=asked.data, budget=asked.budget, storage=asked.storage, aims=aims)


def _differences(stored: StudyConfig, asked: StudyConfig) -> list[tuple[str, Any, Any]]:
    pairs: list[tuple[str, Any, Any]] = [
        ("task", stored.task, asked.task),
        ("metric", stored.metric, asked.metric),
        ("seed", stored.seed, asked.seed),
        ("train limit", stored.data.train_limit, asked.data.train_limit),
        ("dev limit", stored.data.dev_limit, asked.data.dev_limit),
        ("folds", stored.data.folds, asked.data.folds),
        ("dev share", stored.data.dev_share, asked.data.dev_share),
        ("device", stored.compute.device, asked.compute.device),
        ("threads", stored.compute.threads, asked.compute.threads),
        ("sampler", stored.compute.sampler, asked.compute.sampler),
        ("pruner", stored.compute.pruner, asked.compute.pruner),
        ("--max-latency", stored.aims.max_latency, asked.aims.max_latency),
        ("--max-memory", stored.aims.max_memory, asked.aims.max_memory),
        ("--max-parameters", stored.aims.max_parameters, asked.aims.max_parameters),
        ("--warm-start", _listed(stored.portfolio.warm_start), _listed(asked.portfolio.warm_start)),
        ("--portfolio", stored.portfolio.file or _UNSAID, asked.portfolio.file or _UNSAID),
        ("data (fingerprint of the rows)", stored.fingerprint, asked.fingerprint),
    ]
    pairs += _space_differences(stored.space, asked.space, "search space")
    return [(key, old, new) for key, old, new in pairs if old != new]


def _space_differences(old: Any, new: Any, path: str) -> list[tuple[str, Any, Any]]:
    """Return the places where two JSON values differ, as deep as both are mappings."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [
            difference
            for key in sorted({*old, *new}, key=str)
            for difference in _space_differences(old.get(key), new.get(key), f"{path}: {key}")
        ]
    return [(path, old, new)] if old != new else []


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or _UNSAID


def _short(value: Any) -> str:
    """Return a value as it is spelled; of a long one both ends, since a path differs at its end."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
