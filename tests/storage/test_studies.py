from __future__ import annotations

import optuna
import pytest

from autoft.errors import StudyError
from autoft.storage.database import Database
from autoft.storage.lineage import Link, add_link, links
from autoft.storage.studies import (
    StudyHandle,
    create_study,
    delete_study,
    open_study,
    record_time,
    recorded_time,
    study_names,
    update_config,
)
from autoft.storage.trials import ask_trial


def test_a_study_is_opened_as_it_was_made(study: StudyHandle) -> None:
    opened = open_study(study.database, study.name)
    assert (opened.study_id, opened.config) == (study.study_id, "{}")
    assert opened.optuna.metric_names == ["f1"]
    assert opened.optuna.direction == optuna.study.StudyDirection.MAXIMIZE


def test_two_studies_of_one_name_are_refused(study: StudyHandle) -> None:
    with pytest.raises(StudyError, match=f"there is a study '{study.name}' already"):
        create_study(study.database, study.name, metric="f1", config="{}")


def test_an_unknown_study_has_a_hint(study: StudyHandle) -> None:
    wrong = study.name.replace("study", "stduy")
    with pytest.raises(StudyError, match=f"unknown study '{wrong}', did you mean '{study.name}'"):
        open_study(study.database, wrong)


def test_a_budget_may_change(study: StudyHandle) -> None:
    update_config(study, '{"trials": 5}')
    assert open_study(study.database, study.name).config == '{"trials": 5}'


def test_time_is_summed_over_workers_and_replaced_for_one(study: StudyHandle) -> None:
    assert recorded_time(study) == {}
    record_time(study, "a", {"train": 1.0, "idle": 0.5})
    record_time(study, "a", {"train": 5.0, "idle": 0.5})
    record_time(study, "b", {"train": 2.0, "storage": 0.25})
    assert recorded_time(study) == {"train": 7.0, "idle": 0.5, "storage": 0.25}


def test_a_removed_study_leaves_nothing(study: StudyHandle) -> None:
    ask_trial(study, "w", limit=None)
    delete_study(study.database, study.name)
    assert study.name not in study_names(study.database)
    fresh = create_study(study.database, study.name, metric="f1", config="{}")
    claim = ask_trial(fresh, "w", limit=None)
    assert claim is not None
    assert claim.number == 0


def test_a_study_left_half_made_is_made_whole(database: Database) -> None:
    database.storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "half")
    assert create_study(database, "half", metric="f1", config="{}").name == "half"


def test_another_programs_study_is_left_alone(database: Database) -> None:
    study_id = database.storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "theirs")
    database.storage.create_new_trial(study_id)
    with pytest.raises(StudyError, match="'theirs' is a study of another program"):
        create_study(database, "theirs", metric="f1", config="{}")


def test_lineage_is_kept_in_order(study: StudyHandle) -> None:
    steps = (
        Link(2, "promoted_from", 2, {"rung": 3}),
        Link(2, "finalist_of", 2, {"seed": 7, "dev": 0.5}),
    )
    for step in steps:
        add_link(study, step)
    assert links(study) == steps
