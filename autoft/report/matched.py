"""What a choice costs or saves in this study: trials that differ in it, matched on everything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autoft.report.facts import StudyFacts
from autoft.space.domains import Categorical, Float, Integer, Scalar
from autoft.space.search_space import Parameter
from autoft.storage.records import TrialRecord

PAIRS_NEEDED = 5
_CHOICES = ("method", "model", "head", "optimizer")
_RANGE = "freeze"
# Two random configurations are a third apart, on average over their parameters.
_FARTHEST = 0.25
# Only so that few trials can be solved for.
_RIDGE = 0.1
_ERROR = 0.05
_Array = npt.NDArray[np.float64]


class Difference(NamedTuple):
    """A mean difference and its interval; of logarithms where it is a ratio."""

    mean: float
    low: float
    high: float

    @property
    def firm(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return self.low > 0 or self.high < 0


class Comparison(NamedTuple):
    """One value of a choice against another, over pairs of trials that are alike in all else.

    Attributes:
        choice: The parameter, such as `method`.
        one: The value that is looked at, such as `lora`.
        other: What it is compared with, such as `full`.
        pairs: Matched pairs.
        score: Difference of the dev score; None with too few pairs.
        memory: Logarithm of the ratio of memory.
        seconds: Logarithm of the ratio of time.
    """

    choice: str
    one: str
    other: str
    pairs: int
    score: Difference | None
    memory: Difference | None
    seconds: Difference | None


class _Side(NamedTuple):
    """One side of a comparison: its name, and the trials of it."""

    name: str
    trials: tuple[TrialRecord, ...]


class _Pairs(NamedTuple):
    """Matched pairs of two sides, and how their trials stand on the other parameters, [N, P] each."""

    one: list[TrialRecord]
    other: list[TrialRecord]
    gaps: _Array
    sides: tuple[tuple[Sequence[TrialRecord], _Array], tuple[Sequence[TrialRecord], _Array]]


def matched_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> tuple[Comparison, ...]:
    """Return every comparison for which the study has trials on both sides, also those with too few pairs.

    Complete trials are paired with their nearest neighbour on the other side, each used once, the closest first
    (Rubin 1973; Stuart 2010, https://doi.org/10.1214/09-STS313); base model, method, head and optimizer must agree,
    the rest may be `_FARTHEST` of a range apart on average. What is still unlike in a pair is taken out by a ridge
    regression within the sides (Abadie and Imbens 2011, https://doi.org/10.1198/jbes.2009.07333). Intervals are
    Student's over the pairs, with the regression's own uncertainty, at 95 % for all comparisons of a study together
    (Bonferroni): where no choice matters, one study in twenty says that one does; in simulations one in ten, where
    the sampler had tried the sides in unlike regions and the score bent between them.

    A method's own parameters, such as its learning rate, are part of it: it is compared as this search tuned it.
    """
    complete = [one for one in records if one.state == "complete" and one.value is not None and one.config]
    found = [(path, one, other, _paired(facts.space, path, one, other)) for path, one, other in _sides(facts, complete)]
    ready = sum(len(pairs.one) >= PAIRS_NEEDED for *_, pairs in found)
    error = _ERROR / max(1, ready)

    def comparison(path: str, one: _Side, other: _Side, pairs: _Pairs) -> Comparison:
        return Comparison(
            path,
            one.name,
            other.name,
            len(pairs.one),
            score=_difference(pairs, lambda record: record.value, error),
            memory=_difference(pairs, lambda record: _log(record.facts.get("memory")), error),
            seconds=_difference(pairs, lambda record: _log(record.seconds), error),
        )

    return tuple(comparison(*each) for each in found)


def _sides(facts: StudyFacts, records: Sequence[TrialRecord]) -> Iterator[tuple[str, _Side, _Side]]:
    """Yield what is compared; the second side is the default's where it has one, else the one with more trials."""
    default = next((one for one in records if one.number == facts.default_number), None)
    for parameter in facts.space:
        path, domain = parameter.path, parameter.domain
        if path in _CHOICES and isinstance(domain, Categorical):
            groups = {str(name): _where(records, path, name) for name in domain.choices}
            usual = None if default is None else str(default.config.get(path))
        elif path == _RANGE and isinstance(domain, Float):
            groups = _thirds(records, path, domain)
            usual = next(iter(groups))
        else:
            continue
        sides = [_Side(name, trials) for name, trials in groups.items() if trials]
        for pair in combinations(sides, 2):
            one, other = sorted(pair, key=lambda side: (side.name == usual, len(side.trials)))
            yield path, one, other


def _where(records: Sequence[TrialRecord], path: str, value: Scalar) -> tuple[TrialRecord, ...]:
    return tuple(record for record in records if record.config.get(path) == value)


def _thirds(records: Sequence[TrialRecord], path: str, domain: Float) -> dict[str, tuple[TrialRecord, ...]]:
    """Return the trials in the lowest and in the highest third of a range."""
    third = (domain.high - domain.low) / 3
    low, high = domain.low + third, domain.high - third
    values = [(record, float(record.config[path])) for record in records if path in record.config]
    return {
        f"at most {low:.2g}": tuple(record for record, value in values if value <= low),
        f"at least {high:.2g}": tuple(record for record, value in values if value >= high),
    }


def _paired(space: Sequence[Parameter], path: str, one: _Side, other: _Side) -> _Pairs:
    rest = [each for each in space if each.path != path and not each.path.startswith(f"{path}.")]
    left = np.array([_place(rest, record) for record in one.trials]).reshape(len(one.trials), -1)
    right = np.array([_place(rest, record) for record in other.trials]).reshape(len(other.trials), -1)
    near = sorted(
        (float(np.mean(np.abs(left[i] - right[j]))) if left.shape[1] else 0.0, i, j)
        for i, mine in enumerate(one.trials)
        for j, theirs in enumerate(other.trials)
        if _alike(rest, mine, theirs)
    )
    chosen: dict[int, int] = {}
    for distance, i, j in near:
        if distance <= _FARTHEST and i not in chosen and j not in chosen.values():
            chosen[i] = j
    first, second = list(chosen), list(chosen.values())
    return _Pairs(
        [one.trials[i] for i in first],
        [other.trials[j] for j in second],
        left[first] - right[second],
        ((one.trials, left), (other.trials, right)),
    )


def _alike(rest: Sequence[Parameter], one: TrialRecord, other: TrialRecord) -> bool:
    names = [each.path for each in rest if each.path in _CHOICES]
    return all(one.config.get(name) == other.config.get(name) for name in names)


def _place(rest: Sequence[Parameter], record: TrialRecord) -> list[float]:
    """Return where a trial stands on each parameter, ranges on [0, 1], one column a choice's value."""
    return [place for each in rest for place in _columns(each, record.config.get(each.path))]


def _columns(parameter: Parameter, value: Scalar | None) -> list[float]:
    domain = parameter.domain
    match domain:
        case Categorical(choices):
            # Two unlike values differ in two columns, by a half each.
            return [0.5 * (value == choice) for choice in choices]
        case Float() | Integer() if isinstance(value, int | float) and not isinstance(value, bool):
            low, high, at = float(domain.low), float(domain.high), float(value)
            if domain.log and at > 0:
                low, high, at = math.log(low), math.log(high), math.log(at)
            return [(at - low) / ((high - low) or 1.0)]
    return [0.5]


def _difference(pairs: _Pairs, outcome: Callable[[TrialRecord], float | None], error: float) -> Difference | None:
    """Return the mean difference over the pairs, less what the rest of the configuration explains."""
    kept = [
        (mine, theirs, gap)
        for one, other, gap in zip(pairs.one, pairs.other, pairs.gaps, strict=True)
        if (mine := outcome(one)) is not None and (theirs := outcome(other)) is not None
    ]
    count = len(kept)
    if count < PAIRS_NEEDED:
        return None
    from scipy.special import stdtrit

    slopes, spread, used = _slopes(pairs, outcome)
    gaps = np.array([gap for *_, gap in kept])
    differences = np.array([mine - theirs for mine, theirs, _ in kept]) - gaps @ slopes
    mean, gap = float(differences.mean()), gaps.mean(axis=0)
    # The slopes were fitted to the same outcomes, and are uncertain themselves: a difference varies twice as one trial.
    variance = float(differences.var(ddof=1)) / (1.0 - used) * (1.0 / count + float(gap @ spread @ gap) / 2)
    half = float(stdtrit(count - 1, 1 - error / 2)) * math.sqrt(variance)
    return Difference(mean, mean - half, mean + half)


def _slopes(pairs: _Pairs, outcome: Callable[[TrialRecord], float | None]) -> tuple[_Array, _Array, float]:
    """Regress the outcome on the other parameters, by ridge, within the two sides.

    Returns:
        The slopes, [P]; their covariance for trials of variance 1, [P, P]; the share of the trials' freedom they use.
    """
    columns, outcomes = [], []
    for trials, places in pairs.sides:
        known = [(place, y) for record, place in zip(trials, places, strict=True) if (y := outcome(record)) is not None]
        here, reached = np.array([place for place, _ in known]), np.array([value for _, value in known])
        columns.append(here - here.mean(axis=0))
        outcomes.append(reached - reached.mean())
    x, target = np.concatenate(columns), np.concatenate(outcomes)
    spread: _Array = np.linalg.inv(x.T @ x + _RIDGE * np.eye(x.shape[1]))
    used = float(np.trace(x @ spread @ x.T)) / len(target)
    return spread @ x.T @ target, spread, used


def _log(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None
