"""The gain of each finalist over the default on fresh seeds: mean, 95 % interval, and whether it is more than noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ERROR = 0.05
# What the seed variances of configurations of one base model show: 51 groups of NER models, hmByT5.
_PRIOR_FREEDOM = 8.0


@dataclass(frozen=True, slots=True)
class Gain:
    """A finalist's gain over the default.

    Attributes:
        mean: Mean of the differences, seed by seed.
        interval: Its 95 % interval; None where one seed says nothing of the spread.
    """

    mean: float
    interval: tuple[float, float] | None

    @property
    def significant(self) -> bool:
        """Whether it is more than noise: the whole interval lies above 0."""
        return self.interval is not None and self.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        """Return the gain as result.json holds it."""
        interval = None if self.interval is None else list(self.interval)
        return {"mean": self.mean, "ci95": interval, "significant": self.significant}


def gains_over(default: Sequence[float], rivals: Mapping[int, Sequence[float]]) -> dict[int, Gain]:
    r"""Return the gain of each rival over the default, with intervals that may be read of the best of them.

    The spread of seeds is estimated from all arms: each arm's variance :math:`s_i^2` is drawn towards the mean variance
    of all (two thirds of the way at five seeds), as in Smyth 2004, "Linear models and empirical Bayes methods for
    assessing differential expression", with a prior of eight degrees of freedom. A gain's variance is then a weighted
    sum :math:`\sum_i c_i s_i^2`, whose degrees of freedom follow Satterthwaite 1946 in the less biased form of Welch
    1947, :math:`(f + 2) (\sum c_i s_i^2)^2 / \sum (c_i s_i^2)^2 - 2` with :math:`f = S - 1`, at most those of the
    pooled variance. So unlike spreads cost degrees of freedom, and an arm that scatters more than the others gains
    nothing.

    Picking the best of k is paid for by Bonferroni: the lower ends hold for all k rivals at once with 95 % (one-sided),
    and no interval has a smaller quantile than Student's of one comparison. Arms share their seeds, but no common
    effect of a seed is taken out: where there is one, the intervals are a little too wide.

    Args:
        default: The metric of the default on each seed, [S].
        rivals: Trial number -> the same of a finalist on the same seeds, [S].
    """
    if not rivals:
        return {}
    arms = {number: [float(one) for one in scores] for number, scores in rivals.items()}
    means = {
        number: statistics.fmean(one - other for one, other in zip(scores, default, strict=True))
        for number, scores in arms.items()
    }
    if len(default) < 2:
        return {number: Gain(mean, None) for number, mean in means.items()}
    variances = {number: statistics.variance(scores) for number, scores in arms.items()}
    base, freedom = statistics.variance(default), len(default) - 1
    found = {}
    for number, mean in means.items():
        others = [variance for other, variance in variances.items() if other != number]
        half = _half_width(variances[number], base, others, freedom)
        found[number] = Gain(mean, (mean - half, mean + half))
    return found


def _half_width(mine: float, base: float, others: Sequence[float], freedom: int) -> float:
    """Return half of the interval of one rival's gain, from the variances of all arms."""
    arms = 2 + len(others)
    weight = _PRIOR_FREEDOM / (_PRIOR_FREEDOM + freedom)
    shared = 2 * weight / arms
    parts = [*((1 - weight + shared) * one for one in (mine, base)), *(shared * one for one in others)]
    total, largest = sum(parts), max(parts)
    if largest <= 0:
        return 0.0
    from scipy.special import stdtrit

    # Scaled, so that tiny variances do not vanish when they are squared.
    ratio = (total / largest) ** 2 / sum((one / largest) ** 2 for one in parts)
    nu = min((freedom + 2) * ratio - 2, arms * freedom)
    quantile = float(stdtrit(nu, 1 - _ERROR / max(2, arms - 1)))
    return quantile * math.sqrt(total / (freedom + 1))
