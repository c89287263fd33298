"""What a search tries right after the default: decided when the study is created, and kept with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoft.errors import ConfigError
from autoft.space import Scalar, SearchSpace
from autoft.strategy.portfolio import Portfolio, fitted

EARLIER = "an earlier study"
"""The origin of what `--warm-start` gives."""
PORTFOLIO = "the portfolio"
"""The origin of what a portfolio gives."""
NONE = "none"
"""Given as a portfolio's file: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioConfig:
    """Configurations that are given and not proposed: may not change within a study.

    Attributes:
        warm_start: Studies that were asked for.
        file: The portfolio's file; `none` for no portfolio, None for autoft's own.
        first: Complete configurations, the numbers from 1 on.
        origins: Where each of them comes from, in words.
        sources: The data sets that what is given was chosen on, as far as portfolios say so.
        left_out: What was asked for and is not tried, and why, in words.
    """

    warm_start: tuple[str, ...] = ()
    file: str | None = None
    first: tuple[Mapping[str, Scalar], ...] = ()
    origins: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.first) != len(self.origins):
            raise ConfigError(f"origins: one for each of {len(self.first)} configurations expected, got {self.origins}")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PortfolioConfig:
        """Build the configuration that a study's JSON holds; studies of earlier versions have none."""
        found: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in value.items()}
        return cls(**found)

    def draws_seed(self, seed: int) -> int:
        """Return the seed of what is sampled: the study's, but another one after earlier studies.

        They have the same seed as a rule, and what it draws was tried there.
        """
        if not self.warm_start:
            return seed
        # By name: where a folder lies on this machine changes nothing.
        names = tuple(Path(name).name for name in self.warm_start)
        return int.from_bytes(hashlib.sha256(repr((seed, names)).encode()).digest()[:4], "big")


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be tried first, and where it comes from.

    Attributes:
        origin: In words.
        portfolio: The configurations, the most promising one at the head.
        factor: Learning rates of full tuning are so many times as high for the study's base model.
    """

    origin: str
    portfolio: Portfolio
    factor: float = 1.0


def first_configurations(
    candidates: Sequence[Candidates], space: SearchSpace
) -> tuple[list[tuple[str, dict[str, Scalar]]], list[str]]:
    """Return what may be tried first, each with its origin, and what has no place in the space, in words.

    Args:
        candidates: In the order in which they are tried; what is there twice, or equal to the default, is tried once.
        space: What may vary.
    """
    found: list[tuple[str, dict[str, Scalar]]] = []
    known: list[Mapping[str, Scalar]] = [space.default]
    left_out = []
    for one in candidates:
        configs = [fitted(entry.config, space, factor=one.factor) for entry in one.portfolio.entries]
        if homeless := configs.count(None):
            left_out.append(f"{homeless} of {len(configs)} from {one.origin} left out, outside the search space")
        for config in configs:
            if config is not None and config not in known:
                found.append((one.origin, config))
                known.append(config)
    return found, left_out


def data_names(source: str) -> frozenset[str]:
    """Return by which names a portfolio may know a data set, each as `plain_name` spells it.

    Args:
        source: Folder, file, hub id or `sample:NAME`.
    """
    return frozenset(map(plain_name, (Path(source).name, Path(source).stem, source.replace(":", "-"))))


def plain_name(name: str) -> str:
    """Return a data set's name as it is compared: hubs write underscores and capitals where folders do not."""
    return name.lower().replace("_", "-")


def first_notices(portfolio: PortfolioConfig, source: str) -> list[str]:
    """Return warnings: something that was asked for is not tried, or what is tried was chosen on the data searched.

    Args:
        portfolio: What is tried first.
        source: What is searched, as `data_names` takes it.
    """
    notices = [f"tried first: {words}" for words in portfolio.left_out]
    seen = [name for name in portfolio.sources if plain_name(name) in data_names(source)]
    way = "--portfolio none" + (" and without --warm-start" if EARLIER in portfolio.origins else "")
    return notices + [
        f"what is tried first was chosen with {name!r} in view: to compare with other programs search with {way}"
        for name in seen
    ]
