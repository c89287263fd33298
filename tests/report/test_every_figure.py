"""The laws of every registered figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autoft.report.drawing import FigureKind, figure
from autoft.report.facts import Finalists
from autoft.report.figures import FIGURES
from autoft.storage.records import TrialRecord

KINDS = pytest.mark.parametrize("kind", FIGURES.values(), ids=list(FIGURES))


def drawn(kind: FigureKind, facts: Any, records: Any) -> dict[str, Any]:
    text = kind.draw(facts, records).to_json()
    found: dict[str, Any] = json.loads(text)
    assert "NaN" not in text
    return found


@KINDS
@pytest.mark.parametrize("trials", [0, 1, 2, 30])
def test_figure_draws(kind: FigureKind, trials: int, make_study: Callable[..., Any]) -> None:
    found = drawn(kind, *make_study(trials))
    assert found["data"] or found["layout"]["annotations"]


@KINDS
def test_figure_draws_where_finalists_have_run(kind: FigureKind, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(20)
    scores = {0: (0.4, 0.5), 3: (0.5, 0.45), 19: (0.3, 0.0)}
    assert drawn(kind, replace(facts, finalists=Finalists(scores=scores, seeds=(1, 2), asked=2)), records)


@KINDS
@pytest.mark.parametrize("state", ["failed", "infeasible", "running"])
def test_figure_draws_where_no_trial_was_evaluated(
    kind: FigureKind, state: Any, make_study: Callable[..., Any]
) -> None:
    facts, records = make_study(20)
    bare = [replace(one, state=state, value=None, evaluations=(), metrics={}, reason="why") for one in records]
    assert drawn(kind, facts, bare)


@KINDS
def test_figure_draws_for_bare_records(kind: FigureKind, make_study: Callable[..., Any]) -> None:
    facts, _ = make_study(0)
    assert drawn(kind, facts, [TrialRecord(4, "complete", 0.0, {})])


@KINDS
def test_figure_draws_without_a_space(kind: FigureKind, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(20)
    assert drawn(kind, replace(facts, space=()), records)


@KINDS
def test_figure_shows_markup_as_text(kind: FigureKind, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(20)
    evil = [replace(one, config={**one.config, "method": "<img src=x>"}) for one in records]
    found = drawn(kind, replace(facts, metric="<a href='x'>m</a>"), evil)
    text = json.dumps(found)
    assert "<img" not in text
    assert "<a " not in text
    assert "<script" not in text


@KINDS
def test_figure_is_explained(kind: FigureKind) -> None:
    assert kind.title
    assert kind.caption.endswith(".")


def test_figure_of_a_known_name_is_refused() -> None:
    def timeline(_facts: Any, _records: Any) -> Any:
        return None

    with pytest.raises(ValueError, match="'timeline' is registered already"):
        figure(title="Again", caption="Again.")(timeline)
