"""report.html: one file that tells a study, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from autoft.files import write_text
from autoft.report import cost_parts
from autoft.report import page_parts as parts
from autoft.report.drawing import FigureKind
from autoft.report.facts import StudyFacts
from autoft.report.figures import wanted_figures
from autoft.report.markup import Html, element, join
from autoft.report.page_finalists import finalists_table
from autoft.report.page_template import PAGE, SCRIPT, STYLE
from autoft.report.time_parts import time_table
from autoft.storage.records import TrialRecord


def render_page(facts: StudyFacts, records: Sequence[TrialRecord], result: Mapping[str, Any]) -> str:
    """Return report.html.

    Args:
        facts: The study.
        records: All its trials.
        result: What `build_result` returned of them.
    """
    from plotly.offline import get_plotlyjs

    return PAGE.substitute(
        title=escape(f"{facts.name} · autoft"),
        style=STYLE,
        body=_body(facts, records, result),
        plotly=get_plotlyjs(),
        script=SCRIPT,
    )


def write_page(path: Path, facts: StudyFacts, records: Sequence[TrialRecord], result: Mapping[str, Any]) -> None:
    """Write report.html atomically."""
    write_text(path, render_page(facts, records, result))


def _body(facts: StudyFacts, records: Sequence[TrialRecord], result: Mapping[str, Any]) -> Html:
    best = None if result["best"] is None else result["best"]["trial"]
    return join(
        [
            parts.heading(facts, result),
            parts.tiles(facts, result),
            parts.summary(facts, result, records),
            cost_parts.limits(facts, records),
            element(
                "div",
                _card("Best configuration", parts.best_configuration(result)),
                _card(
                    "Scores on dev",
                    element("p", "Of the search's own seed, at each trial's best evaluation.", kind="caption"),
                    parts.label_scores(facts, records),
                    parts.chosen(facts),
                    parts.test_scores(facts, result),
                ),
                kind="columns",
            ),
            element("h2", "Finalists"),
            _card("", finalists_table(result)),
            *_fronts(facts, records, best),
            element("h2", "Figures"),
            element("div", *(_figure(one, facts, records) for one in wanted_figures(facts)), kind="columns"),
            element("h2", "What each choice costs or saves"),
            _card("", cost_parts.comparisons(facts, records)),
            element("h2", "Trials"),
            _card("", parts.trials(facts, records, best)),
            element("h2", "Why trials ended early"),
            _card("", parts.reasons(records)),
            element("h2", "What was searched, and how to do it again"),
            element(
                "div",
                _card("Search space", parts.parameters(facts)),
                element(
                    "div",
                    _card("What the workers did", time_table(facts)),
                    _card("Data and versions", parts.origin(facts, result)),
                    _card("Commands", parts.commands(facts, result)),
                    kind="stack",
                ),
                kind="columns",
            ),
        ]
    )


def _fronts(facts: StudyFacts, records: Sequence[TrialRecord], best: int | None) -> list[Html]:
    if not facts.aims.minimize:
        return []
    title = f"Score against {', '.join(facts.aims.minimize)}"
    return [element("h2", title), element("div", cost_parts.fronts(facts, records, best), kind="stack")]


def _card(title: str, *content: Html) -> Html:
    head = [element("h3", title)] if title else []
    return element("section", *head, *content, kind="card")


def _figure(figure: FigureKind, facts: StudyFacts, records: Sequence[TrialRecord]) -> Html:
    # Nothing inside the JSON can end the script element.
    drawn = figure.draw(facts, records).to_json().replace("<", "\\u003c")
    return element(
        "section",
        element("h3", figure.title),
        element("p", figure.caption, kind="caption"),
        Html(f'<div class="plot" id="{escape(figure.name)}"></div><script type="application/json">{drawn}</script>'),
        kind=f"card {figure.width}",
    )
