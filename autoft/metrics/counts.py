"""Shares of counts, for many resamples at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def shares_of(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 where there is nothing, [...]."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def mean_f1(right: FloatArray, got: FloatArray, support: FloatArray) -> FloatArray:
    """Return the mean F1 over the classes that are predicted or right somewhere, [R].

    Args:
        right: Right predictions of each class, [R, C].
        got: Predictions, [R, C].
        support: References, [R, C].
    """
    both = got + support
    return shares_of(shares_of(2 * right, both).sum(1), (both > 0).sum(1).astype(np.float64))
