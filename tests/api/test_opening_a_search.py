"""Options become one study configuration, or every problem is told and nothing is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoft.api.opening import Opening, open_search
from autoft.api.options import AimOptions, BudgetOptions, RowOptions, SearchOptions
from autoft.errors import ConfigError, DataError, SpaceError, StudyError, UnknownNameError
from autoft.storage.database import open_database
from autoft.storage.studies import create_study
from autoft.study.config import BudgetConfig, StorageConfig

ROWS = "anna B-PER\nlives O\n\nin O\nparis B-LOC\n\n"


@pytest.fixture
def options(here: Path, model: Path) -> SearchOptions:
    """A request that is right; the current folder holds `corpus` and `tiny`, and no studies."""
    (here / "tiny").symlink_to(model)
    return SearchOptions(task="ner", source="corpus", models=(str(model),), storage=StorageConfig(folder="studies"))


def stored(opening: Opening) -> None:
    """Write the study that a search would make of an opening."""
    database = open_database(None, Path(opening.config.storage.folder))
    content = json.dumps({"config": opening.config.to_json()})
    create_study(database, opening.config.name, metric="f1", config=content)
    database.close()


def test_nothing_is_written(options: SearchOptions) -> None:
    open_search(options)
    assert not Path("studies").exists()


def test_what_is_left_out_has_defaults(options: SearchOptions) -> None:
    config = open_search(options).config
    assert (config.name, config.metric, config.seed, config.budget.trials) == ("ner-1", "f1", 0, 50)
    assert config.data.train_limit is None


def test_names_count_on(options: SearchOptions) -> None:
    stored(open_search(options))
    Path("studies/ner-2").mkdir()
    assert open_search(options).config.name == "ner-3"


def test_workers_read_the_same_data_wherever_a_command_is_typed(options: SearchOptions) -> None:
    assert open_search(options).config.data.source == str(Path("corpus").resolve())


@pytest.mark.parametrize("ref", ["tiny", "./tiny", "corpus/../tiny"])
def test_workers_load_the_same_model_wherever_a_command_is_typed(options: SearchOptions, ref: str) -> None:
    """A relative folder was once looked for where the later command was typed, then on the hub."""
    space = open_search(replace(options, models=(ref,))).space
    assert Path(str(space.default["model"])).is_absolute()
    assert Path(str(space.default["model"])).is_dir()


def test_a_relative_model_in_a_space_is_found_later_too(options: SearchOptions) -> None:
    Path("mine.yaml").write_text("version: 1\ntask: ner\nmodel: ./tiny\n", encoding="utf-8")
    space = open_search(replace(options, models=(), space="mine.yaml")).space
    assert Path(str(space.default["model"])).is_absolute()


def test_the_threads_of_the_machine_are_shared_by_workers(options: SearchOptions) -> None:
    many = open_search(replace(options, budget=BudgetOptions(workers=1000))).config
    assert many.compute.threads == 1


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"task": "nre"}, UnknownNameError, "unknown task 'nre', did you mean 'ner'? known: "),
        ({"aims": AimOptions(metric="recal")}, ConfigError, "--metric: unknown metric 'recal', did you mean 'recall'?"),
        ({"aims": AimOptions(metric="f2")}, ConfigError, "--metric: unknown metric 'f2', known: f1, "),
        ({"device": "cdua"}, ConfigError, "expected, got 'cdua', did you mean 'cuda'?"),
        ({"source": "./corpsu"}, DataError, "./corpsu: no such file or folder, did you mean 'corpus'?"),
        ({"source": "sample:nre"}, DataError, "unknown built-in sample 'nre', did you mean 'ner'?"),
        ({"models": ("./absent",)}, ConfigError, "--model ./absent: no such folder"),
        ({"models": ("package:absent/model",)}, ConfigError, "a folder in an installed package expected, found none"),
        ({"space": "nerr"}, UnknownNameError, "did you mean 'ner'?"),
        ({"aims": AimOptions(minimize=("latancy",))}, StudyError, "got 'latancy', did you mean 'latency'?"),
        ({"aims": AimOptions(max_memory=0.0)}, StudyError, "--max-memory: a value above 0 expected, got 0.0"),
        ({"rows": RowOptions(train_limit=0)}, StudyError, "--train-limit: a count of at least 1 expected, got 0"),
        ({"rows": RowOptions(folds=1)}, StudyError, "--folds: a count of at least 2 expected, got 1"),
        ({"rows": RowOptions(folds=999)}, DataError, "--folds: at most one fold a row expected, got 999 folds for"),
        ({"rows": RowOptions(dev_limit=0)}, StudyError, "--dev-limit: a count of at least 1 expected, got 0"),
    ],
)
def test_what_is_wrong_is_told(
    options: SearchOptions, change: dict[str, Any], kind: type[ConfigError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        open_search(replace(options, **change))
    assert words in str(caught.value)
    assert not Path("studies").exists()


def test_a_space_for_another_task_is_refused(options: SearchOptions) -> None:
    Path("other.yaml").write_text("version: 1\ntask: other\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="--space: a space for task 'ner' expected, got one for 'other'"):
        open_search(replace(options, space="other.yaml"))


def test_a_study_is_resumed_by_its_name_alone(options: SearchOptions) -> None:
    first = open_search(
        replace(options, study="mine", rows=RowOptions(train_limit=10), aims=AimOptions(metric="recall"), seed=3)
    )
    stored(first)
    bare = SearchOptions(task="ner", study="mine", storage=options.storage, budget=BudgetOptions(trials=80))
    again = open_search(bare)
    assert again.resumed
    assert again.config == replace(first.config, budget=BudgetConfig(trials=80))


def test_a_resumed_study_keeps_its_number_of_configurations_unless_another_is_asked(options: SearchOptions) -> None:
    stored(open_search(replace(options, study="mine", budget=BudgetOptions(trials=12))))
    assert open_search(replace(options, study="mine")).config.budget.trials == 12
    again = open_search(replace(options, study="mine", budget=BudgetOptions(seeds=2)))
    assert (again.config.budget.trials, again.config.budget.seeds) == (12, 2)
    more = open_search(replace(options, study="mine", budget=BudgetOptions(trials=20)))
    assert more.config.budget.trials == 20


def test_a_budget_that_cannot_be_is_told_with_all_other_problems(options: SearchOptions) -> None:
    wrong = replace(options, device="gpu", budget=BudgetOptions(trials=0, workers=0), rows=RowOptions(folds=1))
    with pytest.raises(ConfigError) as caught:
        open_search(wrong)
    places = [problem.partition(":")[0] for problem in caught.value.problems]
    assert {"--trials", "--workers", "--folds"} <= set(places)


def test_a_resumed_study_keeps_its_limits_and_may_minimize_something_else(options: SearchOptions) -> None:
    aims = AimOptions(minimize=("latency",), max_memory=900.0)
    stored(open_search(replace(options, study="mine", aims=aims)))
    bare = open_search(replace(options, study="mine")).config.aims
    assert (bare.minimize, bare.limits) == (("latency",), {"memory": 900.0})
    other = open_search(replace(options, study="mine", aims=AimOptions(minimize=("memory",)))).config.aims
    assert (other.minimize, other.limits) == (("memory",), {"memory": 900.0})


def test_a_resumed_study_may_be_given_what_it_was_given(options: SearchOptions) -> None:
    """A relative model folder given again is the same model."""
    given = replace(options, study="mine", models=("tiny",))
    stored(open_search(given))
    assert open_search(given).resumed


def test_a_resumed_study_reads_the_same_rows_from_elsewhere(options: SearchOptions) -> None:
    stored(open_search(replace(options, study="mine")))
    Path("corpus").rename("moved")
    again = open_search(replace(options, study="mine", source="moved"))
    assert again.config.data.source == str(Path("moved").resolve())


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seed": 9}, "seed"),
        ({"aims": AimOptions(metric="recall")}, "metric"),
        ({"aims": AimOptions(max_latency=3.0)}, "--max-latency"),
        ({"aims": AimOptions(max_parameters=30)}, "--max-parameters"),
        ({"rows": RowOptions(dev_limit=2)}, "dev limit"),
        ({"rows": RowOptions(folds=3)}, "folds"),
        ({"space": "ner-wide"}, "search space: train: batch_size"),
    ],
)
def test_a_resumed_study_may_not_become_another(options: SearchOptions, change: dict[str, Any], key: str) -> None:
    stored(open_search(replace(options, study="mine")))
    with pytest.raises(StudyError, match=f"study 'mine': {key} may not change"):
        open_search(replace(options, study="mine", **change))


def test_rows_that_have_changed_are_another_study(options: SearchOptions) -> None:
    stored(open_search(replace(options, study="mine")))
    Path("corpus/dev.conll").write_text(ROWS, encoding="utf-8")
    with pytest.raises(StudyError, match=r"data .fingerprint of the rows. may not change"):
        open_search(replace(options, study="mine"))


def test_problems_of_all_parts_come_at_once(options: SearchOptions, tmp_path: Path) -> None:
    (tmp_path / "corpus" / "dev.conll").write_text("anna B-PER\nlives\n", encoding="utf-8")
    (tmp_path / "typo.yaml").write_text("version: 1\ntask: ner\nmehtod: full\n", encoding="utf-8")
    wrong = replace(options, aims=AimOptions(metric="f2"), space="typo.yaml", models=("./nosuch",), device="gpu")
    with pytest.raises(ConfigError) as raised:
        open_search(wrong)
    told = "\n".join(raised.value.problems)
    for words in ("'f2'", "'gpu'", "typo.yaml:3", "./nosuch", "dev.conll:2"):
        assert words in told
    assert not Path("studies").exists()


def test_a_space_file_that_is_missing_is_no_unknown_name(options: SearchOptions) -> None:
    with pytest.raises(SpaceError, match=r"nosuch\.yaml: no such file"):
        open_search(replace(options, space="nosuch.yaml"))


def test_a_file_is_no_folder_of_studies(options: SearchOptions, tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="--studies-dir: a folder expected"):
        open_search(replace(options, storage=StorageConfig(folder="afile")))


def test_threads_follow_the_environment(options: SearchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert open_search(options).config.compute.threads == 1


def test_a_study_of_an_earlier_version_is_resumed(options: SearchOptions) -> None:
    """It knows nothing of layers, losses and folds."""
    opening = open_search(options)
    content = json.loads(json.dumps(opening.config.to_json()))
    del content["data"]["folds"]
    for name in ("layers", "loss"):
        del content["space"][name]
        content["space"]["default"].pop(name, None)
    database = open_database(None, Path(opening.config.storage.folder))
    create_study(database, opening.config.name, metric="f1", config=json.dumps({"config": content}))
    database.close()
    again = open_search(replace(options, study="ner-1"))
    assert again.resumed
    assert again.config.space == opening.config.space
