"""What a trial costs is known before its first step, and a limit ends it there."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from torch import nn

from autoft.errors import ConfigError
from autoft.space import SearchSpace
from autoft.space.domains import Categorical
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.trials import ask_trial
from autoft.study.aims import AimsConfig
from autoft.study.measures import limit_notices
from autoft.study.replay import recorded, replay_trial
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import best_complete


def run_one(context: TrialContext) -> TrialRecord:
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    run_trial(context, held)
    return read_trials(context.study)[held.number]


def limited(context: TrialContext, aims: AimsConfig) -> TrialContext:
    return replace(context, config=replace(context.config, aims=aims))


def optuna_constraints(context: TrialContext, number: int) -> dict[str, float]:
    return context.study.optuna.trials[number].constraints


def test_every_trial_says_what_it_costs(context: TrialContext) -> None:
    record = run_one(context)
    assert record.facts["parameters"] == sum(p.numel() for p in bench_model(context).parameters())
    assert 0 < record.facts["latency"] < 1000
    assert 0 < record.facts["memory"] < 100
    assert (record.constraints, record.feasible) == ({}, True)


def bench_model(context: TrialContext) -> nn.Module:
    (bench,) = context.workbench._benches.values()
    return cast(nn.Module, bench.pristine.model)


def test_models_of_one_shape_have_one_latency(context: TrialContext) -> None:
    run_one(context)
    methods = {run_one(context).config["method"] for _ in range(4)}
    records = read_trials(context.study)
    assert methods == {"full", "lora"}
    assert len({record.facts["latency"] for record in records}) == 1


def test_a_trial_over_a_limit_is_infeasible_before_its_first_step(context: TrialContext) -> None:
    strict = limited(context, AimsConfig(max_parameters=1000))
    run_one(strict)
    record = run_one(strict)
    assert (record.state, record.evaluations, record.value) == ("infeasible", (), None)
    assert record.reason == "parameters 8.99k, at most 1k allowed"
    assert record.constraints == pytest.approx({"max_parameters": 7.989})
    assert optuna_constraints(context, 1) == record.constraints


def test_the_default_over_a_limit_is_trained_but_never_the_best(context: TrialContext) -> None:
    record = run_one(limited(context, AimsConfig(max_parameters=1000)))
    assert (record.state, len(record.evaluations), record.feasible) == ("complete", 9, False)
    assert optuna_constraints(context, 0)["max_parameters"] > 0
    assert best_complete(read_trials(context.study)) is None


def test_a_limit_that_is_met_is_a_constraint_too(context: TrialContext) -> None:
    generous = limited(context, AimsConfig(max_memory=1000.0))
    run_one(generous)
    record = run_one(generous)
    assert record.state == "complete"
    assert -1 < optuna_constraints(context, 1)["max_memory"] < 0
    assert best_complete(read_trials(context.study)) is not None


def test_measuring_changes_no_bit_of_training(context: TrialContext) -> None:
    """A replay does not measure; the space has dropout, so a draw more or less would show."""
    run_one(context)
    record = run_one(context)
    config = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    assert float(record.config["train.dropout"]) > 0
    assert replay_trial(config, record).summary == recorded(record)


def test_a_model_that_no_trial_can_use_is_refused_before_any(context: TrialContext) -> None:
    with pytest.raises(ConfigError, match=r"at most 1,000 parameters, .*bert has 8,989, take a smaller --model"):
        limit_notices(AimsConfig(max_parameters=1000), context.workbench, context.space)
    assert limit_notices(AimsConfig(max_parameters=9000), context.workbench, context.space) == []


def test_the_smallest_adapter_counts(context: TrialContext) -> None:
    """An adapter widens the delivered model, so a space of adapters alone starts above the base model."""
    space = context.space
    adapters = SearchSpace(
        space.task,
        space.schema,
        {
            "model": space.domains["model"],
            "method": Categorical(("adapter",)),
            "method.adapter.size": Categorical((4, 8)),
        },
        {"method": "adapter"},
    )
    with pytest.raises(ConfigError, match="at most 9,000 parameters"):
        limit_notices(AimsConfig(max_parameters=9000), context.workbench, adapters)
