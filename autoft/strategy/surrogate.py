"""Asks a Gaussian process, fitted to all that was seen, where the next configuration promises most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from autoft.space.domains import Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.encoding import Encoder, encoder_of
from autoft.strategy.gaussian import GaussianProcess, fit_process

Array = NDArray[np.float64]

# Drawn evenly before a model is worth asking.
_FIRST = 10
_CANDIDATES = 500
_ELITE = 5
_STRIDES = (0.02, 0.05, 0.1, 0.2)
# How often a neighbour of the best differs from it in each name.
_OTHER_NAME = 0.15


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the model learns from.

    Attributes:
        told: Configurations from the worst to the best, whatever the scale of their values.
        pending: Configurations that are being trained and have reached nothing yet.
    """

    told: Sequence[Mapping[str, Scalar]]
    pending: Sequence[Mapping[str, Scalar]]


def promising(space: SearchSpace, seen: Ranked, rng: np.random.Generator) -> dict[str, Scalar]:
    """Return the configuration with the greatest expected improvement; an even draw while little was seen.

    Only the order of what was seen counts: values of unlike rungs, losses, and metrics of any scale are one kind of
    evidence then. What is being trained counts as just as good as expected, so that workers ask for unlike things
    (Ginsbourger et al. 2010, Kriging is well-suited to parallelize optimization). Expected improvement is that of
    Jones et al. 1998, over the best mean of the model and not the best value seen, which noise has flattered.

    Args:
        space: What may vary.
        seen: What was tried, all of it inside the space.
        rng: From which everything that is drawn comes.
    """
    encoder = encoder_of(space)
    even = rng.uniform(size=(_CANDIDATES, len(encoder.parameters)))
    if not encoder.parameters:
        return encoder.config(even[0])
    if len(seen.told) < _FIRST:
        return _new(encoder, even, seen) or encoder.config(even[0])
    units = np.stack([encoder.units(config) for config in seen.told])
    points = encoder.points(units)
    process = _with_pending(encoder, points, seen.pending)
    candidates = np.concatenate([even, _neighbours(encoder, units[-_ELITE:], rng)])
    best_first = np.argsort(-_improvement(process, points, encoder.points(candidates)))
    return _new(encoder, candidates[best_first], seen) or encoder.config(even[0])


def _new(encoder: Encoder, units: Array, seen: Ranked) -> dict[str, Scalar] | None:
    """Return the first of `units`, [N, P], that was not tried yet; None where all were."""
    known = {frozenset(config.items()) for config in (*seen.told, *seen.pending)}
    configs = (encoder.config(row) for row in units)
    return next((config for config in configs if frozenset(config.items()) not in known), None)


def _scores(count: int) -> Array:
    """Return the exponential scores of `count` places, rising, their mean near 0, [N].

    Savage 1956, Contributions to the theory of rank order statistics: places near the top lie far apart and those at
    the bottom close together. Which of two hopeless configurations is worse teaches nothing.
    """
    return -np.log1p(-(np.arange(count) + 0.5) / count) - 1.0


def _with_pending(encoder: Encoder, points: Array, pending: Sequence[Mapping[str, Scalar]]) -> GaussianProcess:
    values = _scores(len(points))
    process = fit_process(points, values)
    if not pending:
        return process
    more = encoder.points(np.stack([encoder.units(config) for config in pending]))
    believed, _ = process.predict(more)
    return fit_process(np.concatenate([points, more]), np.concatenate([values, believed]))


def _neighbours(encoder: Encoder, elite: Array, rng: np.random.Generator) -> Array:
    """Return units near those of `elite`, [K, P]: numbers a stride away, names now and then another."""
    chosen = elite[rng.integers(len(elite), size=_CANDIDATES)]
    strides = rng.choice(_STRIDES, size=(_CANDIDATES, 1))
    # Reflected at the borders: clipped, all that step over one would be the same.
    moved = np.minimum(_reflected(chosen + strides * rng.standard_normal(chosen.shape)), np.nextafter(1.0, 0.0))
    redrawn = np.where(rng.uniform(size=chosen.shape) < _OTHER_NAME, rng.uniform(size=chosen.shape), chosen)
    return np.where(encoder.named(), redrawn, moved)


def _reflected(units: Array) -> Array:
    return 1.0 - np.abs(1.0 - np.abs(units) % 2.0)


def _improvement(process: GaussianProcess, seen: Array, candidates: Array) -> Array:
    best = process.predict(seen)[0].max()
    mean, deviation = process.predict(candidates)
    z = (mean - best) / deviation
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    improvement: Array = (mean - best) * ndtr(z) + deviation * density
    return improvement
