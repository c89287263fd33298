"""How much each parameter decided: PED-ANOVA over all trials, ranked by how far they came."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import optuna
from optuna.trial import FrozenTrial, create_trial

from autoft.report.facts import StudyFacts
from autoft.space.search_space import Parameter
from autoft.storage.records import TrialRecord
from autoft.strategy.suggest import distribution_of

TRIALS_NEEDED = 15
_TOP_TRIALS = 5
_TOP_SHARE = 0.1


class ImportanceInfo(NamedTuple):
    """What decided between good trials and the others.

    Attributes:
        shares: Parameter path and its share, falling; they add up to 1. Empty with too few trials.
        trials: Trials that could be compared.
        top: How many of them count as good.
    """

    shares: tuple[tuple[str, float], ...]
    trials: int
    top: int


def importance_info(facts: StudyFacts, records: Sequence[TrialRecord]) -> ImportanceInfo:
    """Return each parameter's share in what sets the best trials apart.

    PED-ANOVA (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255; with conditional parameters:
    https://arxiv.org/abs/2601.20800) only asks which trials are the top ones. So trials of unlike
    length can be compared: who reached a later rung stands above who was stopped before it, as the
    schedule decided and whatever an audit has finished since, and among equals the value counts. What breaks a limit
    comes last. Failed trials say nothing about parameters.
    """
    ranked = sorted((one.as_searched for one in records if one.state not in ("failed", "running")), key=_standing)
    trials = [
        _as_trial(parameters, record, float(rank))
        for rank, record in enumerate(ranked)
        if (parameters := _parameters(facts.space, record)) is not None
    ]
    count = len(trials)
    top = max(_TOP_TRIALS, math.ceil(_TOP_SHARE * count))
    if count < TRIALS_NEEDED or not any(trial.params for trial in trials):
        return ImportanceInfo((), count, top)
    shares = sorted(_shares(trials, top / count).items(), key=lambda item: (-item[1], item[0]))
    return ImportanceInfo(tuple(shares), count, top)


def _standing(record: TrialRecord) -> tuple[int, float, int]:
    if record.value is None or not math.isfinite(record.value) or not record.feasible:
        return -1, 0.0, -record.number
    depth = record.evaluations[-1].step if record.evaluations else 0
    return (10 if record.state == "complete" else depth), record.value, -record.number


def _parameters(space: Sequence[Parameter], record: TrialRecord) -> dict[str, Parameter] | None:
    """Return what varies in a trial, None where a value lies outside its domain (a default may)."""
    found = {one.path: one for one in space if one.path in record.config}
    inside = all(one.domain.contains(record.config[path]) for path, one in found.items())
    return found if inside else None


def _as_trial(parameters: Mapping[str, Parameter], record: TrialRecord, value: float) -> FrozenTrial:
    distributions = {
        path: distribution
        for path, one in parameters.items()
        if (distribution := distribution_of(one.domain)) is not None
    }
    params = {path: record.config[path] for path in distributions}
    return create_trial(value=value, params=params, distributions=distributions)


def _shares(trials: Sequence[FrozenTrial], top_share: float) -> dict[str, float]:
    # This imports scikit-learn, which takes seconds.
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=min(top_share, 0.5))
    with warnings.catch_warnings():
        # A branch that was tried once or twice is left out, which the figure's caption says.
        warnings.simplefilter("ignore", UserWarning)
        return get_param_importances(study, evaluator=evaluator)
