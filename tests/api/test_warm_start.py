"""What a new study tries first: earlier studies, a portfolio's file, autoft's own; and what a resumed one keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoft import search
from autoft.api.opening import Opening, open_search
from autoft.api.options import BudgetOptions, FirstOptions, SearchOptions
from autoft.errors import ConfigError, StudyError
from autoft.models.rates import default_rate
from autoft.space.domains import Scalar
from autoft.storage.database import open_database
from autoft.storage.records import EvaluationRecord
from autoft.storage.studies import create_study
from autoft.storage.trials import Outcome, ask_trial, configure, record_evaluation, tell
from autoft.strategy.portfolio import Entry, Portfolio, write_portfolio
from autoft.study.config import StorageConfig
from autoft.study.portfolio import first_notices

FULL: dict[str, Scalar] = {"method": "full", "method.full.learning_rate": 2e-4, "train.dropout": 0.2}
LORA: dict[str, Scalar] = {"method": "lora", "method.lora.learning_rate": 2e-3, "method.lora.rank": 4}
WRONG: dict[str, Scalar] = {"method": "full", "method.full.learning_rate": 0.5}


@pytest.fixture
def options(here: Path, model: Path) -> SearchOptions:
    """A request for 10 trials, of which one may be given; the folder holds a portfolio of three."""
    entries = tuple(Entry(config, ("a",), 0.5) for config in (WRONG, LORA, FULL))
    write_portfolio(here / "good.json", Portfolio("ner", entries, ("a", "corpus")))
    return SearchOptions(
        task="ner",
        source="corpus",
        models=(str(model),),
        budget=BudgetOptions(trials=10),
        first=FirstOptions(portfolio="good.json"),
        storage=StorageConfig(folder="studies"),
    )


def stored(opening: Opening, *tried: tuple[Mapping[str, Any], float | None], name: str = "earlier") -> None:
    """Write a study with these configurations, complete where they have a value."""
    database = open_database(None, Path(opening.config.storage.folder))
    content = json.dumps({"config": replace(opening.config, name=name).to_json()})
    study = create_study(database, name, metric="f1", config=content)
    for part, value in tried:
        held = ask_trial(study, "me", limit=None)
        assert held is not None
        config = opening.space.complete(part)
        configure(study, held, config=config, parameters={}, distributions={}, kind="sampled")
        if value is not None:
            record_evaluation(study, held, EvaluationRecord(9, 1.0, value, 1.0, 1.0, 0.1), {"f1": value})
        tell(study, held, Outcome("complete") if value is not None else Outcome("pruned", "no good"))
    database.close()


def warm(options: SearchOptions, *names: str) -> SearchOptions:
    return replace(options, first=replace(options.first, warm_start=names))


def first(options: SearchOptions) -> list[Mapping[str, Any]]:
    return list(open_search(options).config.portfolio.first)


def test_what_fits_of_a_portfolio_is_tried_first_with_the_studys_own_model(options: SearchOptions, model: Path) -> None:
    opening = open_search(replace(options, budget=BudgetOptions(trials=50)))
    assert opening.config.portfolio.first == (opening.space.complete(LORA), opening.space.complete(FULL))
    assert opening.config.portfolio.first[0]["model"] == str(model)
    assert opening.config.portfolio.origins == ("the portfolio", "the portfolio")
    assert opening.config.portfolio.sources == ("a", "corpus")


def test_a_learning_rate_of_full_tuning_is_taken_to_the_base_models_width(options: SearchOptions, model: Path) -> None:
    """What is right for MiniLM makes a wider model diverge, by the rule of the default's rate (`models/rates.py`)."""
    width = json.loads((model / "config.json").read_text(encoding="utf-8"))["hidden_size"]
    for seen, factor in ((width, 1.0), (10 * width, default_rate(width) / default_rate(10 * width)), (None, 1.0)):
        portfolio = Portfolio("ner", (Entry({"method": "full", "method.full.learning_rate": 5e-5}, (), 0.5),), (), seen)
        write_portfolio(Path("good.json"), portfolio)
        (found,) = first(options)
        assert found["method.full.learning_rate"] == pytest.approx(5e-5 * factor)


def test_no_more_is_given_than_the_bound_allows(options: SearchOptions) -> None:
    assert first(options) == [open_search(options).space.complete(LORA)]
    assert first(replace(options, budget=BudgetOptions(trials=5))) == []


def test_no_portfolio_where_none_is_asked(options: SearchOptions) -> None:
    assert first(replace(options, first=FirstOptions(portfolio="none"))) == []


def test_an_earlier_study_comes_before_the_portfolio(options: SearchOptions) -> None:
    opening = open_search(options)
    better = {**LORA, "method.lora.rank": 16}
    stored(opening, ({}, 0.3), (FULL, 0.2), (better, 0.5), ({**FULL, "train.dropout": 0.0}, None))
    assert first(warm(options, "earlier")) == [opening.space.complete(better)]
    assert first(warm(options, "studies/earlier")) == [opening.space.complete(better)]
    longer = replace(warm(options, "earlier"), budget=BudgetOptions(trials=50))
    origins = open_search(longer).config.portfolio.origins
    assert origins[0] == "an earlier study"
    assert "the portfolio" in origins


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            FirstOptions(warm_start=("earlyer",)),
            "autoft.db: unknown study 'earlyer', did you mean 'earlier'?",
        ),
        (FirstOptions(warm_start=("absent/x",)), "--warm-start: absent: unknown study 'x', there are no studies there"),
        (
            FirstOptions(warm_start=("hopeless",)),
            "--warm-start: a study with a complete trial expected, 'hopeless' has",
        ),
        (FirstOptions(portfolio="absent.json"), "--portfolio: absent.json: must be a readable file"),
        (FirstOptions(portfolio="other.json"), "--portfolio: a portfolio for task 'ner' expected, got one for 'qa'"),
    ],
)
def test_what_cannot_be_used_is_told(options: SearchOptions, asked: FirstOptions, words: str) -> None:
    opening = open_search(options)
    stored(opening, ({}, 0.3))
    stored(opening, ({}, None), name="hopeless")
    write_portfolio(Path("other.json"), Portfolio("qa", (Entry(LORA, ("a",), 0.5),), ("a",)))
    with pytest.raises(ConfigError) as caught:
        open_search(replace(options, first=asked))
    assert words in str(caught.value)


def test_a_study_of_another_task_is_refused(options: SearchOptions) -> None:
    opening = open_search(options)
    stored(replace(opening, config=replace(opening.config, task="qa")), ({}, 0.3))
    with pytest.raises(StudyError, match="--warm-start: a study of task 'ner' expected, 'earlier' is one of 'qa'"):
        open_search(warm(options, "earlier"))


def test_a_resumed_study_keeps_what_it_was_created_with(options: SearchOptions) -> None:
    created = open_search(replace(options, study="mine"))
    stored(created, name="mine")
    write_portfolio(Path("good.json"), Portfolio("ner", (Entry(FULL, ("a",), 0.5),), ("a",)))
    bare = SearchOptions(task="ner", study="mine", storage=options.storage, budget=BudgetOptions(trials=99))
    for again in (bare, replace(options, study="mine")):
        assert open_search(again).config.portfolio == created.config.portfolio
    with pytest.raises(
        StudyError, match=r"study 'mine': --portfolio may not change, it was '.*good\.json', got 'none'"
    ):
        open_search(replace(bare, first=FirstOptions(portfolio="none")))
    with pytest.raises(StudyError, match="study 'mine': --warm-start may not change, it was 'not given', got 'x'"):
        open_search(replace(bare, first=FirstOptions(warm_start=("x",))))


def test_a_study_that_was_created_without_a_portfolio_is_resumed_without_one(options: SearchOptions) -> None:
    """As one of a version that had no portfolios, or one that was too short for any."""
    short = replace(options, study="short", budget=BudgetOptions(trials=5), first=FirstOptions())
    stored(open_search(short), name="short")
    assert open_search(replace(short, first=FirstOptions(portfolio="none"))).config.portfolio.first == ()
    own = replace(options, study="own", first=FirstOptions())
    stored(open_search(own), name="own")
    with pytest.raises(StudyError, match="study 'own': --portfolio may not change, it was 'not given', got 'none'"):
        open_search(replace(own, first=FirstOptions(portfolio="none")))


def test_data_that_the_portfolio_has_seen_is_told(options: SearchOptions) -> None:
    portfolio = open_search(options).config.portfolio
    assert "has seen 'corpus'" in first_notices(portfolio, "/somewhere/corpus")[0]
    assert first_notices(portfolio, "/somewhere/else") == []
    assert first_notices(replace(portfolio, sources=("sample-ner",)), "sample:ner") != []


def test_an_earlier_study_that_gives_nothing_is_told(options: SearchOptions) -> None:
    opening = open_search(options)
    stored(opening, ({}, 0.3), ({**LORA, "method.lora.rank": 16}, 0.5))
    asked = warm(options, "earlier")
    assert first_notices(open_search(asked).config.portfolio, "x") == []
    short = open_search(replace(asked, budget=BudgetOptions(trials=5)))
    assert "--warm-start: nothing of earlier is tried first" in first_notices(short.config.portfolio, "x")[0]


def test_a_portfolios_file_that_gives_nothing_is_told(options: SearchOptions) -> None:
    def told(asked: SearchOptions) -> list[str]:
        return first_notices(open_search(asked).config.portfolio, "x")

    short = replace(options, budget=BudgetOptions(trials=5))
    assert told(options) == []
    assert "good.json is tried first: the search is shorter than 10 configurations" in told(short)[0]
    write_portfolio(Path("wrong.json"), Portfolio("ner", (Entry(WRONG, ("a",), 0.5),), ("a",)))
    assert "--portfolio: nothing of " in told(replace(options, first=FirstOptions(portfolio="wrong.json")))[0]
    for nothing in (None, "none"):
        assert told(replace(short, first=FirstOptions(portfolio=nothing))) == []


def test_the_best_that_lies_in_the_space_is_tried_where_a_better_one_does_not(options: SearchOptions) -> None:
    opening = open_search(options)
    inside = {**LORA, "method.lora.rank": 16}
    stored(opening, ({}, 0.3), (WRONG, 0.9), (inside, 0.5), (FULL, 0.1))
    found = open_search(warm(options, "earlier")).config.portfolio
    assert (found.first, found.origins) == ((opening.space.complete(inside),), ("an earlier study",))


@pytest.mark.parametrize("name", ["absent/x", Path("absent/x"), ["absent/x"]])
def test_a_single_name_will_do_from_python(options: SearchOptions, model: Path, name: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        search("ner", data=options.source, models=str(model), warm_start=name, minimize="latency")
    assert caught.value.problems == ("--warm-start: absent: unknown study 'x', there are no studies there",)
