"""Recorded and modelled training curves as search problems: a space, and what each configuration would have reached."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoft.space.domains import Domain, Float, Integer, Scalar
from autoft.space.schema import Group, Leaf
from autoft.space.search_space import SearchSpace
from autoft.strategy.encoding import encoder_of
from autoft.strategy.portfolio_building import Tried
from autoft.strategy.steps import NINTHS, RUNGS
from benchmarks.reference import Run, read_runs

Array = NDArray[np.float64]
Config = Mapping[str, Scalar]

_POOL = 500


@dataclass(frozen=True, slots=True)
class Curve:
    """What one configuration reaches after each of E epochs.

    Attributes:
        values: The metric, [E], larger is better.
        losses: Dev loss, [E]; where only one of the two is known, the other is its negative.
    """

    values: Array
    losses: Array

    @classmethod
    def of(cls, values: Array) -> Curve:
        """Return the curve of which only the metric is known."""
        return cls(values, -values)


@dataclass(frozen=True)
class Table(ABC):
    """One task whose training curves are known.

    Attributes:
        kind: Which collection it belongs to.
        name: The task.
        space: What varies.
        epochs: Length of a curve, E.
        budget: Epochs that a search may spend.
    """

    kind: str
    name: str
    space: SearchSpace
    epochs: int
    budget: int

    @property
    def floor(self) -> float:
        """The metric's value that any useless model reaches."""
        return -math.inf

    @property
    def rungs(self) -> tuple[int, ...]:
        """The ninths at which a study judges."""
        return RUNGS

    @property
    def default(self) -> Config | None:
        """What autoft tries before all else; None where nobody knows a default."""
        return None

    @abstractmethod
    def open(self) -> Callable[[Config], Curve]:
        """Return what one search asks for curves."""

    @abstractmethod
    def pool(self) -> Array:
        """Return the best of each of `shared`, [N]: what `regret` is measured against."""

    @abstractmethod
    def shared(self) -> list[Config]:
        """Return N configurations, the same for every table of the kind: what portfolios are chosen from."""

    def tried(self) -> list[Tried]:
        """Return what each of them reached."""
        return [
            Tried(self.name, config, (float(best),)) for config, best in zip(self.shared(), self.pool(), strict=True)
        ]


@dataclass(frozen=True)
class Surrogate(Table):
    """A task of LCBench as its surrogate models it (Zimmer et al. 2021; Pfisterer et al. 2022, YAHPO Gym)."""

    session: Any
    task: int
    inputs: tuple[str, ...]

    def open(self) -> Callable[[Config], Curve]:
        """Return the surrogate's curves."""
        return lambda config: Curve.of(self._curves(np.array([[float(config[name]) for name in self.inputs]]))[0])

    def pool(self) -> Array:
        """Return the best values of even draws."""
        best: Array = self._curves(self._draws()).max(axis=1)
        return best

    def shared(self) -> list[Config]:
        """Return the even draws."""
        return [
            {name: _scalar(self.space.domains[name], one) for name, one in zip(self.inputs, row, strict=True)}
            for row in self._draws()
        ]

    def _draws(self) -> Array:
        rng = np.random.default_rng(0)
        return np.stack([_even(self.space.domains[name], rng) for name in self.inputs], axis=1)

    def _curves(self, values: Array) -> Array:
        epochs = np.tile(np.arange(1.0, self.epochs + 1), len(values))[:, None]
        numbers = np.concatenate([epochs, np.repeat(values, self.epochs, axis=0)], axis=1).astype(np.float32)
        tasks = np.full((len(numbers), 1), self.task, np.int32)
        found = self.session.run(None, {"x_cat": tasks, "x_cont": numbers})[0]
        curves: Array = found[:, 1].reshape(len(values), self.epochs).astype(np.float64)
        return curves


@dataclass(frozen=True)
class Recorded(Table):
    """Configurations that were trained to their end, as in a task of TaskSet (Metz et al. 2020)."""

    rows: Array
    curves: Array

    def open(self) -> Callable[[Config], Curve]:
        """Return curves of the nearest configuration that this search has not tried yet."""
        left = np.ones(len(self.rows), dtype=bool)
        encoder = encoder_of(self.space)

        def curve(config: Config) -> Curve:
            distances = np.where(left, np.square(self.rows - encoder.units(config)).sum(axis=1), np.inf)
            nearest = int(distances.argmin())
            left[nearest] = False
            # Of few rows all may have been tried; then they are tried again.
            left[:] |= not left.any()
            return self._curve(nearest)

        return curve

    def pool(self) -> Array:
        """Return the best value of every row."""
        best: Array = self.curves.max(axis=1)
        return best

    def shared(self) -> list[Config]:
        """Return the configuration of every row."""
        encoder = encoder_of(self.space)
        return [encoder.config(row) for row in self.rows]

    def _curve(self, row: int) -> Curve:
        return Curve.of(self.curves[row])


@dataclass(frozen=True)
class Measured(Recorded):
    """A data set of the record: fine-tuning, one unit of time a ninth of the schedule."""

    runs: tuple[Run, ...]
    losses: Array

    @property
    def floor(self) -> float:
        """0, as of every metric of the record."""
        return 0.0

    @property
    def rungs(self) -> tuple[int, ...]:
        """Without the first, which lies within ten steps of warm-up wherever there are 200 rows or fewer."""
        return RUNGS[1:]

    @property
    def default(self) -> Config | None:
        """The task's own, as it is among `shared`."""
        encoder = encoder_of(self.space)
        inside = self.space.contains(self.space.default)
        return encoder.config(encoder.units(self.space.default)) if inside else None

    def tried(self) -> list[Tried]:
        """Return what each configuration reached, with every seed."""
        first = {run.configuration: run for run in self.runs if run.seed == 0}
        configs = dict(zip(first, self.shared(), strict=True))
        return [
            Tried(self.name, config, tuple(run.best for run in self.runs if run.configuration == number))
            for number, config in configs.items()
        ]

    def _curve(self, row: int) -> Curve:
        return Curve(self.curves[row], self.losses[row])


def measured_in(folder: Path, space_of: Callable[[str], SearchSpace]) -> Iterator[Table]:
    """Yield every data set of a record, with the configurations that were evaluated at each ninth to their end.

    Args:
        folder: Where it lies.
        space_of: Returns the space from which the configurations of a task were drawn.
    """
    runs = read_runs(folder)
    for task, data in dict.fromkeys((run.task, run.data) for run in runs):
        mine = tuple(run for run in runs if run.data == data and len(run.values) == len(NINTHS))
        first = [run for run in mine if run.seed == 0]
        space = space_of(task)
        encoder = encoder_of(space)
        kept = [run for run in first if space.contains(run.config)]
        if not kept:
            continue
        rows = np.stack([encoder.units(run.config) for run in kept])
        curves, losses = (
            np.array([getattr(run, name) for run in kept], dtype=np.float64) for name in ("values", "losses")
        )
        numbers = {run.configuration for run in kept}
        told = tuple(run for run in mine if run.configuration in numbers)
        yield Measured(f"record {task}", data, space, len(NINTHS), 6 * len(NINTHS), rows, curves, told, losses)


def tables_in(folder: Path) -> Iterator[Table]:
    """Yield every table found in a folder: LCBench surrogates and TaskSet recordings, told by their files."""
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        if (place / "model.onnx").is_file() and (place / "encoding.json").is_file():
            yield from _surrogates(place)
        else:
            yield from _recordings(place)


def _surrogates(folder: Path) -> Iterator[Table]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
    described = json.loads((folder / "config_space.json").read_text(encoding="utf-8"))["hyperparameters"]
    codes = json.loads((folder / "encoding.json").read_text(encoding="utf-8"))["OpenML_task_id"]
    known = {each["name"]: each for each in described}
    # The model's order: epoch first, then these.
    inputs = ("batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout")
    space = _space({name: _domain(known[name]) for name in inputs})
    epochs = int(known["epoch"]["upper"])
    for task in known["OpenML_task_id"]["choices"]:
        yield Surrogate("lcbench", task, space, epochs, 25 * epochs, session, codes[task], inputs)


def _recordings(folder: Path) -> Iterator[Table]:
    for path in sorted(folder.glob("*.json")):
        runs = json.loads(path.read_text(encoding="utf-8"))
        if not (isinstance(runs, list) and runs and "hp" in runs[0]):
            continue
        losses = np.array([run["valid"]["loss"] for run in runs], dtype=np.float64)
        curves = np.where(np.isfinite(losses), -losses, -1e9)
        # One minus the decay of a moment is what has a scale.
        values = {
            name: np.array([1.0 - run["hp"][name] if name.startswith("beta") else run["hp"][name] for run in runs])
            for name in runs[0]["hp"]
        }
        domains: dict[str, Domain] = {
            name: Float(float(column.min()), float(column.max()), log=True) for name, column in values.items()
        }
        space = _space(domains)
        encoder = encoder_of(space)
        rows = np.stack(
            [encoder.units({name: float(values[name][run]) for name in domains}) for run in range(len(runs))]
        )
        yield Recorded("taskset", path.stem, space, curves.shape[1], 49 * curves.shape[1], rows, curves)


def _space(domains: Mapping[str, Domain]) -> SearchSpace:
    leaves = {
        name: Leaf(kind="int", default=domain.low)
        if isinstance(domain, Integer)
        else Leaf(kind="float", default=domain.low)
        for name, domain in domains.items()
        if isinstance(domain, Float | Integer)
    }
    return SearchSpace("curves", Group(leaves), domains, {})


def _domain(described: Mapping[str, Any]) -> Domain:
    whole = described["type"] == "uniform_int"
    kind: type[Integer] | type[Float] = Integer if whole else Float
    return kind(described["lower"], described["upper"], log=described["log"])


def _scalar(domain: Domain, value: float) -> Scalar:
    return int(value) if isinstance(domain, Integer) else float(value)


def _even(domain: Domain, rng: np.random.Generator) -> Array:
    if not isinstance(domain, Float | Integer):
        raise TypeError(f"a range expected, got {domain}")
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    values = rng.uniform(low, high, _POOL)
    values = np.exp(values) if domain.log else values
    return np.round(values) if isinstance(domain, Integer) else values
