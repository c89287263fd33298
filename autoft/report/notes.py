"""What Optuna's dashboard shows of a study beside its own plots: a note and autoft's figures."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autoft.report.facts import StudyFacts
from autoft.report.figure_infos import scores_info
from autoft.report.figures import wanted_figures
from autoft.report.more_data import more_data_words
from autoft.report.result import build_result
from autoft.report.words import (
    NOTHING,
    audit_words,
    config_lines,
    count_words,
    duration,
    floor_words,
    gain_with_interval,
    gain_words,
    mean_and_spread,
    score,
    search_words,
    states_words,
    stop_words,
    trial_name,
)
from autoft.storage.records import TrialRecord

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

# The dashboard stores 2,045 characters an attribute and reads all of them at each refresh.
MOST_FIGURE_CHARACTERS = 60_000
MOST_NOTE_CHARACTERS = 16_000
_MOST_LABELS = 30
_MOST_TRIALS = 10


def publish(
    study: optuna.Study,
    facts: StudyFacts,
    records: Sequence[TrialRecord],
    result: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Store note and figures in a study, over those of an earlier call.

    Args:
        study: Where the dashboard reads them.
        facts: The study.
        records: All its trials.
        result: What `build_result` returned; it is built unless given.

    Returns:
        The names of the figures that were stored; too large ones are not.
    """
    from optuna_dashboard import get_note, save_note, save_plotly_graph_object

    text = note(facts, records, result or build_result(facts, records))
    if get_note(study) != text:
        save_note(study, text)
    stored = []
    for kind in wanted_figures(facts):
        drawn = kind.draw(facts, records)
        drawn.update_layout(title={"text": kind.title, "font": {"size": 15}}, margin={"t": 84})
        if kind.width == "full":
            # The dashboard gives every figure half of its width.
            drawn.update_xaxes(tickangle=40, tickfont={"size": 10})
        length = len(drawn.to_json())
        if length > MOST_FIGURE_CHARACTERS:
            logger.info("figure %s: too large for the dashboard, %d characters", kind.name, length)
            continue
        save_plotly_graph_object(study, drawn, graph_object_id=kind.name)
        stored.append(kind.name)
    return tuple(stored)


def note(facts: StudyFacts, records: Sequence[TrialRecord], result: Mapping[str, Any]) -> str:
    """Return what a study found as Markdown.

    Args:
        facts: The study.
        records: All its trials.
        result: What `build_result` returned of them.
    """
    counts = result["trials"]
    ended = states_words(counts)
    parts = [
        f"**{plain_markdown(gain_words(result))}**",
        f"{count_words(counts['configurations'], 'configuration')} of "
        f"{plain_markdown(facts.model)} on {plain_markdown(facts.data.origin)}: {ended}; "
        f"{duration(result['seconds']['total'])} in total.",
        *map(plain_markdown, filter(None, (floor_words(result, facts.floor), stop_words(result), audit_words(result)))),
        *_finalist_parts(result),
        *_best_parts(result),
        *_label_parts(facts, records),
        *_trial_parts(records),
        f"`autoft report {facts.name.replace('`', '')}` writes the whole report.",
    ]
    text = "\n\n".join(parts) + "\n"
    if len(text) > MOST_NOTE_CHARACTERS:
        text = text[: MOST_NOTE_CHARACTERS - 3].rpartition("\n")[0] + "\n…\n"
    return text


def plain_markdown(text: object) -> str:
    """Return text that Markdown shows as it stands: nothing of it is markup, HTML or a link."""
    one_line = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&$:])", r"\\\1", one_line)


def _finalist_parts(result: Mapping[str, Any]) -> Iterable[str]:
    found = result["finalists"]
    if not found:
        return
    yield plain_markdown(search_words(result))
    default = (result["default"] or {}).get("trial")
    yield _table(
        ("finalist", "search's own seed", "fresh seeds", "gain"),
        [
            (
                trial_name(one["trial"], default),
                score(one["dev"]),
                mean_and_spread(one),
                NOTHING if one["gain"] is None else gain_with_interval(one["gain"]),
            )
            for one in found["ran"]
        ],
    )
    yield plain_markdown(more_data_words(result))


def _best_parts(result: Mapping[str, Any]) -> Iterable[str]:
    best, default = result["best"], result["default"]
    if best is None or default is None:
        return
    lines = [one for one in config_lines(best["config"], default["config"]) if one.differs]
    if lines:
        yield f"### Trial {best['trial']} against the default"
        yield _table(
            ("parameter", f"trial {best['trial']}", "default"),
            [(one.path, one.value, one.default) for one in lines],
        )


def _label_parts(facts: StudyFacts, records: Sequence[TrialRecord]) -> Iterable[str]:
    info = scores_info(facts, records)
    if info.labels and info.best is not None:
        yield f"### {plain_markdown(info.labelled)} by label"
        yield _table(
            ("label", "best", "default", "support"),
            [
                (
                    pair.name,
                    score(pair.best),
                    score(pair.default),
                    NOTHING if pair.support is None else f"{pair.support:.0f}",
                )
                for pair in info.labels[:_MOST_LABELS]
            ],
        )


def _trial_parts(records: Sequence[TrialRecord]) -> Iterable[str]:
    # The dashboard shows neither reasons nor constraints.
    stopped = [one for one in records if one.state in ("failed", "infeasible") and one.reason]
    if stopped:
        yield "### Failed and infeasible"
        rows = [(str(one.number), one.state, one.reason or "") for one in stopped[:_MOST_TRIALS]]
        yield _table(("trial", "state", "why"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([plain_markdown(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
