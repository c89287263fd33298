"""The plan: what a search will cost, from a few timed steps of the default configuration."""

from __future__ import annotations

import logging
import resource
import sys
import time
from typing import Any

import numpy as np
import torch

from autoft.errors import ConfigError, Diverged
from autoft.models.assembly import compatible, what_trains
from autoft.models.heads import HEADS, Head
from autoft.models.methods import METHODS
from autoft.models.objectives import OBJECTIVES
from autoft.space import SearchSpace, values_of
from autoft.study.bench import Bench, Workbench
from autoft.study.execution import Execution
from autoft.study.measures import limit_notices, measure_trial
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.training.batches import Sequences
from autoft.training.inference import run_model
from autoft.training.runtime import Runtime
from autoft.training.trainer import Scores, fit

logger = logging.getLogger(__name__)
# The first step warms up; then at most three are timed.
_WARM, _STEPS = 1, 4
_ENOUGH_SECONDS = 1.0
# Sequences of dev: all of a large split would take as long as an epoch.
_TIMED_READS = 32
_MIB = 2**20


def measure_plan(workbench: Workbench, space: SearchSpace) -> dict[str, Any]:
    """Load every base model of the space, refuse impossible pairs, time the default configuration.

    Args:
        workbench: The worker's.
        space: What may vary.

    Returns:
        `device`, `models`, `notices` (see `Notice.lines`), `trains`, `measures`, `default_seconds`, `longest_seconds`,
        `memory_mib`, JSON.

    Raises:
        ConfigError: If a base model cannot be loaded, or goes with a method or head of the space in no way; or if every
            one has too many parameters.
    """
    config = build_trial_config(space.default, kind=workbench.task.head, seed=workbench.config.seed)
    notices, models, problems = [], [], []
    for ref in map(str, values_of(space.domains["model"])):
        bench = workbench.bench(ref, config.head)
        models.append(bench.pristine.source.words)
        problems += impossible_pairs(space, bench)
        for name, split in bench.splits.items():
            found = bench.task.inspect(split.examples, split.features, bench.tokenizer)
            notices += [f"{name}: {notice.lines}" for notice in found]
    if problems:
        raise ConfigError(*problems)
    aims = workbench.config.aims
    notices += limit_notices(aims, workbench, space)
    bench = workbench.bench_of(config)
    runtime = Runtime(
        device=workbench.device,
        micro_batch=config.fit.batch_size,
        threads=workbench.config.compute.threads,
    )
    per_token, per_read = _time_tokens(bench, config, runtime)
    train_tokens, dev_tokens = (
        sum(int(bench.splits[part.split].sequences.lengths[part.members].sum()) for part in parts)
        for parts in zip(*((fold.train, fold.dev) for fold in bench.folds), strict=True)
    )
    epochs = max(config.fit.epochs, *(int(value) for value in values_of(space.domains["train.epochs"])))
    execution = Execution(bench, config, runtime)
    measures = measure_trial(bench, execution.models, config, runtime)
    notices += [
        f"the default breaks a limit, {words}: it is trained as the reference and cannot be the best"
        for words in aims.broken(measures)
    ]
    reading = len(bench.ninths) * dev_tokens * per_read
    return {
        "device": workbench.device.type,
        "models": models,
        "notices": notices,
        "trains": what_trains(execution.model),
        "measures": measures,
        "default_seconds": config.fit.epochs * train_tokens * per_token + reading,
        "longest_seconds": epochs * train_tokens * per_token + reading,
        "memory_mib": _peak_mib(workbench.device),
    }


def impossible_pairs(space: SearchSpace, bench: Bench) -> list[str]:
    """Return why methods and heads of the space do not go with a base model, nor losses with heads."""
    anatomy = bench.pristine.anatomy
    reasons = []
    for loss in _asked(space, "loss"):
        for head in _asked(space, "head"):
            refusal = OBJECTIVES.get(str(loss))().refuse(HEADS.get(str(head))(kind=bench.task.head))
            if refusal:
                reasons.append(f"{refusal}, take {str(loss)!r} out of the search space")
    for method in _asked(space, "method"):
        for head in _asked(space, "head"):
            made = METHODS.get(str(method))(), HEADS.get(str(head))(kind=bench.task.head)
            unfit = made[1].refuse() or _lacks(made[1], bench)
            reason = unfit or compatible(anatomy, made[1], made[0])
            if reason:
                culprit = head if unfit else method
                reasons.append(f"{bench.pristine.source.ref}: {reason}, take {culprit!r} out of the search space")
    return sorted(set(reasons))


def _asked(space: SearchSpace, path: str) -> list[Any]:
    """Return what a trial may take at a place, the default's own included."""
    return list(dict.fromkeys([*values_of(space.domains[path]), space.default[path]]))


def _lacks(head: Head, bench: Bench) -> str | None:
    """Return what a head must know of each token and the task does not say, or None."""
    missing = sorted({*head.columns} - {*bench.splits[bench.folds[0].train.split].features.padding})
    return f"head {head.name!r} needs {', '.join(missing)}, task {bench.task.name!r} has none" if missing else None


def _time_tokens(bench: Bench, config: TrialConfig, runtime: Runtime) -> tuple[float, float]:
    """Return the seconds of one token trained, and of one token read, after a warm-up."""
    execution = Execution(bench, config, runtime)
    first = bench.folds[0]
    train, dev = (bench.splits[part.split].sequences.take(part.members) for part in (first.train, first.dev))
    per_token = _time_steps(execution, train, config, runtime)
    sample = _evenly(dev, _TIMED_READS)
    started = _now(runtime.device)
    run_model(execution.model, sample, runtime)
    return per_token, (_now(runtime.device) - started) / max(1, int(sample.lengths.sum()))


def _time_steps(execution: Execution, train: Sequences, config: TrialConfig, runtime: Runtime) -> float:
    """Return the seconds of one token trained; where steps are long, one after the warm-up says enough."""
    marks = [(_now(runtime.device), 0.0)]
    steps = min(_STEPS, execution.total_steps)
    each = {step: step for step in range(1, steps + 1)}
    nothing = Scores(0.0, 0.0, {})
    try:
        for evaluation in fit(execution.model, train, lambda _: nothing, config.fit, points=each, runtime=runtime):
            marks.append((_now(runtime.device), evaluation.counts["tokens"]))
            if len(marks) > _WARM + 1 and marks[-1][0] - marks[_WARM][0] > _ENOUGH_SECONDS:
                break
    except Diverged:
        logger.warning("the default configuration diverges within %d steps", len(marks))
    (began, before), (ended, tokens) = marks[min(_WARM, max(0, len(marks) - 2))], marks[-1]
    return (ended - began) / max(1.0, tokens - before)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _evenly(data: Sequences, count: int) -> Sequences:
    """Return `count` sequences of all lengths; all where there are fewer."""
    places = np.linspace(0, len(data) - 1, min(count, len(data))).round().astype(np.int64)
    return data.take(np.argsort(data.lengths, kind="stable")[places])


def _peak_mib(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / _MIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MIB if sys.platform == "darwin" else 1024)
