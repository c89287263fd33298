"""Ray Tune as a contender: random search under ASHA, with Trainer inside, in an environment of its own.

Workers are kept from one trial to the next, so that it does not pay for its imports each time. ASHA is told of every
epoch; all else is as Ray Tune has it by default.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import Any

import optuna
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.optuna import OptunaSearch

from autoft.space import SearchSpace, space_from_json, values_of
from autoft.strategy.suggest import suggest_with
from autoft.study.schema import space_schema
from benchmarks.peers.ray_trial import NUMBER, train
from benchmarks.peers.setting import Told


def random_search(space: SearchSpace, metric: str, seed: int) -> Any:
    """Return Ray Tune's random search over a space with branches: Optuna draws, since Ray's own domains have none."""
    sampler = optuna.samplers.RandomSampler(seed=seed)
    # Ray Tune pickles what it is given.
    found = OptunaSearch(partial(_suggest, space), metric=metric, mode="max", sampler=sampler)
    return ConcurrencyLimiter(found, max_concurrent=1)


def _suggest(space: SearchSpace, trial: optuna.Trial) -> dict[str, int]:
    space.sample(suggest_with(trial))
    return {NUMBER: trial.number}


def main() -> None:
    """Search."""
    told = Told.parse()
    setup, log = told.read()
    study = setup.study
    space = space_from_json(study.space, space_schema())
    # Its workers would give way to whatever else runs, the other contenders' do not.
    system = {"worker_niceness": 0}
    ray.init(num_cpus=study.compute.threads, include_dashboard=False, logging_level="error", _system_config=system)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(partial(train, told=told), {"cpu": study.compute.threads}),
            tune_config=tune.TuneConfig(
                metric=study.metric,
                mode="max",
                num_samples=study.budget.trials,
                search_alg=random_search(space, study.metric, study.seed),
                scheduler=ASHAScheduler(max_t=int(max(values_of(space.domains["train.epochs"])))),
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        tuner.fit()
    log.add("ended")
    ray.shutdown()


if __name__ == "__main__":
    main()
