"""What a search tries right after the default: decided when the study is created, and kept with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoft.space import SearchSpace
from autoft.storage.records import Scalar
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
        sources: The data sets that the portfolio, if one was used, was built from.
    """

    warm_start: tuple[str, ...] = ()
    file: str | None = None
    first: tuple[Mapping[str, Scalar], ...] = ()
    origins: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

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
        return int.from_bytes(hashlib.sha256(repr((seed, self.warm_start)).encode()).digest()[:4], "big")


def configurations_of(
    portfolios: Sequence[tuple[str, Portfolio]], space: SearchSpace, *, room: int
) -> list[tuple[str, dict[str, Scalar]]]:
    """Return what is tried first, with its origin: of the first portfolio, then of the next, each once.

    Entries that have no place in the space are left out, and so is what equals the default.

    Args:
        portfolios: Origin, in words, and portfolio.
        space: What may vary.
        room: Most configurations.
    """
    found: list[tuple[str, dict[str, Scalar]]] = []
    known: list[Mapping[str, Scalar]] = [space.default]
    for origin, portfolio in portfolios:
        for entry in portfolio.entries:
            config = fitted(entry, space)
            if config is not None and config not in known and len(found) < room:
                found.append((origin, config))
                known.append(config)
    return found


def data_names(source: str) -> frozenset[str]:
    """Return by which names a portfolio may know a data set.

    Args:
        source: Folder, file, hub id or `sample:NAME`.
    """
    return frozenset({Path(source).name, Path(source).stem, source.replace(":", "-")})


def first_notices(portfolio: PortfolioConfig, source: str) -> list[str]:
    """Return warnings: nothing of what was asked for is tried, or a portfolio has seen the data that is searched.

    Args:
        portfolio: What is tried first.
        source: What is searched, as `data_names` takes it.
    """
    notices, short = [], "is tried first: the search is shorter than 10 configurations, or"
    if portfolio.warm_start and EARLIER not in portfolio.origins:
        names = ", ".join(portfolio.warm_start)
        notices.append(
            f"--warm-start: nothing of {names} {short} none that was better than the default lies in its space"
        )
    if portfolio.file not in (None, NONE) and not portfolio.first:
        notices.append(f"--portfolio: nothing of {portfolio.file} {short} no entry but the default lies in its space")
    return notices + [
        f"the portfolio has seen {name!r}: what is tried first was chosen on it, for a comparison with other programs "
        "leave it out with --portfolio none"
        for name in portfolio.sources
        if name in data_names(source)
    ]
