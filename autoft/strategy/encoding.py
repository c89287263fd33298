"""Configurations of a conditional search space as points, for models that know nothing but distances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoft.space.domains import Categorical, Constant, Domain, Float, Integer, Scalar, closest
from autoft.space.search_space import Parameter, SearchSpace

Array = NDArray[np.float64]

# What a parameter is worth in a branch where it does not count.
_IDLE = 0.5


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns configurations into units, and units into points.

    A unit row holds a number in [0, 1) for each parameter that varies, P of them, whether it counts or not. A point
    row, D wide, has one column for a number and one for each name of a choice, so that distances between names are
    equal; numbers that do not count stand in the middle.

    Attributes:
        space: What may vary.
        parameters: Those that vary, in the schema's order.
    """

    space: SearchSpace
    parameters: tuple[Parameter, ...]

    def units(self, config: Mapping[str, Scalar]) -> Array:
        """Return a configuration inside the space as units, [P]."""
        return np.array(
            [_unit(each.domain, config[each.path]) if each.path in config else _IDLE for each in self.parameters]
        )

    def points(self, units: Array) -> Array:
        """Return units, [N, P], as points, [N, D]."""
        column = {each.path: at for at, each in enumerate(self.parameters)}
        blocks = []
        for at, each in enumerate(self.parameters):
            counts = np.ones(len(units), dtype=bool)
            for path, name in each.branch:
                place = column[path]
                counts &= _names(self.parameters[place].domain, units[:, place]) == _place_of(
                    self.parameters[place].domain, name
                )
            if isinstance(each.domain, Categorical):
                one_hot = np.eye(len(each.domain.choices))[_names(each.domain, units[:, at])]
                # Two names are as far apart as the ends of half a range.
                blocks.append(np.where(counts[:, None], one_hot / (2.0 * math.sqrt(2.0)), 0.0))
            else:
                blocks.append(np.where(counts, units[:, at], _IDLE)[:, None])
        return np.concatenate(blocks, axis=1)

    def named(self) -> NDArray[np.bool_]:
        """Return which units stand for names and not for numbers, [P]."""
        return np.array([isinstance(each.domain, Categorical) for each in self.parameters])

    def config(self, units: Array) -> dict[str, Scalar]:
        """Return the configuration of one row of units, [P]."""
        values = {
            each.path: _value(each.domain, float(unit)) for each, unit in zip(self.parameters, units, strict=True)
        }
        return self.space.sample(lambda path, _domain: values[path])


def encoder_of(space: SearchSpace) -> Encoder:
    """Return the encoder of a search space."""
    return Encoder(space, space.parameters())


def _unit(domain: Domain, value: Scalar) -> float:
    match domain:
        case Categorical():
            return (_place_of(domain, value) + 0.5) / len(domain.choices)
        case Float() | Integer():
            low, high = _ends(domain)
            at = float(value)
            return ((math.log(at) if domain.log else at) - low) / (high - low)
        case Constant():
            return _IDLE


def _value(domain: Domain, unit: float) -> Scalar:
    match domain:
        case Categorical(choices):
            return choices[min(int(unit * len(choices)), len(choices) - 1)]
        case Float() | Integer():
            low, high = _ends(domain)
            at = math.exp(low + unit * (high - low)) if domain.log else low + unit * (high - low)
            return closest(domain, at)
        case Constant(value):
            return value


def _ends(domain: Float | Integer) -> tuple[float, float]:
    """Return between which numbers units are spread evenly."""
    # A whole number owns the stretch around it, so that each is as likely as in a draw.
    half = 0.5 if isinstance(domain, Integer) and domain.step is None else 0.0
    low, high = domain.low - half, domain.high + half
    return (math.log(low), math.log(high)) if domain.log else (low, high)


def _names(domain: Domain, units: Array) -> NDArray[np.intp]:
    """Return the place of each unit's name among the choices, [N]."""
    count = len(domain.choices) if isinstance(domain, Categorical) else 1
    return np.minimum((units * count).astype(np.intp), count - 1)


def _place_of(domain: Domain, value: Scalar) -> int:
    if not isinstance(domain, Categorical):
        return 0
    return next(at for at, choice in enumerate(domain.choices) if choice == value or str(choice) == value)
