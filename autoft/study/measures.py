"""What a trial costs, measured before its first step, and whether the study's limits allow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autoft.errors import ConfigError, OverLimit
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.heads import HEADS
from autoft.models.methods import METHODS
from autoft.space import SearchSpace, values_of
from autoft.storage.leases import Claim
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.studies import StudyHandle
from autoft.storage.trials import record_measures
from autoft.study.aims import AimsConfig, measure_words
from autoft.study.bench import Bench, Workbench
from autoft.study.trial_config import TrialConfig
from autoft.training.measuring import sequence_latency, training_memory
from autoft.training.runtime import Runtime


def measure_trial(
    bench: Bench,
    models: Sequence[TrialModel],
    config: TrialConfig,
    runtime: Runtime,
    known: Iterable[TrialRecord] = (),
) -> dict[str, float]:
    """Return `parameters`, `latency` and `memory` of a trial, see `MEASURES`; its models are left as they are.

    The latency depends on nothing but the shape of the delivered model. A shape is timed once a study, so that models
    of one shape are equal and not ranked by noise.

    Args:
        bench: The trial's.
        models: One a fold, assembled, not yet trained.
        config: The trial's.
        runtime: The trial's.
        known: Trials of the study, whose latency is taken over where their delivered models have the same shape.

    Raises:
        OutOfMemory: If the device has no room for it.
    """
    model, *others = models
    parameters = model.parameters_delivered
    latency = next(
        (record.facts["latency"] for record in known if _same_shape(record, config, parameters)),
        None,
    )
    if latency is None:
        plain: Any = model.merged().to(runtime.device)
        dev = bench.splits[bench.folds[0].dev.split].sequences
        latency = sequence_latency(plain, model.anatomy.inputs, dev, runtime)
    train = bench.splits[bench.folds[0].train.split].sequences
    memory = training_memory(model, train, config.fit, runtime, beside=others)
    return {"parameters": parameters, "latency": latency, "memory": memory}


def admit_trial(
    study: StudyHandle,
    held: Claim,
    aims: AimsConfig,
    bench: Bench,
    models: Sequence[TrialModel],
    config: TrialConfig,
    runtime: Runtime,
) -> float:
    """Measure a trial, store what was found, and refuse it where a limit is broken; the default is only noted.

    Returns:
        The MiB that its training needs.

    Raises:
        OverLimit: If it breaks a limit.
        LeaseLost: If another worker has taken the trial over.
    """
    measured = measure_trial(bench, models, config, runtime, read_trials(study))
    record_measures(study, held, measured, aims.constraints(measured))
    broken = aims.broken(measured)
    if broken and held.number > 0:
        raise OverLimit("; ".join(broken))
    return measured["memory"]


def limit_notices(aims: AimsConfig, workbench: Workbench, space: SearchSpace) -> list[str]:
    """Return which base models no trial can use under the limit on parameters.

    Raises:
        ConfigError: If none can be used.
    """
    limit = aims.max_parameters
    if limit is None:
        return []
    least = {str(ref): _fewest_parameters(workbench, space, str(ref)) for ref in values_of(space.domains["model"])}
    over = {ref: count for ref, count in least.items() if count > limit}
    if len(over) == len(least):
        ref = min(over, key=over.__getitem__)
        raise ConfigError(
            f"--max-parameters: the smallest model of the search space must have at most {limit:,} parameters, "
            f"{ref} has {over[ref]:,}, take a smaller --model"
        )
    return [
        f"{ref} has {measure_words('parameters', count)} parameters, more than --max-parameters allows: "
        "its trials are not trained"
        for ref, count in over.items()
    ]


def _same_shape(record: TrialRecord, config: TrialConfig, parameters: int) -> bool:
    return (
        "latency" in record.facts
        and record.facts.get("parameters") == parameters
        and record.config.get("model") == config.model
        and record.config.get("head") == config.head.name
        # Layers that share their parameters have as many, however often they run.
        and record.config.get("layers", 1.0) == config.layers
    )


def _fewest_parameters(workbench: Workbench, space: SearchSpace, ref: str) -> int:
    """Return the parameters of the smallest delivered model that the space makes of a base model."""
    counts, layers = [], float(values_of(space.domains["layers"])[0])
    for head in map(str, values_of(space.domains["head"])):
        made = HEADS.get(head)(**_least(space, f"head.{head}"), kind=workbench.task.head)
        for name in map(str, values_of(space.domains["method"])):
            recipe = Recipe(head=made, method=METHODS.get(name)(**_least(space, f"method.{name}")))
            counts.append(assemble(workbench.bench(ref, made, layers).pristine, recipe, seed=0).parameters_delivered)
    return min(counts)


def _least(space: SearchSpace, path: str) -> dict[str, Any]:
    """Return the first value of each domain below a path; a range's first is its lowest."""
    prefix = f"{path}."
    below = {key.removeprefix(prefix): domain for key, domain in space.domains.items() if key.startswith(prefix)}
    return {key: values_of(domain)[0] for key, domain in below.items()}
