"""Builds portfolios: from configurations that were tried on several data sets, the few that do best together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoft.errors import ConfigError
from autoft.space.domains import Scalar
from autoft.strategy.portfolio import Entry, Portfolio

Array = NDArray[np.float64]
Key = tuple[tuple[str, Scalar], ...]

_DRAWS = 200
# Spread of a score between seeds where no configuration was tried with more than one, as a share of what lies between
# the median configuration and the best.
_SPREAD = 0.2
_GOOD = 0.5
_LEAST_GAIN = 1e-4


@dataclass(frozen=True, slots=True)
class Tried:
    """One configuration on one data set.

    Attributes:
        data: The data set.
        config: Path -> value.
        scores: The best dev score of each seed; larger is better.
    """

    data: str
    config: Mapping[str, Scalar]
    scores: tuple[float, ...]


def build_portfolio(
    task: str,
    tried: Iterable[Tried],
    *,
    size: int,
    default: Mapping[str, Scalar] | None = None,
    names: Collection[str] | None = None,
) -> Portfolio:
    """Return the entries that greedily bring down the expected regret of their best.

    Regret is 0 at the best value known of a data set and 1 at its median configuration's, and never above; a
    configuration that was not tried on a data set counts as that one's median. Greedy choice of configurations by
    normalised regret follows Feurer et al. 2022, Auto-Sklearn 2.0 (portfolios), and Winkelmolen et al. 2020, Practical
    and Sample Efficient Zero-Shot HPO. Here the expectation is also one over the noise of scores, by seeded draws: the
    best of a single data set leaves no regret else, and which of several good ones is the best is luck.

    Args:
        task: The task.
        tried: Configurations on data sets; the scores of what stands twice count together.
        size: Most entries.
        default: What a search tries before; it is no entry.
        names: Paths that an entry names; those in which configurations differ unless given.

    Raises:
        ConfigError: If nothing was tried.
    """
    found = _pooled(tried)
    sources = tuple(dict.fromkeys(one.data for one in found))
    if not found:
        raise ConfigError("portfolio: at least one configuration that was tried expected, got none")
    keys = list(dict.fromkeys(_key(one.config) for one in found))
    regrets = _regrets(found, sources, keys)
    first = None if default is None else _key(default)
    left = regrets[:, :, keys.index(first)] if first in keys else np.ones(regrets.shape[:2])
    named = set(names) if names is not None else _differing(keys)
    entries: list[Entry] = []
    while len(entries) < size:
        expected = np.minimum(left[:, :, None], regrets).mean(axis=(0, 1))
        best = int(expected.argmin())
        if left.mean() - expected[best] < _LEAST_GAIN:
            break
        left = np.minimum(left, regrets[:, :, best])
        good = regrets[:, :, best].mean(axis=0) < _GOOD
        seen = tuple(source for source, here in zip(sources, good, strict=True) if here)
        config = {path: value for path, value in keys[best] if path in named}
        entries.append(Entry(config, seen, round(float(expected[best]), 4)))
    return Portfolio(task, tuple(entries), sources)


def _pooled(tried: Iterable[Tried]) -> list[Tried]:
    """Return each configuration on each data set once, with all of its scores."""
    found: dict[tuple[str, Key], Tried] = {}
    for one in tried:
        place = one.data, _key(one.config)
        before = found[place].scores if place in found else ()
        found[place] = replace(one, scores=(*before, *one.scores))
    return list(found.values())


def _key(config: Mapping[str, Scalar]) -> Key:
    return tuple(sorted(config.items()))


def _differing(keys: Sequence[Key]) -> set[str]:
    """Return the paths in which the configurations that have them differ, or that a single one has."""
    found: dict[str, list[Scalar]] = {}
    for path, value in (pair for key in keys for pair in key):
        found.setdefault(path, []).append(value)
    return {path for path, values in found.items() if len(values) == 1 or len(set(values)) > 1}


def _regrets(tried: Sequence[Tried], sources: Sequence[str], keys: Sequence[Key]) -> Array:
    """Return regrets drawn from the noise of scores, [draws, data sets, configurations]."""
    rows, columns = {name: at for at, name in enumerate(sources)}, {key: at for at, key in enumerate(keys)}
    means, counts = np.full((len(sources), len(keys)), np.nan), np.ones((len(sources), len(keys)))
    for one in tried:
        at = rows[one.data], columns[_key(one.config)]
        means[at], counts[at] = np.mean(one.scores), len(one.scores)
    spreads = _spreads(tried, sources, means)
    noise = np.random.default_rng(0).standard_normal((_DRAWS, *means.shape))
    drawn = means + noise * spreads[:, None] / np.sqrt(counts)
    best, median = np.nanmax(drawn, axis=2, keepdims=True), np.nanmedian(drawn, axis=2, keepdims=True)
    span = np.where(best > median, best - median, 1.0)
    regrets: Array = np.clip((best - drawn) / span, 0.0, 1.0)
    return np.where(np.isnan(regrets), 1.0, regrets)


def _spreads(tried: Sequence[Tried], sources: Sequence[str], means: Array) -> Array:
    """Return the standard deviation of a score between seeds, for each data set: measured there, else assumed."""
    spans = np.nanmax(means, axis=1) - np.nanmedian(means, axis=1)
    found = []
    for source, span in zip(sources, spans, strict=True):
        repeated = [np.array(one.scores) for one in tried if one.data == source and len(one.scores) > 1]
        freedom = sum(len(scores) - 1 for scores in repeated)
        squares = sum(float(np.square(scores - scores.mean()).sum()) for scores in repeated)
        found.append(np.sqrt(squares / freedom) if freedom else _SPREAD * span)
    return np.array(found)
