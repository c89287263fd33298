"""Portfolios are chosen greedily by expected regret, over data sets and over the noise of scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autoft.errors import ConfigError
from autoft.space.domains import Scalar
from autoft.strategy.portfolio_building import Tried, build_portfolio

NAMES = ("a", "b", "c", "d", "e")


def tried(data: str, **scores: float | tuple[float, ...]) -> list[Tried]:
    """Configurations that are told apart by a name, each with one score or one a seed."""
    return [
        Tried(data, {"name": name, "same": 1}, one if isinstance(one, tuple) else (one, one))
        for name, one in scores.items()
    ]


def chosen(*found: Tried, **more: Any) -> list[Any]:
    return [entry.config["name"] for entry in build_portfolio("ner", found, **{"size": 3, **more}).entries]


ONE = tried("one", a=0.9, b=0.8, c=0.5, d=0.5, e=0.1)
TWO = tried("two", a=0.1, b=0.8, c=0.9, d=0.5, e=0.5)


def test_the_best_on_average_comes_first_and_what_it_lacks_second() -> None:
    assert chosen(*ONE, *TWO) == ["b", "a", "c"]


def test_regret_is_that_of_the_best_so_far_and_falls() -> None:
    portfolio = build_portfolio("ner", [*ONE, *TWO], size=3)
    # On each set b is three quarters of the way from the median configuration (0.5) to the best (0.9).
    assert [entry.regret for entry in portfolio.entries] == [pytest.approx(0.25), pytest.approx(0.125), 0.0]


def test_an_entry_says_where_it_was_good_and_the_portfolio_what_it_has_seen() -> None:
    portfolio = build_portfolio("ner", [*ONE, *TWO], size=3)
    assert [entry.seen for entry in portfolio.entries] == [("one", "two"), ("one",), ("two",)]
    assert portfolio.sources == ("one", "two")


def test_nothing_is_added_that_brings_nothing() -> None:
    assert chosen(*ONE) == ["a"]


def test_what_was_not_tried_on_a_data_set_counts_as_its_median() -> None:
    assert chosen(*[one for one in ONE if one.config["name"] != "a"], *TWO)[0] == "b"
    without = [one for one in ONE if one.config["name"] != "b"]
    # b is worth a quarter less than a on neither, but unknown on one.
    assert chosen(*without, *tried("two", a=0.85, b=0.9, c=0.5, d=0.5, e=0.1), size=1) == ["a"]


def test_the_default_is_no_entry_and_what_it_is_good_at_needs_none() -> None:
    assert chosen(*ONE, *TWO, default={"name": "a", "same": 1}) == ["c"]


def test_a_single_data_set_gives_several_entries_where_scores_are_noisy() -> None:
    """The best by its score is the best by luck too; plain greedy choice is done after one."""
    noisy = tried("one", a=(0.9, 0.8), b=(0.88, 0.80), c=(0.6, 0.5), d=(0.55, 0.45), e=(0.1, 0.2))
    assert chosen(*noisy, size=2) == ["a", "b"]


def test_a_score_of_many_seeds_is_trusted_more() -> None:
    lucky, known = 0.90, (0.87, 0.89, 0.91, 0.85, 0.88)
    spread = {"c": (0.5, 0.7), "d": (0.5, 0.3), "e": (0.1, 0.1)}
    once = [Tried("one", {"name": "a"}, (lucky,)), Tried("one", {"name": "b"}, known)]
    others = [Tried("one", {"name": name}, scores) for name, scores in spread.items()]
    portfolio = build_portfolio("ner", [*once, *others], size=2)
    assert {entry.config["name"] for entry in portfolio.entries} == {"a", "b"}


def test_entries_name_what_differs() -> None:
    (first, *_) = build_portfolio("ner", [*ONE, *TWO], size=1).entries
    assert first.config == {"name": "b"}
    (first, *_) = build_portfolio("ner", ONE, size=1, names={"name", "same"}).entries
    assert first.config == {"name": "a", "same": 1}
    (only,) = build_portfolio("ner", tried("one", a=0.5), size=2).entries
    assert only.config == {"name": "a", "same": 1}


def test_what_never_differs_in_its_branch_is_not_named() -> None:
    """A space whose own constant is another one would have no place for the entry else."""
    both: list[dict[str, Scalar]] = [{"method": "lora", "rank": rank, "targets": "all"} for rank in (4, 8)]
    both.append({"method": "full", "rate": 1e-4})
    found = [Tried("one", config, (score, score)) for config, score in zip(both, (0.9, 0.7, 0.5), strict=True)]
    (first, *_) = build_portfolio("ner", found, size=1).entries
    assert first.config == {"method": "lora", "rank": 4}
    (only,) = build_portfolio("ner", [replace(found[2], scores=(0.95,)), *found[:2]], size=1).entries
    assert only.config == {"method": "full", "rate": 1e-4}


def test_what_stands_twice_counts_with_all_of_its_scores() -> None:
    twice = [*tried("one", a=0.9, b=0.8, c=0.5, d=0.1), *tried("one", a=0.1)]
    assert chosen(*twice, size=1) == ["b"]


def test_the_same_is_chosen_again() -> None:
    rng = np.random.default_rng(0)
    found = [one for data in NAMES for one in tried(data, **{name: (float(rng.normal()),) for name in NAMES})]
    assert build_portfolio("ner", found, size=4) == build_portfolio("ner", found, size=4)


def test_nothing_tried_is_told() -> None:
    with pytest.raises(ConfigError, match="at least one configuration that was tried expected"):
        build_portfolio("ner", [], size=3)
