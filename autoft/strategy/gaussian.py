"""A Gaussian process over a few hundred points: what is known between them, and how well."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

Array = NDArray[np.float64]

_LENGTHS = (0.2, 0.4, 0.8, 1.6)
_NOISES = (1e-2, 1e-1, 4e-1)


@dataclass(frozen=True, slots=True)
class GaussianProcess:
    """A process with zero mean and a Matérn 5/2 kernel, conditioned on points.

    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, algorithm 2.1.

    Attributes:
        points: Where it was observed, [N, D].
        factor: Cholesky factor of the noisy kernel matrix in units of the process's variance, lower, [N, N].
        whitened: The observations, freed of what they tell about each other, [N].
        length: Distance over which two values are alike.
        scale: The process's variance.
    """

    points: Array
    factor: Array
    whitened: Array
    length: float
    scale: float

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the process, noise left out, [M] each, at `points`, [M, D]."""
        across = _kernel(_distances(points, self.points) / self.length)
        solved = solve_triangular(self.factor, across.T, lower=True, check_finite=False)
        variance = self.scale * (1.0 - np.square(solved).sum(axis=0))
        return solved.T @ self.whitened, np.sqrt(np.maximum(variance, 1e-12))


def fit_process(points: Array, values: Array) -> GaussianProcess:
    """Return the process whose length and noise make the observations likeliest, of a grid of a dozen.

    Args:
        points: In the unit cube or near it, [N, D].
        values: Observations with mean 0 and variance near 1, [N].
    """
    distances = _distances(points, points)
    best, found = -math.inf, None
    for length in _LENGTHS:
        kernel = _kernel(distances / length)
        for noise in _NOISES:
            factor = cholesky(kernel + noise * np.eye(len(points)), lower=True, check_finite=False)
            whitened = solve_triangular(factor, values, lower=True, check_finite=False)
            scale = max(float(whitened @ whitened) / len(points), 1e-12)
            # The marginal likelihood, its best variance put in and constants left out.
            likelihood = -0.5 * len(points) * math.log(scale) - float(np.log(np.diag(factor)).sum())
            if likelihood > best:
                best, found = likelihood, GaussianProcess(points, factor, whitened, length, scale)
    if found is None:
        raise ValueError("a Gaussian process needs points with finite values")
    return found


def _kernel(distances: Array) -> Array:
    scaled = math.sqrt(5.0) * distances
    matern: Array = (1.0 + scaled + scaled * scaled / 3.0) * np.exp(-scaled)
    return matern


def _distances(one: Array, other: Array) -> Array:
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None] - 2.0 * one @ other.T
    distances: Array = np.sqrt(np.maximum(squares, 0.0))
    return distances
