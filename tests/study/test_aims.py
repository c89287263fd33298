"""Limits and fronts: checked at birth, measured as shares, said in words."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import StudyError
from autoft.study.aims import MEASURES, AimsConfig, measure_words

MEASURED = {"latency": 12.0, "memory": 300.0, "parameters": 22_700_000}
_limits = st.none() | st.floats(1e-3, 1e9)


@given(
    st.builds(
        AimsConfig,
        minimize=st.lists(st.sampled_from(MEASURES), max_size=4).map(tuple),
        max_latency=_limits,
        max_memory=_limits,
        max_parameters=st.none() | st.integers(1, 10**12),
    )
)
def test_json_gives_the_same_aims_back(aims: AimsConfig) -> None:
    assert AimsConfig.from_json(json.loads(json.dumps(asdict(aims)))) == aims


def test_a_study_that_knows_no_aims_has_none() -> None:
    assert AimsConfig.from_json({}).limits == {}


def test_constraints_are_shares_of_the_limit_broken_above_zero() -> None:
    aims = AimsConfig(max_latency=10.0, max_memory=600.0, max_parameters=22_700_000)
    assert aims.constraints(MEASURED) == pytest.approx({"max_latency": 0.2, "max_memory": -0.5, "max_parameters": 0.0})


def test_what_is_broken_is_said() -> None:
    aims = AimsConfig(max_latency=10.0, max_memory=600.0, max_parameters=10_000_000)
    assert aims.broken(MEASURED) == (
        "latency 12 ms, at most 10 ms allowed",
        "parameters 22.7M, at most 10M allowed",
    )


def test_a_limit_that_is_reached_is_met() -> None:
    assert AimsConfig(max_latency=12.0).broken(MEASURED) == ()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        AimsConfig(minimize=("latancy",), max_latency=0.0, max_parameters=-1)
    assert caught.value.problems == (
        "--minimize: one of latency, memory, parameters expected, got 'latancy', did you mean 'latency'?",
        "--max-latency: a value above 0 expected, got 0.0",
        "--max-parameters: a value above 0 expected, got -1",
    )


def test_a_measure_named_twice_is_one() -> None:
    assert AimsConfig(minimize=("memory", "latency", "memory")).minimize == ("memory", "latency")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("latency", 0.8123, "0.812 ms"),
        ("latency", 1234.5, "1234 ms"),
        ("memory", 380.2, "380 MiB"),
        ("memory", 2048.0, "2 GiB"),
        ("parameters", 22_713_216, "22.7M"),
        ("parameters", 8_989, "8.99k"),
        ("parameters", 1_543_714_304, "1.54B"),
        ("parameters", 12, "12"),
        ("memory", None, "–"),
    ],
)
def test_measures_have_units(name: str, value: float | None, words: str) -> None:
    assert measure_words(name, value) == words
