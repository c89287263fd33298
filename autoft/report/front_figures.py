"""The figures of dev score against what it costs, one for each measure that a search minimizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from autoft.report.drawing import BEST, DEFAULT, STATE_COLOURS, Draw, canvas, figure, notice
from autoft.report.facts import StudyFacts
from autoft.report.front import TITLES, CostPoint, front_info
from autoft.report.result import best_trial
from autoft.storage.records import TrialRecord
from autoft.study.aims import measure_words

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def _wanted(measure: str) -> Callable[[StudyFacts], bool]:
    return lambda facts: measure in facts.aims.minimize


def _drawing(measure: str) -> Draw:
    def draw(facts: StudyFacts, records: Sequence[TrialRecord]) -> Figure:
        return _draw_front(facts, records, measure)

    draw.__name__ = f"front_{measure}"
    return draw


def _draw_front(facts: StudyFacts, records: Sequence[TrialRecord], measure: str) -> Figure:
    """Draw score against cost: the front as a line of steps, the other complete trials, default and best."""
    info = front_info(facts, records, measure)
    if not info.front:
        return notice("No complete trial has a score and a cost.")
    drawn = canvas(x=TITLES[measure][0].lower() + TITLES[measure][1:], y=f"dev {facts.metric}")
    drawn.update_layout(margin={"t": 48})
    _add(drawn, info.others, "other complete trials", measure, {"color": STATE_COLOURS["complete"], "size": 7})
    x, y = [point.cost for point in info.front], [point.value for point in info.front]
    drawn.add_scatter(
        x=x, y=y, mode="lines", line={"color": BEST, "width": 2, "shape": "hv"}, hoverinfo="skip", showlegend=False
    )
    _add(drawn, info.front, "front", measure, {"color": BEST, "size": 10})
    if info.default is not None:
        looks = {"color": DEFAULT, "size": 13, "symbol": "diamond-open", "line": {"width": 2.5}}
        _add(drawn, [info.default], "default", measure, looks)
    best = best_trial(records, facts.finalists)
    found = [point for point in (*info.front, *info.others) if best is not None and point.number == best.number]
    _add(drawn, found, "best", measure, {"color": BEST, "size": 17, "symbol": "circle-open", "line": {"width": 2.5}})
    _widen(drawn, [*info.front, *info.others, *([info.default] if info.default else [])])
    return drawn


def _add(drawn: Figure, points: Sequence[CostPoint], name: str, measure: str, looks: dict[str, object]) -> None:
    if points:
        drawn.add_scatter(
            x=[point.cost for point in points], y=[point.value for point in points], mode="markers", name=name,
            marker=looks, text=[f"trial {point.number}: {measure_words(measure, point.cost)}" for point in points],
            hovertemplate="%{text}, %{y:.4f}<extra></extra>",
        )  # fmt: skip


def _widen(drawn: Figure, points: Sequence[CostPoint]) -> None:
    """Leave room where all costs, or all scores, are nearly one."""
    for update, values in (
        (drawn.update_xaxes, [point.cost for point in points]),
        (drawn.update_yaxes, [point.value for point in points]),
    ):
        low, high = min(values), max(values)
        room = max(0.08 * (high - low), 0.02 * abs(high), 1e-3)
        update(range=[low - room, high + room])


for _measure, _title in (
    ("latency", "Score against latency"),
    ("memory", "Score against memory"),
    ("parameters", "Score against size"),
):
    figure(
        title=_title,
        caption="Complete trials, one seed each; one on the front is beaten in score only by what costs more.",
        wanted=_wanted(_measure),
    )(_drawing(_measure))
