"""Hugging Face's `Trainer.hyperparameter_search` as a contender: Optuna's TPE or random search, and its median pruner.

It runs as its users run it: it starts anew with each trial and prunes by global steps. Its log has every evaluation,
so that its best one counts, and not the last of each trial, which is what it goes by itself.
"""

from __future__ import annotations

import tempfile
from typing import Any

import optuna
import transformers
from optuna.pruners import MedianPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from autoft.strategy.suggest import suggest_with
from benchmarks.peers.hf_training import Peer
from benchmarks.peers.setting import Told


def sampler_of(name: str, seed: int) -> BaseSampler:
    """Return Optuna's sampler of a contender: `hf-tpe` or `hf-random`."""
    return (TPESampler if name == "hf-tpe" else RandomSampler)(seed=seed)


def search(peer: Peer, folder: str) -> None:
    """Search.

    Args:
        peer: What is searched.
        folder: Where Trainer may write.
    """
    study = peer.study

    def space(trial: optuna.Trial) -> dict[str, Any]:
        return peer.take(trial.number, peer.space.sample(suggest_with(trial)))

    def module(trial: optuna.Trial | None) -> Any:
        # Trainer builds a module before it asks for the trial's arguments, and the first before there is a trial.
        if trial is not None:
            space(trial)
        return peer.module()

    peer.trainer(folder, module).hyperparameter_search(
        hp_space=space,
        compute_objective=lambda metrics: metrics[f"eval_{study.metric}"],
        n_trials=study.budget.trials,
        direction="maximize",
        backend="optuna",
        sampler=sampler_of(study.name, study.seed),
        pruner=MedianPruner(),
    )


def main() -> None:
    """Search."""
    setup, log = Told.parse().read()
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        search(Peer(setup.study, log), folder)
    log.add("ended")


if __name__ == "__main__":
    main()
