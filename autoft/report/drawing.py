"""What all figures share: the registry, colours that work on light and dark, axes, and notices."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from autoft.report.facts import StudyFacts
from autoft.storage.records import TrialRecord

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Width = Literal["half", "full"]
Draw = Callable[[StudyFacts, Sequence[TrialRecord]], "Figure"]

# Okabe and Ito's colours, which colour-blind people can tell apart.
STATE_COLOURS = {
    "complete": "#2382c4",
    "pruned": "#98a3ae",
    "paused": "#62b7ea",
    "running": "#1fa37c",
    "infeasible": "#cc79a7",
    "failed": "#d9541e",
}
BEST = "#e2861a"
DEFAULT = "#7f8c9b"
PALE = "rgba(140,152,164,0.6)"
_TEXT = "#6f7c8a"
_GRID = "rgba(128,138,148,0.22)"


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure of the report.

    Attributes:
        name: Its name in files, page and dashboard.
        title: Its heading.
        caption: How to read it, in one sentence.
        draw: Makes it.
        width: `half` or `full`, of a page.
        wanted: Whether a study asks for it.
    """

    name: str
    title: str
    caption: str
    draw: Draw
    width: Width
    wanted: Callable[[StudyFacts], bool]


FIGURES: dict[str, FigureKind] = {}


def _always(facts: StudyFacts) -> bool:
    del facts
    return True


def figure(
    *, title: str, caption: str, width: Width = "half", wanted: Callable[[StudyFacts], bool] = _always
) -> Callable[[Draw], Draw]:
    """Register the decorated function as a figure, under its own name with hyphens.

    The function must draw for studies without trials, with one, and with failed ones alone.
    """

    def register(draw: Draw) -> Draw:
        name = draw.__name__.replace("_", "-")
        if name in FIGURES:
            raise ValueError(f"figure {name!r} is registered already")
        FIGURES[name] = FigureKind(name, title, caption, draw, width, wanted)
        return draw

    return register


def wanted_figures(facts: StudyFacts) -> tuple[FigureKind, ...]:
    """Return the figures that a study's report holds."""
    return tuple(kind for kind in FIGURES.values() if kind.wanted(facts))


def safe(text: object) -> str:
    """Return text that plotly shows as it stands: plotly reads HTML tags in labels."""
    return html.escape(str(text), quote=False)


def canvas(*, height: int = 360, x: str = "", y: str = "") -> Figure:
    """Return an empty figure with autoft's look.

    Args:
        height: In pixels; the width is the page's.
        x: Title of the horizontal axis.
        y: Title of the vertical axis.
    """
    from plotly import graph_objects as go

    axis = {"gridcolor": _GRID, "zeroline": False, "linecolor": _GRID, "automargin": True}
    return go.Figure(
        layout={
            "template": go.layout.Template(),
            "height": height,
            "margin": {"l": 60, "r": 20, "t": 36, "b": 48},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": _TEXT},
            "hoverlabel": {"align": "left"},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _GRID, "activecolor": _TEXT},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": {**axis, "title": {"text": safe(x), "font": {"size": 13}}},
            "yaxis": {**axis, "title": {"text": safe(y), "font": {"size": 13}}},
        }
    )


def notice(words: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    drawn = canvas(height=120)
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False)
    drawn.add_annotation(text=safe(words), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    return drawn


def level(drawn: Figure, value: float, words: str) -> None:
    """Draw a dashed line at the default's value, named in the legend."""
    drawn.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=value, y1=value,
        line={"color": DEFAULT, "dash": "dash", "width": 1.5}, layer="below",
    )  # fmt: skip
    # A shape has no place in the legend of older readers, a trace without points has.
    drawn.add_scatter(
        x=[None], y=[None], mode="lines", name=safe(words), hoverinfo="skip",
        line={"color": DEFAULT, "dash": "dash", "width": 1.5},
    )  # fmt: skip


def marker(state: str, **more: Any) -> dict[str, Any]:
    """Return how a trial of a state is marked: filled where it was completed, hollow elsewhere."""
    shape = "circle" if state == "complete" else "circle-open"
    return {"color": STATE_COLOURS[state], "symbol": shape, "size": 8, **more}
