"""One trial of Ray Tune, in one of its worker processes: Hugging Face's Trainer, every epoch reported."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

import transformers
from ray import tune

from benchmarks.peers.hf_training import Peer
from benchmarks.peers.setting import Told

NUMBER = "number"


@cache
def _peer(told: Told) -> Peer:
    """Load rows and base model once a process; Ray Tune keeps it for the next trial."""
    transformers.logging.set_verbosity_error()
    setup, log = told.read()
    return Peer(setup.study, log)


def train(config: Mapping[str, Any], *, told: Told) -> None:
    """Train a configuration until Ray Tune ends it.

    Args:
        config: What varies, and the trial's number.
        told: What the contender's process was told.
    """
    peer = _peer(told)
    peer.take(config[NUMBER], peer.space.sample(lambda path, _: config[path]))
    with tempfile.TemporaryDirectory() as folder:
        trainer = peer.trainer(folder, evaluated=lambda value: tune.report({peer.study.metric: value}))
        trainer.train()
