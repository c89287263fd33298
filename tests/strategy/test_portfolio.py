"""Portfolios: what a file may hold, what becomes of an entry in a space, and how many a search may try."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError
from autoft.space.domains import Constant, Integer, Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.portfolio import (
    Entry,
    Portfolio,
    fitted,
    most_entries,
    portfolio_from_json,
    read_portfolio,
    shipped_portfolio,
    write_portfolio,
)
from autoft.strategy.schedule import FullTraining, PromotionHalving, Schedule
from autoft.tasks import TASKS

LORA: dict[str, Scalar] = {
    "method": "lora",
    "method.lora.rank": 8,
    "method.lora.learning_rate": 2e-3,
    "train.dropout": 0.1,
}
GOOD = Portfolio("ner", (Entry(LORA, ("a", "b"), 0.25), Entry({"method": "full"}, ("c",), 0.125)), ("a", "b", "c"), 384)


def test_a_file_gives_the_portfolio_back(tmp_path: Path) -> None:
    write_portfolio(tmp_path / "ner.json", GOOD)
    assert read_portfolio(tmp_path / "ner.json") == GOOD


def changed(**keys: Any) -> dict[str, Any]:
    return {**GOOD.to_json(), **keys}


def entry(**keys: Any) -> dict[str, Any]:
    return changed(entries=[{"config": {"method": "full"}, "seen": ["a"], "regret": 0.5, **keys}])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "here: portfolio: version, task, width, sources, entries expected, got []"),
        (changed(entires=1), "here: entires: no such key, did you mean 'entries'?"),
        ({"version": 1, "task": "ner", "width": None, "sources": []}, "here: entries: must be there, got nothing"),
        (changed(version=2), "here: version: 1 expected, got 2"),
        (changed(task=3), "here: task: text expected, got 3"),
        (changed(width=0), "here: width: a count of at least 1, or null, expected, got 0"),
        (changed(sources="a"), "here: sources: a list of texts expected, got 'a'"),
        (changed(entries={}), "here: entries: a list expected, got {}"),
        (changed(entries=[1]), "here: entries[0]: config, seen, regret expected, got 1"),
        (entry(regert=1), "here: entries[0].regert: no such key, did you mean 'regret'?"),
        (entry(regret=True), "here: entries[0].regret: a number expected, got true"),
        (entry(regret=2), "here: entries[0].regret: a number from 0 to 1 expected, got 2.0"),
        (entry(seen=[1]), "here: entries[0].seen: a list of texts expected, got [1]"),
        (entry(config=[]), "here: entries[0].config: parameters by their path expected, got []"),
        (entry(config={}), "here: entries[0].config: at least one parameter expected, got none"),
        (
            entry(config={"freeze": None}),
            "here: entries[0].config.freeze: text, a finite number, true or false expected, got nothing",
        ),
        (
            entry(config={"model": "bert"}),
            "here: entries[0].config.model: no base model expected, got 'bert', take it out",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        portfolio_from_json(value, source="here")
    assert caught.value.problems == (words,)


def test_every_problem_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        portfolio_from_json(changed(version=2, task=3, entries=[1]), source="here")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("text", ["{", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_file_that_is_no_json_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match=r"x\.json: JSON in UTF-8 expected"):
        read_portfolio(tmp_path / "x.json")
    with pytest.raises(ConfigError, match=r"y\.json: must be a readable file"):
        read_portfolio(tmp_path / "y.json")


def test_what_an_entry_does_not_name_is_at_the_default(space: SearchSpace) -> None:
    varying = {path: domain for path, domain in space.domains.items() if path != "train.epochs"}
    made = SearchSpace(space.task, space.schema, varying, {"train.epochs": 5, "train.dropout": 0.2})
    assert fitted({"method": "lora", "method.lora.rank": 4}, made) == {
        "train.dropout": 0.2,
        "train.epochs": 5,
        "method": "lora",
        "method.lora.learning_rate": 1e-3,
        "method.lora.rank": 4,
    }


@pytest.mark.parametrize(("default", "closest"), [(8, 5), (1, 2), (3, 3)])
def test_what_it_does_not_name_lies_inside_though_the_default_does_not(
    space: SearchSpace, default: int, closest: int
) -> None:
    """Else the sampler would not learn from it, and it would be trained longer than anything else."""
    domains = {**space.domains, "train.epochs": Integer(2, 5)}
    made = SearchSpace(space.task, space.schema, domains, {"train.epochs": default})
    found = fitted({"train.dropout": 0.25}, made)
    assert found is not None
    assert (found["train.epochs"], made.contains(found)) == (closest, True)
    assert fitted({"train.epochs": 8}, made) == (made.default if default == 8 else None)


def test_a_branch_that_the_default_takes_outside_the_space_gives_way(space: SearchSpace) -> None:
    domains = {path: domain for path, domain in space.domains.items() if not path.startswith("method.full")}
    made = SearchSpace(space.task, space.schema, {**domains, "method": Constant("lora")}, {"method": "full"})
    found = fitted({"train.dropout": 0.25}, made)
    assert found is not None
    assert (found["method"], made.contains(found)) == ("lora", True)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(1.0, 1e-4), (0.25, 2.5e-5), (1e-3, 1e-5), (1e3, 1e-3), (1 / 3, 3.33333e-5)],
)
def test_a_learning_rate_of_full_tuning_is_scaled_as_far_as_the_space_allows(
    space: SearchSpace, factor: float, expected: float
) -> None:
    full: dict[str, Scalar] = {"method": "full", "method.full.learning_rate": 1e-4}
    found = fitted(full, space, factor=factor)
    assert found is not None
    assert found["method.full.learning_rate"] == expected
    assert fitted({"method": "lora", "method.lora.learning_rate": 2e-3}, space, factor=factor) == fitted(
        {"method": "lora", "method.lora.learning_rate": 2e-3}, space
    )
    assert fitted({**full, "method.full.learning_rate": 0.5}, space) is None


@pytest.mark.parametrize(
    "config",
    [
        {"train.dropout": 0.5},  # beyond its range
        {"train.epochs": 4},  # not the constant
        {"method": "adapter"},  # no such method here
        {"method": "full", "method.lora.rank": 4},  # does not count
        {"train.warmup": 0.1},  # no such parameter
        {"train.dropout": "much"},
    ],
)
def test_an_entry_that_has_no_place_in_the_space_is_left_out(space: SearchSpace, config: dict[str, Any]) -> None:
    assert fitted(config, space) is None


@given(
    st.integers(1, 500),
    st.sampled_from([PromotionHalving(), FullTraining()]),
    st.fractions(min_value=Fraction(1, 2), max_value=4),
    st.fractions(min_value=Fraction(1, 2), max_value=4),
)
def test_a_bad_portfolio_costs_at_most_a_quarter_of_the_search(
    trials: int, schedule: Schedule, entry: Fraction, default: Fraction
) -> None:
    entries = most_entries(trials, schedule, entry=entry, default=default)
    taken, rest = entry * schedule.cost_of_given(entries), default + (trials - 1 - entries) * schedule.cost()
    assert taken <= (taken + rest) / 4


def test_how_many_entries_a_search_tries() -> None:
    assert (PromotionHalving().cost(), FullTraining().cost()) == (Fraction(7, 27), Fraction(1))
    assert [most_entries(trials, PromotionHalving()) for trials in (1, 5, 10, 15, 20, 50)] == [0, 0, 1, 3, 5, 5]
    assert [most_entries(trials, FullTraining()) for trials in (1, 5, 50)] == [0, 1, 5]
    # The shipped spaces' own: 12 epochs where 6 to 12 are drawn.
    longer = {"entry": Fraction(4, 3), "default": Fraction(4, 3)}
    assert [most_entries(trials, PromotionHalving(), **longer) for trials in (12, 13, 20, 25, 50)] == [0, 1, 3, 5, 5]


@pytest.mark.parametrize("task", TASKS.names())
def test_a_shipped_portfolio_is_one_of_its_task_and_small(task: str) -> None:
    found = shipped_portfolio(task)
    assert found is None or (found.task == task and len(json.dumps(found.to_json())) < 10_000)
