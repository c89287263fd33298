"""What the dashboard shows of a study beside its own plots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import optuna
import pytest
from optuna_dashboard import get_note
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects

from autoft.report import notes
from autoft.report.facts import Finalists
from autoft.report.figures import FIGURES
from autoft.report.notes import MOST_NOTE_CHARACTERS, note, plain_markdown, publish
from autoft.report.result import build_result
from autoft.study.aims import MEASURES, AimsConfig


@pytest.fixture
def study() -> Iterator[optuna.Study]:
    optuna.logging.disable_default_handler()
    yield optuna.create_study(direction="maximize")
    optuna.logging.enable_default_handler()


def stored_figures(study: optuna.Study) -> dict[str, str]:
    attributes = study._storage.get_study_system_attrs(study._study_id)
    found: dict[str, str] = get_plotly_graph_objects(attributes)
    return found


def test_every_figure_and_the_note_are_stored(study: optuna.Study, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    facts = replace(facts, aims=AimsConfig(minimize=MEASURES))
    assert publish(study, facts, records) == tuple(FIGURES)
    assert set(stored_figures(study)) == set(FIGURES)
    assert get_note(study) == note(facts, records, build_result(facts, records))


def test_later_call_replaces_an_earlier_one(study: optuna.Study, make_study: Callable[..., Any]) -> None:
    publish(study, *make_study(30))
    facts, records = make_study(2)
    publish(study, facts, records)
    assert all(json.loads(text) for text in stored_figures(study).values())
    assert get_note(study) == note(facts, records, build_result(facts, records))


def test_figure_that_is_too_large_is_left_out(
    study: optuna.Study, make_study: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MOST_FIGURE_CHARACTERS", 10_000)
    stored = publish(study, *make_study(30))
    assert "optimisation-history" in stored
    assert "parallel-coordinates" not in stored


@pytest.mark.parametrize("trials", [0, 1])
def test_small_studies_have_a_note(trials: int, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(trials)
    assert note(facts, records, build_result(facts, records)).startswith("**")


def test_note_names_the_model_that_auto_stands_for(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(3)
    facts = replace(facts, model="MiniLM, from a package")
    result = {**build_result(facts, records), "model": "auto"}
    assert "3 configurations of MiniLM, from a package on" in note(facts, records, result)


def test_note_says_what_the_finalists_found(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    best = build_result(facts, records)["best"]["trial"]
    checked = replace(facts, finalists=Finalists(scores={0: (0.4, 0.41), best: (0.5, 0.51)}, seeds=(1, 2), asked=2))
    text = note(checked, records, build_result(checked, records))
    assert "This is more than noise" in text
    assert "flattered" in text
    assert f"| trial {best} |" in text
    assert "| default |" in text


def test_note_is_bounded(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    many = {f"parameter{place}": "x" * 80 for place in range(500)}
    long = [replace(one, config={**one.config, **many}) if one.number else one for one in records]
    assert len(note(facts, long, build_result(facts, long))) <= MOST_NOTE_CHARACTERS


def test_users_text_is_no_markup() -> None:
    assert plain_markdown("<b>a|b</b>\n*c* [d](javascript:e)") == (r"\<b\>a\|b\</b\> \*c\* \[d\]\(javascript\:e\)")


def test_label_stays_in_its_cell(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(1)
    evil = replace(records[0], metrics={"f1.A | B\n# C": 0.5})
    text = note(facts, [evil], build_result(facts, [evil]))
    assert r"| A \| B \# C | 0.5000 | 0.5000 | – |" in text
