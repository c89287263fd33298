"""The study's configuration survives JSON, is checked at birth, and refuses to become another study."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError, StudyError
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig, resumed
from autoft.study.portfolio import PortfolioConfig

_counts = st.integers(1, 10**6)
_words = st.text(max_size=12)
_spaces = st.dictionaries(
    _words,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
_configs = st.builds(
    StudyConfig,
    name=st.from_regex(r"[a-zé0-9][a-z0-9 ._-]{0,9}[a-z0-9]", fullmatch=True),
    task=_words,
    metric=_words,
    seed=st.integers(0, 2**63),
    data=st.builds(
        DataConfig,
        source=_words,
        dev_share=st.floats(0.01, 0.99),
        train_limit=st.none() | _counts,
        dev_limit=st.none() | _counts,
        folds=st.none() | st.integers(2, 99),
    ),
    budget=st.builds(
        BudgetConfig,
        trials=_counts,
        timeout=st.none() | st.floats(0.1, 1e9),
        workers=_counts,
        finalists=_counts,
        seeds=_counts,
    ),
    compute=st.builds(ComputeConfig, device=st.sampled_from(["cpu", "cuda"]), threads=_counts),
    storage=st.builds(StorageConfig, folder=_words, url=st.none() | _words),
    space=_spaces,
    fingerprint=_words,
    portfolio=st.builds(
        lambda given, **more: PortfolioConfig(
            first=tuple(config for config, _ in given), origins=tuple(origin for _, origin in given), **more
        ),
        st.lists(st.tuples(st.dictionaries(_words, st.booleans() | st.integers() | _words, max_size=3), _words)),
        warm_start=st.lists(_words).map(tuple),
        file=st.none() | _words,
        sources=st.lists(_words).map(tuple),
        left_out=st.lists(_words).map(tuple),
    ),
)
BASE = StudyConfig(
    name="mine",
    task="ner",
    metric="f1",
    seed=0,
    data=DataConfig(source="corpus"),
    budget=BudgetConfig(trials=5),
    compute=ComputeConfig(device="cpu", threads=1),
    storage=StorageConfig(),
    space={"freeze": {"low": 0.0, "high": 1.0}, "method": "full"},
    fingerprint="aa",
)
# What may not change: the key that the message names, and a study that differs in it.
CHANGES: dict[str, StudyConfig] = {
    "task": replace(BASE, task="classification"),
    "metric": replace(BASE, metric="precision"),
    "seed": replace(BASE, seed=1),
    "train limit": replace(BASE, data=replace(BASE.data, train_limit=3)),
    "dev limit": replace(BASE, data=replace(BASE.data, dev_limit=3)),
    "folds": replace(BASE, data=replace(BASE.data, folds=3)),
    "dev share": replace(BASE, data=replace(BASE.data, dev_share=0.5)),
    "device": replace(BASE, compute=replace(BASE.compute, device="cuda")),
    "threads": replace(BASE, compute=replace(BASE.compute, threads=2)),
    "sampler": replace(BASE, compute=replace(BASE.compute, sampler="random")),
    "pruner": replace(BASE, compute=replace(BASE.compute, pruner="median")),
    "--warm-start": replace(BASE, portfolio=PortfolioConfig(warm_start=("other",))),
    "--portfolio": replace(BASE, portfolio=PortfolioConfig(file="none")),
    "data (fingerprint of the rows)": replace(BASE, fingerprint="bb"),
    "search space: freeze: high": replace(BASE, space={**BASE.space, "freeze": {"low": 0.0, "high": 0.5}}),
    "search space: method": replace(BASE, space={**BASE.space, "method": ["full", "lora"]}),
    "search space: model": replace(BASE, space={**BASE.space, "model": "other"}),
}


def test_each_configuration_that_is_given_has_an_origin() -> None:
    with pytest.raises(ConfigError, match="origins: one for each of 1 configurations expected"):
        PortfolioConfig(first=({"method": "full"},))


@given(_configs)
def test_json_gives_the_same_configuration_back(config: StudyConfig) -> None:
    assert StudyConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(_configs)
def test_a_study_resumes_as_itself(config: StudyConfig) -> None:
    assert resumed(config, config) == config


@pytest.mark.parametrize("key", CHANGES)
def test_a_resumed_study_may_not_change(key: str) -> None:
    with pytest.raises(StudyError) as caught:
        resumed(BASE, CHANGES[key])
    (problem,) = caught.value.problems
    assert problem.startswith(f"study 'mine': {key} may not change, it was ")


def test_every_differing_key_is_named_with_both_values() -> None:
    with pytest.raises(StudyError) as caught:
        resumed(BASE, replace(CHANGES["seed"], metric="recall"))
    assert [problem.split(", take")[0] for problem in caught.value.problems] == [
        "study 'mine': metric may not change, it was 'f1', got 'recall'",
        "study 'mine': seed may not change, it was 0, got 1",
    ]


def test_budget_and_place_may_change() -> None:
    budget, storage = (
        BudgetConfig(trials=50, timeout=60.0, workers=2, finalists=0, seeds=3, stop="auto", audit=0.1),
        StorageConfig(folder="moved"),
    )
    found = resumed(BASE, replace(BASE, budget=budget, storage=storage))
    assert found == replace(BASE, budget=budget, storage=storage)


def test_what_is_tried_first_is_what_the_study_was_created_with() -> None:
    """Another version of autoft may carry another portfolio by the time that a study is resumed."""
    created = replace(BASE, portfolio=PortfolioConfig(first=({"method": "full"},), origins=("the portfolio",)))
    assert resumed(created, BASE).portfolio == created.portfolio
    assert resumed(BASE, created).portfolio == PortfolioConfig()


def test_a_study_of_an_earlier_version_has_no_portfolio() -> None:
    stored = BASE.to_json()
    del stored["portfolio"], stored["aims"]
    assert StudyConfig.from_json(stored) == BASE


def test_the_same_rows_may_lie_elsewhere() -> None:
    """Workers once read the rows where they lay when the study began."""
    moved = replace(BASE, data=DataConfig(source="moved-corpus"))
    assert resumed(BASE, moved).data.source == "moved-corpus"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "-x", "a.", "a ", "a\nb", "x" * 101, "autoft.db"])
def test_a_name_is_that_of_a_folder(name: str) -> None:
    """`autoft rm` once would have removed a folder outside of the studies."""
    with pytest.raises(StudyError, match="--study: letters, digits"):
        replace(BASE, name=name)


@pytest.mark.parametrize("name", ["ner-1", "first_try", "v1.2", "über 2"])
def test_names_that_people_give(name: str) -> None:
    assert replace(BASE, name=name).name == name


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: DataConfig(source="x", dev_share=1.0, train_limit=0, dev_limit=-1, folds=1), 4),
        (lambda: BudgetConfig(trials=0, timeout=0.0, workers=0, finalists=-1, seeds=0, stop="soon", audit=0.6), 7),
        (lambda: BudgetConfig(audit=0.0), 1),
        (lambda: BudgetConfig(audit=float("nan")), 1),
    ],
)
def test_every_problem_is_told_at_birth(make: Any, wrong: int) -> None:
    with pytest.raises(StudyError) as caught:
        make()
    assert len(caught.value.problems) == wrong


def test_of_a_long_value_both_ends_are_told() -> None:
    places = [f"/{'long/' * 20}{name}.json" for name in ("one", "other")]
    one, other = (replace(BASE, portfolio=PortfolioConfig(file=place)) for place in places)
    with pytest.raises(StudyError, match=r"it was '/long/.*….*/one\.json', got '/long/.*….*/other\.json'"):
        resumed(one, other)
