"""What people use now, for the race: Optuna's samplers and pruners as Optuna runs them, told every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from autoft.strategy.samplers import propose
from autoft.strategy.suggest import distribution_of
from benchmarks.replaying import Array, Job
from benchmarks.tables import Table

PRUNERS: Mapping[str, Callable[[int], BasePruner]] = {
    "full": lambda _: NopPruner(),
    "median": lambda _: MedianPruner(),
    "successive-halving": lambda _: SuccessiveHalvingPruner(reduction_factor=3),
    "hyperband": lambda epochs: HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3),
}


@dataclass
class OptunaSearch:
    """An Optuna study on a table; with random search it draws the configurations that autoft's random draws.

    Attributes:
        table: The task.
        sampler: `random` or `tpe`.
        pruner: One of `PRUNERS`.
        seed: Of both.
    """

    table: Table
    sampler: str
    pruner: str
    seed: int
    _trials: dict[int, Trial] = field(init=False, default_factory=dict)
    _curves: dict[int, Array] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        sampler: BaseSampler = (TPESampler if self.sampler == "tpe" else RandomSampler)(seed=self.seed)
        # Hyperband's brackets depend on the study's name.
        self._study = optuna.create_study(
            direction="maximize",
            sampler=sampler,
            pruner=PRUNERS[self.pruner](self.table.epochs),
            study_name=f"race-{self.seed}",
        )
        self._ask = self.table.open()
        found = {path: distribution_of(domain) for path, domain in self.table.space.domains.items()}
        self._distributions: dict[str, BaseDistribution] = {p: one for p, one in found.items() if one is not None}

    def begin(self) -> Job | None:
        """Ask for a configuration."""
        if self.sampler == "random":
            number = len(self._trials) + 1
            self._study.enqueue_trial(
                dict(propose("random", self.table.space, (), seed=self.seed, number=number).config)
            )
        trial = self._study.ask(self._distributions)
        self._trials[trial.number] = trial
        self._curves[trial.number] = self._ask(trial.params).values
        return Job(trial.number, self._curves[trial.number], 0, tuple(range(1, self.table.epochs + 1)))

    def evaluated(self, number: int, epoch: int) -> bool:
        """Report an epoch and ask the pruner."""
        trial, curve = self._trials[number], self._curves[number]
        trial.report(float(curve[epoch - 1]), epoch)
        if epoch == self.table.epochs:
            self._study.tell(trial, float(curve.max()))
            return False
        if trial.should_prune():
            self._study.tell(trial, state=TrialState.PRUNED)
            return False
        return True
