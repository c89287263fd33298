"""The bootstrap over examples: resamples, and the interval of a score over them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def resample(count: int, *, resamples: int, seed: int) -> IntArray:
    """Return which examples each resample holds, drawn with replacement, [R, N]; equal seeds give equal draws.

    Args:
        count: Examples.
        resamples: How many.
        seed: From which they are drawn.
    """
    return np.random.default_rng(seed).integers(0, max(1, count), size=(resamples, count), dtype=np.int64)


def percentile_interval(values: FloatArray) -> tuple[float, float]:
    """Return the 95 % interval between percentiles (Efron 1979).

    Args:
        values: A score, or a difference of two scores on the same resamples, [R].
    """
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
