"""The figures of a report: to add one, add a function here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoft.report import front_figures
from autoft.report.drawing import (
    BEST,
    DEFAULT,
    FIGURES,
    PALE,
    STATE_COLOURS,
    canvas,
    figure,
    level,
    marker,
    notice,
    safe,
    wanted_figures,
)
from autoft.report.facts import StudyFacts
from autoft.report.figure_infos import (
    Curve,
    Point,
    curves_info,
    finalists_info,
    history_info,
    methods_info,
    scores_info,
    timeline_info,
)
from autoft.report.importance import TRIALS_NEEDED, importance_info
from autoft.report.parallel import Line, parallel_info
from autoft.report.words import duration, score, trial_name
from autoft.storage.records import TrialRecord

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["FIGURES", "front_figures", "wanted_figures"]

_NOT_EVALUATED = "No trial has been evaluated."
_MOST_BARS = 24
# One colour, ever stronger: it must read on light and on dark.
_BANDS = (*(f"rgba(35,130,196,{alpha})" for alpha in (0.16, 0.3, 0.5, 0.75, 1)), BEST)
_ABSENT = -0.14


@figure(
    title="How the search went",
    caption="Each point is a trial; the line is the best complete trial so far.",
)
def optimisation_history(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw values in the order of trials."""
    info = history_info(facts, records)
    if not info.points:
        return notice(_NOT_EVALUATED)
    drawn = canvas(x="trial", y=f"dev {facts.metric}")
    drawn.update_xaxes(range=[-0.6, info.points[-1].number + 0.6], tickformat="d")
    if info.points[-1].number < 12:
        # Else there are ticks between whole numbers.
        drawn.update_xaxes(dtick=1)
    if len({point.value for point in info.points}) == 1:
        drawn.update_yaxes(range=[info.points[0].value - 0.05, info.points[0].value + 0.05])
    if info.default is not None:
        level(drawn, info.default, "default")
    _add_points(drawn, [(point, point.number) for point in info.points])
    if info.best:
        drawn.add_scatter(
            x=[number for number, _ in info.best],
            y=[value for _, value in info.best],
            mode="lines",
            name="best so far",
            line={"color": BEST, "width": 2.5, "shape": "hv"},
            hoverinfo="skip",
        )
    return drawn


@figure(
    title="Finalists on fresh seeds",
    caption="Each point is a training on a seed that the search never saw, a line is one seed; bars are means.",
)
def finalists_seeds(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw each finalist's scores, the same seed joined by a line."""
    info = finalists_info(facts, records)
    if not info.arms:
        return notice("No finalist has been trained again on fresh seeds.")
    drawn = canvas(y=f"dev {facts.metric}")
    for place, seed in enumerate(info.seeds):
        drawn.add_scatter(
            x=list(range(len(info.arms))), y=[arm.scores[place] for arm in info.arms], mode="lines",
            line={"color": PALE, "width": 1}, name=f"seed {seed}", showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    colours = {"best": BEST, "default": DEFAULT, "finalist": STATE_COLOURS["complete"]}
    for at, arm in enumerate(info.arms):
        drawn.add_scatter(
            x=[at] * len(arm.scores), y=list(arm.scores), mode="markers", showlegend=False,
            marker={"color": colours[arm.role], "size": 9}, text=[f"seed {seed}" for seed in info.seeds],
            hovertemplate=f"trial {arm.number}, %{{text}}: %{{y:.4f}}<extra></extra>",
        )  # fmt: skip
        drawn.add_shape(
            type="line", x0=at - 0.25, x1=at + 0.25, y0=arm.mean, y1=arm.mean,
            line={"color": colours[arm.role], "width": 2.5},
        )  # fmt: skip
    names = [trial_name(arm.number, facts.default_number) for arm in info.arms]
    drawn.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, showgrid=False,
        range=[-0.6, len(names) - 0.4],
    )  # fmt: skip
    return drawn


@figure(
    title="Learning curves",
    caption="The best evaluation wins; dotted lines are the rungs at which weak trials stop.",
)
def learning_curves(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw each trial's evaluations by ninths of its schedule."""
    info = curves_info(facts, records)
    if not info.curves:
        return notice(_NOT_EVALUATED)
    drawn = canvas(x="ninth of the trial's own schedule", y=f"dev {facts.metric}")
    drawn.update_xaxes(tickmode="linear", dtick=1, range=[0.7, 9.3])
    for rung in info.rungs:
        drawn.add_vline(x=rung, line={"color": PALE, "dash": "dot", "width": 1})
    looks = {
        "stopped": ({"color": PALE, "width": 1}, "stopped early"),
        "complete": ({"color": STATE_COLOURS["complete"], "width": 1.2}, "complete"),
        "default": ({"color": DEFAULT, "width": 2.5, "dash": "dash"}, "default"),
        "best": ({"color": BEST, "width": 3}, "best"),
    }
    for role, (line, name) in looks.items():
        curves = [curve for curve in info.curves if curve.role == role]
        if curves:
            x, y, words = _joined(curves)
            drawn.add_scatter(
                x=x, y=y, text=words, mode="lines+markers", name=name, line=line,
                marker={"size": 4}, opacity=0.7 if role == "complete" else 1,
                hovertemplate="%{text}<br>ninth %{x}: %{y:.4f}<extra></extra>",
            )  # fmt: skip
    return drawn


@figure(
    title="What mattered",
    caption="Share of each parameter in what sets the best trials apart (PED-ANOVA); "
    "with few trials this is a hint, not a finding.",
)
def parameter_importance(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw each parameter's share in what decided."""
    info = importance_info(facts, records)
    if not info.shares:
        return notice(
            f"Too few trials to say what mattered: {info.trials} of {TRIALS_NEEDED} needed."
            if info.trials < TRIALS_NEEDED
            else "Nothing varied."
        )
    shares = [item for item in info.shares[:_MOST_BARS] if item[1] >= 0.001][::-1]
    drawn = canvas(height=90 + 26 * len(shares), x=f"share (best {info.top} of {info.trials} trials)")
    drawn.update_layout(margin={"t": 10}, bargap=0.35)
    drawn.update_xaxes(tickformat=".0%", rangemode="tozero")
    drawn.add_bar(
        orientation="h", x=[share for _, share in shares], y=[safe(path) for path, _ in shares],
        marker={"color": STATE_COLOURS["complete"]},
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )  # fmt: skip
    drawn.update_yaxes(ticksuffix="  ", showgrid=False)
    return drawn


@figure(
    title="Best against default",
    caption="Dev metrics at each trial's best evaluation, overall and label by label.",
)
def best_against_default(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw the metrics of the best trial beside the default's."""
    info = scores_info(facts, records)
    # Bars share one scale, so only shares of 1 can stand beside each other.
    overall = [pair for pair in info.overall if max(pair.best or 0, pair.default or 0) <= 1]
    labels = info.labels[: _MOST_BARS - min(len(overall), 6)]
    pairs = [*overall, *labels]
    if not pairs:
        return notice("No trial was completed.")
    names = [f"<b>{safe(pair.name)}</b>" for pair in overall]
    names += [f"{info.labelled} {safe(pair.name)}" for pair in labels]
    drawn = canvas(height=90 + 36 * len(pairs))
    drawn.update_layout(bargap=0.3, bargroupgap=0.05, margin={"r": 56})
    drawn.update_xaxes(rangemode="tozero", side="bottom")
    drawn.update_yaxes(autorange="reversed", ticksuffix="  ", showgrid=False)
    if info.best is not None and info.best != info.default:
        values = [pair.best for pair in pairs]
        _add_bars(drawn, names, values, f"best (trial {info.best})", BEST)
    if info.default is not None:
        values = [pair.default for pair in pairs]
        word = "default, the best" if info.best == info.default else "default"
        _add_bars(drawn, names, values, word, DEFAULT)
    return drawn


@figure(
    title="All configurations",
    caption="Each line is a trial, the better the stronger, the best in orange; a line at the "
    "bottom means that the parameter does not count for that method.",
    width="full",
)
def parallel_coordinates(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw each trial as a line over the parameters."""
    info = parallel_info(facts, records)
    if not info.axes or not info.lines:
        return notice(_NOT_EVALUATED if info.axes else "Nothing varied.")
    drawn = canvas(height=440)
    drawn.update_layout(margin={"l": 40, "r": 40, "t": 20, "b": 70}, hovermode="closest")
    bands: list[list[Line]] = [[] for _ in _BANDS]
    for place, line in enumerate(info.lines[:-1]):
        # Squared, so that few are strong.
        share = place / (len(info.lines) - 1)
        bands[int(share**2 * (len(_BANDS) - 1))].append(line)
    bands[-1].append(info.lines[-1])
    for colour, lines in zip(_BANDS, bands, strict=True):
        if lines:
            _add_lines(drawn, lines, colour, facts.metric)
    for place, axis in enumerate(info.axes):
        drawn.add_shape(type="line", x0=place, x1=place, y0=_ABSENT, y1=1, line={"color": PALE, "width": 1})
        for height, words in axis.ticks:
            drawn.add_annotation(
                x=place, y=height, text=safe(words), showarrow=False, xanchor="left", xshift=4,
                font={"size": 11}, bgcolor="rgba(128,138,148,0.16)", borderpad=1,
            )  # fmt: skip
    titles = [safe(axis.title).replace(".", ".<br>").replace("_", "_<br>") for axis in info.axes]
    last = len(info.axes) - 1
    drawn.update_xaxes(
        tickvals=list(range(len(titles))), ticktext=titles, showgrid=False, tickangle=0,
        range=[-0.2, last + 0.6],
    )  # fmt: skip
    drawn.update_yaxes(tickvals=[_ABSENT], ticktext=["–"], showgrid=False, range=[_ABSENT - 0.06, 1.06])
    return drawn


@figure(
    title="By method",
    caption="A bar marks each method's best; hollow points were stopped early, so they might have come further.",
)
def score_by_method(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw the values of each method's trials."""
    info = methods_info(facts, records)
    if not info.groups:
        return notice(_NOT_EVALUATED)
    drawn = canvas(y=f"dev {facts.metric}")
    placed = []
    for place, (_, points) in enumerate(info.groups):
        best = max(point.value for point in points)
        drawn.add_shape(
            type="line", x0=place - 0.3, x1=place + 0.3, y0=best, y1=best, layer="below",
            line={"color": DEFAULT, "width": 2},
        )  # fmt: skip
        # The golden ratio spreads neighbours without chance.
        placed += [(p, place + (p.number * 0.618 % 1 - 0.5) * 0.4) for p in points]
    _add_points(drawn, placed)
    names = [f"{safe(name)} ({len(points)})" for name, points in info.groups]
    drawn.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, showgrid=False,
        range=[-0.6, len(names) - 0.4],
    )  # fmt: skip
    return drawn


@figure(
    title="Where the time went",
    caption="When each trial ran, pauses included.",
)
def timeline(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
    """Draw each trial from its start to its end."""
    bars = timeline_info(facts, records)
    if not bars:
        return notice("No trial has been started.")
    whole = max(bar.start + bar.length for bar in bars)
    unit, per = _time_unit(whole)
    drawn = canvas(x=f"{unit} since the first trial", y="trial")
    drawn.update_layout(barmode="overlay")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    for state, colour in STATE_COLOURS.items():
        mine = [bar for bar in bars if bar.state == state]
        if mine:
            drawn.add_bar(
                orientation="h", name=state, width=0.8, marker={"color": colour},
                y=[bar.number for bar in mine], base=[bar.start / per for bar in mine],
                x=[max(bar.length, whole / 500) / per for bar in mine],
                text=[f"trial {b.number} {state}: computed {duration(b.busy)}" for b in mine],
                textposition="none", hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip
    return drawn


def _time_unit(seconds: float) -> tuple[str, int]:
    if seconds > 2 * 3600:
        return "hours", 3600
    return ("minutes", 60) if seconds > 2 * 60 else ("seconds", 1)


def _add_points(drawn: Figure, placed: Sequence[tuple[Point, float]]) -> None:
    """Add trials at a horizontal place each, a trace for each state."""
    for state in STATE_COLOURS:
        mine = [(point, x) for point, x in placed if point.state == state]
        if mine:
            drawn.add_scatter(
                x=[x for _, x in mine], y=[point.value for point, _ in mine], mode="markers",
                name=state, marker=marker(state), text=[point.number for point, _ in mine],
                hovertemplate=f"trial %{{text}} {state}: %{{y:.4f}}<extra></extra>",
            )  # fmt: skip


def _joined(
    curves: Sequence[Curve],
) -> tuple[list[int | None], list[float | None], list[str]]:
    """Return curves as one trace, with gaps between them."""
    x: list[int | None] = []
    y: list[float | None] = []
    words: list[str] = []
    for curve in curves:
        x += [*curve.steps, None]
        y += [*curve.values, None]
        words += [f"trial {curve.number}"] * (len(curve.steps) + 1)
    return x, y, words


def _add_lines(drawn: Figure, lines: Sequence[Line], colour: str, metric: str) -> None:
    """Add trials of one colour as one trace, with gaps between them."""
    x: list[int | None] = []
    y: list[float | None] = []
    words: list[str] = []
    for line in lines:
        x += [*range(len(line.heights)), None]
        y += [*(_ABSENT if height is None else height for height in line.heights), None]
        words += [
            f"trial {line.number} ({line.state}), {safe(metric)} {score(line.value)}: {safe(word)}"
            for word in (*line.words, "")
        ]
    drawn.add_scatter(
        x=x, y=y, text=words, mode="lines+markers", showlegend=False, hoverinfo="text",
        line={"color": colour, "width": 3 if colour == BEST else 1.3}, marker={"size": 4},
    )  # fmt: skip


def _add_bars(drawn: Figure, names: Sequence[str], values: Sequence[float | None], name: str, colour: str) -> None:
    drawn.add_bar(
        orientation="h", y=list(names), x=list(values), name=name, marker={"color": colour},
        text=["" if value is None else score(value) for value in values],
        textposition="outside", cliponaxis=False, textfont={"size": 11}, constraintext="none",
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )  # fmt: skip
