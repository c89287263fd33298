"""Parallel coordinates of a conditional space: branches share axes of one name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autoft.report.facts import StudyFacts
from autoft.report.words import value_words
from autoft.space.domains import Float, Integer, Scalar, spell
from autoft.space.search_space import Parameter
from autoft.storage.records import TrialRecord, TrialState


class Axis(NamedTuple):
    """One axis.

    Attributes:
        title: What it shows, as short as it is unique.
        ticks: Height in [0, 1] and what it stands for.
        log: Whether heights follow the logarithm.
    """

    title: str
    ticks: tuple[tuple[float, str], ...]
    log: bool


class Line(NamedTuple):
    """A trial; `heights` holds None where a parameter does not count in it."""

    number: int
    value: float
    state: TrialState
    heights: tuple[float | None, ...]
    words: tuple[str, ...]


class ParallelInfo(NamedTuple):
    """Axes, and the trials over them, the best last."""

    axes: tuple[Axis, ...]
    lines: tuple[Line, ...]


class _Scale(NamedTuple):
    axis: Axis
    height: Callable[[Scalar], float]


def parallel_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> ParallelInfo:
    """Return what varies as axes, and every evaluated trial as a line.

    Parameters of unlike branches with one name (the learning rates of all methods) share an axis:
    only one of them counts in a trial.
    """
    shown = [one for one in records if one.value is not None and math.isfinite(one.value)]
    groups = _groups(facts.space)
    titles = _titles(groups)
    scales = []
    for title, group in zip(titles, groups, strict=True):
        seen = [value for one in shown if (value := _value(group, one)) is not None]
        scales.append(_scale(title, group, seen))
    lines = [_line(groups, scales, record) for record in shown]
    ordered = sorted(lines, key=lambda line: (line.value, -line.number))
    return ParallelInfo(tuple(scale.axis for scale in scales), tuple(ordered))


def _groups(space: Sequence[Parameter]) -> list[tuple[Parameter, ...]]:
    """Return the parameters of each axis; what only one branch has comes last."""
    found: dict[tuple[str, str], list[Parameter]] = {}
    for parameter in space:
        choice = next(
            (path for path, name in parameter.branch if parameter.path.startswith(f"{path}.{name}.")),
            None,
        )
        leaf = parameter.path.rpartition(".")[2]
        key = (choice, leaf) if choice is not None else ("", parameter.path)
        found.setdefault(key, []).append(parameter)
    groups = [tuple(group) for group in found.values()]
    return sorted(groups, key=lambda group: len(group) == 1 and bool(group[0].branch))


def _titles(groups: Sequence[tuple[Parameter, ...]]) -> list[str]:
    """Return the last part of each path, with the part before it where that is not enough."""
    short = []
    for group in groups:
        parts = group[0].path.split(".")
        alone = len(group) == 1 and bool(group[0].branch)
        short.append(".".join(parts[-2:]) if alone else parts[-1])
    return [title if short.count(title) == 1 else group[0].path for title, group in zip(short, groups, strict=True)]


def _value(group: Sequence[Parameter], record: TrialRecord) -> Scalar | None:
    return next((record.config[one.path] for one in group if one.path in record.config), None)


def _line(groups: Sequence[tuple[Parameter, ...]], scales: Sequence[_Scale], record: TrialRecord) -> Line:
    values = [_value(group, record) for group in groups]
    heights = tuple(None if value is None else scale.height(value) for value, scale in zip(values, scales, strict=True))
    words = tuple(map(value_words, values))
    return Line(record.number, record.value or 0.0, record.state, heights, words)


def _scale(title: str, group: Sequence[Parameter], seen: Sequence[Scalar]) -> _Scale:
    ranges = [one.domain for one in group if isinstance(one.domain, Float | Integer)]
    numbers = [value for value in seen if not isinstance(value, str | bool)]
    if len(ranges) == len(group) and len(numbers) == len(seen):
        low = min([*(one.low for one in ranges), *numbers])
        high = max([*(one.high for one in ranges), *numbers])
        if any(one.log for one in ranges) and low > 0:
            return _log_scale(title, low, high)
        return _linear_scale(title, low, high)
    listed = [c for one in group for c in getattr(one.domain, "choices", ())]
    return _choice_scale(title, [*listed, *seen])


def _linear_scale(title: str, low: float, high: float) -> _Scale:
    width = (high - low) or 1.0
    whole = isinstance(low, int) and isinstance(high, int)
    middle = (low + high) // 2 if whole else (low + high) / 2
    ticks = tuple(((at - low) / width, value_words(at)) for at in dict.fromkeys((low, middle, high)))
    return _Scale(Axis(title, ticks, log=False), lambda value: (float(value) - low) / width)


def _log_scale(title: str, low: float, high: float) -> _Scale:
    width = math.log(high / low) or 1.0

    def height(value: Scalar) -> float:
        return math.log(float(value) / low) / width

    inner = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)))]
    inner = [at for at in inner if 0.08 < height(at) < 0.92] or [math.sqrt(low * high)]
    if isinstance(low, int) and isinstance(high, int):
        inner = sorted({round(at) for at in inner} - {low, high})
    ticks = tuple((height(at), value_words(at)) for at in dict.fromkeys((low, *inner, high)))
    return _Scale(Axis(title, ticks, log=True), height)


def _choice_scale(title: str, values: Sequence[Scalar]) -> _Scale:
    names = list(dict.fromkeys(map(spell, values)))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        names.sort(key=float)
    steps = max(len(names) - 1, 1)
    heights = {name: place / steps if len(names) > 1 else 0.5 for place, name in enumerate(names)}
    ticks = tuple((place, name) for name, place in heights.items())
    return _Scale(Axis(title, ticks, log=False), lambda value: heights[spell(value)])
