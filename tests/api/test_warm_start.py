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
from autoft.strategy.samplers import propose
from autoft.study.config import StorageConfig
from autoft.study.portfolio import first_notices
from autoft.testing.tiny import save_tiny

FULL: dict[str, Scalar] = {"method": "full", "method.full.learning_rate": 2e-4, "train.dropout": 0.2}
LORA: dict[str, Scalar] = {"method": "lora", "method.lora.learning_rate": 2e-3, "method.lora.rank": 4}
WRONG: dict[str, Scalar] = {"method": "full", "method.full.learning_rate": 0.5}


@pytest.fixture
def options(here: Path, model: Path) -> SearchOptions:
    """A request for 13 trials, of which one may be given; the folder holds a portfolio of three."""
    entries = tuple(Entry(config, ("a",), 0.5) for config in (WRONG, LORA, FULL))
    write_portfolio(here / "good.json", Portfolio("ner", entries, ("a", "corpus")))
    return SearchOptions(
        task="ner",
        source="corpus",
        models=(str(model),),
        budget=BudgetOptions(trials=13),
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
    width = width_of(model)
    assert default_rate(50 * width) < default_rate(width)
    for seen, factor in ((width, 1.0), (50 * width, default_rate(width) / default_rate(50 * width)), (None, 1.0)):
        portfolio = Portfolio("ner", (Entry({"method": "full", "method.full.learning_rate": 3e-5}, (), 0.5),), (), seen)
        write_portfolio(Path("good.json"), portfolio)
        (found,) = first(options)
        assert found["method.full.learning_rate"] == pytest.approx(3e-5 * factor)


def test_no_more_is_given_than_the_bound_allows(options: SearchOptions) -> None:
    assert first(options) == [open_search(options).space.complete(LORA)]
    # What is given is trained for 12 epochs, what is drawn for 6 to 12.
    assert first(replace(options, budget=BudgetOptions(trials=12))) == []


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
        (FirstOptions(warm_start=("absent/x",)), "absent: unknown study 'x', there are no studies there"),
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


@pytest.mark.parametrize("source", ["/somewhere/corpus", "corpus.jsonl", "hub/Corpus"])
def test_data_that_the_portfolio_has_seen_is_told(options: SearchOptions, source: str) -> None:
    portfolio = replace(open_search(options).config.portfolio, left_out=())
    (notice,) = first_notices(portfolio, source)
    assert notice.startswith("what is tried first was chosen with 'corpus' in view: ")
    assert notice.endswith(" search with --portfolio none")
    assert first_notices(portfolio, "/somewhere/else") == []
    assert first_notices(replace(portfolio, sources=("sample-ner",)), "sample:ner") != []
    assert first_notices(replace(portfolio, sources=("my-set",)), "hub/my_set") != []
    assert first_notices(replace(portfolio, sources=("My_Set",)), "/data/my-set") != []


def test_what_an_earlier_study_was_given_was_chosen_on_data_too(options: SearchOptions) -> None:
    """Its best may be a portfolio's entry: to leave the portfolio out now does not make it unseen."""
    stored(open_search(options), ({}, 0.3), (FULL, 0.5))
    asked = replace(options, first=FirstOptions(warm_start=("earlier",), portfolio="none"))
    found = open_search(asked).config.portfolio
    assert (found.origins, found.sources) == (("an earlier study",), ("a", "corpus"))
    assert first_notices(found, "corpus")[0].endswith(" search with --portfolio none and without --warm-start")
    stored(open_search(options), ({}, 0.5), (FULL, 0.3), name="worse")
    useless = replace(asked, first=FirstOptions(warm_start=("worse",), portfolio="none"))
    assert open_search(useless).config.portfolio.sources == ()


TOO_SHORT = "tried first: nothing, the search is too short to spend a part of it on what was good elsewhere"


def told(asked: SearchOptions) -> list[str]:
    return first_notices(open_search(asked).config.portfolio, "x")


def test_what_of_an_earlier_study_has_no_place_is_told(options: SearchOptions) -> None:
    opening = open_search(options)
    stored(opening, ({}, 0.3), ({**LORA, "method.lora.rank": 16}, 0.5))
    alone = replace(options, first=FirstOptions(portfolio="none"))
    assert told(warm(alone, "earlier")) == []
    stored(opening, ({}, 0.3), (WRONG, 0.5), name="wrong")
    assert told(warm(alone, "wrong")) == [
        "tried first: 1 of 2 of study 'wrong' left out, outside the search space",
        "tried first: nothing of wrong, none in the search space was better than the default",
    ]
    assert told(replace(warm(alone, "earlier"), budget=BudgetOptions(trials=5))) == [TOO_SHORT]


def test_what_of_a_portfolio_has_no_place_is_told(options: SearchOptions) -> None:
    outside = "tried first: 1 of 3 from the portfolio left out, outside the search space"
    assert told(options) == [outside]
    short = replace(options, budget=BudgetOptions(trials=5))
    assert told(short) == [TOO_SHORT]
    for nothing in (None, "none"):
        assert told(replace(short, first=FirstOptions(portfolio=nothing))) == []


def test_what_gives_nothing_is_told(options: SearchOptions) -> None:
    """The earlier default was the best; a portfolio holds nothing but the default."""
    opening = open_search(options)
    stored(opening, ({}, 0.9), (FULL, 0.1))
    write_portfolio(Path("same.json"), Portfolio("ner", (Entry({"method": "full"}, (), 0.5),), ()))
    assert told(replace(options, first=FirstOptions(warm_start=("earlier",), portfolio="same.json"))) == [
        "tried first: nothing of earlier, none in the search space was better than the default",
        "tried first: nothing of same.json, none in the search space differs from what is tried anyway",
    ]


@pytest.mark.parametrize("trials", [4, 7, 10, 13, 17, 25, 50])
@pytest.mark.parametrize(
    ("epochs", "default", "named"),
    [
        ("{low: 6, high: 12}", 12, None),
        ("{low: 4, high: 12}", 2, None),
        ("{low: 2, high: 20}", 3, 20),
        ("{low: 2, high: 50, log: true}", 50, None),
        ("[3, 10]", 10, 3),
    ],
)
def test_what_is_given_takes_at_most_a_quarter_of_the_epochs(
    options: SearchOptions, trials: int, epochs: str, default: int, named: int | None
) -> None:
    """The first is trained to its end, the others to their first rung, a ninth; a third of what is drawn goes on."""
    Path("space.yaml").write_text(
        f"version: 1\ntask: ner\ntrain: {{epochs: {epochs}, dropout: {{low: 0.0, high: 0.3}}}}\n"
        f"default: {{train: {{epochs: {default}}}}}\n",
        encoding="utf-8",
    )
    more: dict[str, Scalar] = {} if named is None else {"train.epochs": named}
    entries = tuple(Entry({"train.dropout": 0.01 + place / 20, **more}, (), 0.5) for place in range(5))
    write_portfolio(Path("good.json"), Portfolio("ner", entries, ()))
    opening = open_search(replace(options, space="space.yaml", budget=BudgetOptions(trials=trials)))
    lengths = [int(config["train.epochs"]) for config in opening.config.portfolio.first]
    drawn = [propose("random", opening.space, (), seed=0, number=number).config for number in range(1, 400)]
    mean = sum(int(config["train.epochs"]) for config in drawn) / len(drawn)
    taken = sum(lengths[:1]) + sum(lengths[1:]) / 9
    rest = default + (trials - 1 - len(lengths)) * mean * 7 / 27
    assert taken <= 1.03 * (taken + rest) / 4
    assert trials < 50 or len(lengths) == 5


def test_autofts_own_portfolio_that_has_no_place_is_told_too(options: SearchOptions) -> None:
    """A space that fixes what every entry names."""
    Path("small.yaml").write_text(
        "version: 1\ntask: ner\nmethod:\n  full: {learning_rate: {low: 1e-5, high: 1e-3, log: true}}\n",
        encoding="utf-8",
    )
    asked = replace(options, space="small.yaml", first=FirstOptions(), budget=BudgetOptions(trials=50))
    assert told(asked) == ["tried first: 5 of 5 from the portfolio left out, outside the search space"]


def test_a_path_of_a_portfolios_file_that_does_not_exist_is_an_error(options: SearchOptions) -> None:
    wrong: dict[str, Scalar] = {**LORA, "train.batchsize": 8}
    write_portfolio(Path("wrong.json"), Portfolio("ner", tuple(Entry(one, (), 0.5) for one in (LORA, wrong)), ()))
    with pytest.raises(ConfigError) as caught:
        open_search(replace(options, first=FirstOptions(portfolio="wrong.json")))
    assert caught.value.problems == (
        "--portfolio: wrong.json: entries[1].config.train.batchsize: no such parameter, "
        "did you mean 'train.batch_size'?",
    )


def two_models(options: SearchOptions, model: Path, tmp_path: Path, trials: int = 50) -> tuple[SearchOptions, str, str]:
    """A request over two base models, the second of another width."""
    other = save_tiny(tmp_path / "wide", "roberta")
    # Where the rule of the default rate tells widths apart.
    change_width(other, 50 * width_of(model))
    models = (str(model), str(other))
    bare = replace(options, models=models, first=FirstOptions(portfolio="none"), budget=BudgetOptions(trials=trials))
    return bare, *models


def width_of(model: Path) -> int:
    return int(json.loads((model / "config.json").read_text(encoding="utf-8"))["hidden_size"])


def change_width(model: Path, width: int) -> None:
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "hidden_size": width}), encoding="utf-8")


def test_the_best_of_several_base_models_is_tried_with_its_own(
    options: SearchOptions, model: Path, tmp_path: Path
) -> None:
    both, one, other = two_models(options, model, tmp_path)
    opening = open_search(both)
    best = {**FULL, "model": other}
    stored(opening, ({"model": one}, 0.3), ({**FULL, "model": one}, 0.5), (best, 0.9), ({**LORA, "model": other}, 0.4))
    found = first(warm(both, "earlier"))
    assert found[0] == opening.space.complete(best)
    assert all(config["model"] in (one, other) for config in found)


def test_what_another_base_model_reached_is_told_among_its_own(
    options: SearchOptions, model: Path, tmp_path: Path
) -> None:
    """A poor configuration of a better model is no good one."""
    both, one, other = two_models(options, model, tmp_path, trials=13)
    scores = ({"model": one}, 0.1), ({**LORA, "model": one}, 0.5), ({**FULL, "model": one}, 0.2)
    poor = {**LORA, "method.lora.rank": 16, "model": other}
    better = ({"model": other}, 0.99), ({**FULL, "model": other}, 0.98), (poor, 0.85)
    stored(open_search(both), *scores, *better)
    alone = replace(both, models=(one,))
    assert first(warm(alone, "earlier")) == [open_search(alone).space.complete(LORA)]


def test_a_default_model_outside_the_space_gives_way_to_one_inside(
    options: SearchOptions, model: Path, tmp_path: Path
) -> None:
    """What is given is trained with that one, and at rates for that one."""
    both, one, other = two_models(options, model, tmp_path)
    entry = Entry({"method": "full", "method.full.learning_rate": 1e-4}, (), 0.5)
    write_portfolio(Path("good.json"), Portfolio("ner", (entry,), (), width_of(model)))
    Path("space.yaml").write_text(
        f"version: 1\ntask: ner\nmodel: ['{one}']\n"
        "method:\n  full: {learning_rate: {low: 1e-7, high: 1e-1, log: true}}\n"
        f"default: {{model: '{other}'}}\n",
        encoding="utf-8",
    )
    asked = replace(both, models=(), space="space.yaml", first=FirstOptions(portfolio="good.json"))
    (found,) = first(asked)
    assert open_search(asked).space.default["model"] == other
    assert (found["model"], found["method.full.learning_rate"]) == (one, 1e-4)


def test_the_default_of_another_width_is_the_default(options: SearchOptions, model: Path, tmp_path: Path) -> None:
    """It is tried in any case, however its learning rate was rounded on the way, and whatever it did not know yet."""
    both, one, other = two_models(options, model, tmp_path)
    wide = open_search(replace(both, models=(other,)))
    old = {path: value for path, value in wide.space.default.items() if path not in ("loss", "layers")}
    stored(wide, (old, 0.9), ({**FULL, "model": other}, 0.1))
    found = first(warm(replace(both, models=(one,)), "earlier"))
    assert found == []


def test_full_tuning_at_a_width_that_cannot_be_told_is_left_out(
    options: SearchOptions, model: Path, tmp_path: Path
) -> None:
    both, one, other = two_models(options, model, tmp_path)
    stored(open_search(both), ({"model": other}, 0.3), ({**FULL, "model": other}, 0.9), ({**LORA, "model": other}, 0.8))
    (Path(other) / "config.json").unlink()
    asked = warm(replace(both, models=(one,)), "earlier")
    assert [config["method"] for config in first(asked)] == ["lora"]
    assert told(asked) == [f"tried first: full tuning of study 'earlier' left out, the width of {other} is not known"]


def test_a_study_is_the_same_however_it_is_spelled(
    options: SearchOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a resume from another folder would be refused, and the same search draw otherwise."""
    opening = open_search(options)
    stored(opening, ({}, 0.3), (FULL, 0.5))
    absolute = str(Path("studies", "earlier").resolve())
    for name in ("earlier", "studies/earlier", "./studies/earlier", absolute):
        assert open_search(warm(options, name)).config.portfolio.warm_start == ("earlier",)
    typed = replace(opening.config, portfolio=replace(opening.config.portfolio, warm_start=("studies/earlier",)))
    stored(replace(opening, config=typed), name="typed")
    again = replace(options, study="typed", first=FirstOptions(warm_start=("studies/earlier",)))
    assert open_search(again).config.portfolio.warm_start == ("studies/earlier",)
    elsewhere = replace(warm(options, "studies/earlier"), storage=StorageConfig(folder=str(tmp_path / "other")))
    created = open_search(replace(elsewhere, study="mine"))
    assert created.config.portfolio.warm_start == (absolute,)
    stored(created, name="mine")
    source = str(Path("corpus").resolve())
    file = str(Path("good.json").resolve())
    monkeypatch.chdir("studies")
    again = replace(
        elsewhere, source=source, study="mine", first=FirstOptions(warm_start=("./earlier",), portfolio=file)
    )
    assert open_search(again).config.portfolio == created.config.portfolio


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
    (problem,) = caught.value.problems
    folder = Path("absent").resolve()
    assert problem == f"--warm-start: {folder}: unknown study 'x', there are no studies there"
