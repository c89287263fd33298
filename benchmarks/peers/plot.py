"""The plot of the race, as an SVG whose colours can be read on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.peers.contenders import AUTOFT
from benchmarks.peers.log import Evaluation, Run
from benchmarks.peers.retraining import key_of

_COLOURS = ("#2f81f7", "#e0701a", "#a371f7", "#2da44e")
_GREY = "#7d8590"
_WIDTH, _HEIGHT, _COLUMNS = 440, 270, 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 30, 40
_LEGEND, _LEGEND_WIDTH = 66, 280


@dataclass(frozen=True, slots=True)
class Panel:
    """One search of each contender.

    Attributes:
        title: Data set and seed.
        runs: Contender -> its search.
        means: Re-trained mean of each configuration that was trained again, by `key_of`.
    """

    title: str
    runs: Mapping[str, Run]
    means: Mapping[str, float]

    def dots(self, name: str) -> list[tuple[float, float]]:
        """Return re-trained means, and after how many seconds: of autoft's incumbents, and of a peer's final one."""
        found = self.runs[name].incumbents
        # Peers draw alike: what one of them ends with may be what another once had.
        counted = {key_of(one.config): one for one in reversed(found)}.values() if name == AUTOFT else found[-1:]
        return [(one.seconds, self.means[key_of(one.config)]) for one in counted]


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    top: float

    def x(self, seconds: float) -> float:
        share = math.log(seconds / self.low) / math.log(self.high / self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self.top * (_HEIGHT - _TOP - _BOTTOM)


def draw(panels: Sequence[Panel], words: Mapping[str, str]) -> str:
    """Return the plot.

    Args:
        panels: Two beside each other, then below.
        words: Contender -> what it is called; autoft first.
    """
    rows = math.ceil(len(panels) / _COLUMNS)
    width, height = max(_WIDTH * min(len(panels), _COLUMNS), 2 * _LEGEND_WIDTH), _HEIGHT * rows + _LEGEND
    scale = _scale(panels)
    colours = dict(zip(words, _COLOURS, strict=False))
    body = [_panel(panel, scale, colours, place) for place, panel in enumerate(panels)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="sans-serif" font-size="12" fill="{_GREY}">',
            *body,
            _legend(words, colours, _HEIGHT * rows),
            "</svg>\n",
        ]
    )


def _scale(panels: Sequence[Panel]) -> _Scale:
    runs = [run for panel in panels for run in panel.runs.values()]
    seconds = [one.seconds for run in runs for one in run.incumbents]
    values = [one.value for run in runs for one in run.incumbents]
    values += [value for panel in panels for name in panel.runs for _, value in panel.dots(name)]
    top = math.ceil(max([*values, 0.05]) * 20 + 0.5) / 20
    end = max(run.seconds for run in runs)
    return _Scale(0.9 * min(seconds, default=end / 10), 1.05 * end, top)


def _panel(panel: Panel, scale: _Scale, colours: Mapping[str, str], place: int) -> str:
    left, top = _WIDTH * (place % _COLUMNS), _HEIGHT * (place // _COLUMNS)
    marks = [
        mark for name in reversed(tuple(colours)) if name in panel.runs for mark in _run(panel, name, scale, colours)
    ]
    title = f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(panel.title)}</text>'
    return "\n".join([f'<g transform="translate({left},{top})">', title, *_axes(scale), *marks, "</g>"])


def _axes(scale: _Scale) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    step = 0.1 if scale.top > 0.3 else 0.05 if scale.top > 0.15 else 0.02
    found = []
    for number in range(int(scale.top / step + 1e-9) + 1):
        y = scale.y(number * step)
        found += [
            f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{_GREY}" stroke-opacity="0.25"/>',
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number * step:.2f}</text>',
        ]
    for seconds in _ticks(scale):
        x = scale.x(seconds)
        found += [
            f'<path d="M{x:.1f} {bottom}v4" stroke="{_GREY}"/>',
            f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{seconds:,}</text>',
        ]
    found.append(f'<text x="{(_LEFT + right) / 2}" y="{bottom + 33}" text-anchor="middle">seconds, whole clock</text>')
    return found


def _ticks(scale: _Scale) -> list[int]:
    decades = range(int(math.log10(scale.low)), int(math.log10(scale.high)) + 1)
    found = [part * 10**decade for decade in decades for part in (1, 2, 5)]
    return [one for one in found if scale.low <= one <= scale.high]


def _run(panel: Panel, name: str, scale: _Scale, colours: Mapping[str, str]) -> list[str]:
    run, colour = panel.runs[name], colours[name]
    first = name == AUTOFT
    found = [
        f'<path d="{_steps(run.incumbents, run.seconds, scale)}" fill="none" stroke="{colour}" '
        f'stroke-width="{2.5 if first else 1.5}"/>'
    ]
    for seconds, mean in panel.dots(name):
        x, y = scale.x(seconds), scale.y(mean)
        if not first:
            # What autoft must reach, from the left to the peer's final incumbent.
            found.append(f'<path d="M{_LEFT} {y:.1f}H{x:.1f}" stroke="{colour}" stroke-dasharray="2 4"/>')
        found.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if first else 5}" fill="{colour}"/>')
    return found


def _steps(incumbents: Sequence[Evaluation], end: float, scale: _Scale) -> str:
    if not incumbents:
        return ""
    first, *others = incumbents
    path = f"M{scale.x(first.seconds):.1f} {scale.y(first.value):.1f}"
    path += "".join(f"H{scale.x(one.seconds):.1f}V{scale.y(one.value):.1f}" for one in others)
    return f"{path}H{scale.x(max(end, first.seconds)):.1f}"


def _legend(words: Mapping[str, str], colours: Mapping[str, str], top: float) -> str:
    found = []
    for place, (name, said) in enumerate(words.items()):
        x, y = _LEFT + _LEGEND_WIDTH * (place % 2), top + 16 + 18 * (place // 2)
        found += [
            f'<path d="M{x} {y - 4}h18" stroke="{colours[name]}" stroke-width="3"/>',
            f'<text x="{x + 24}" y="{y}">{escape(said)}</text>',
        ]
    said = "lines: best dev score so far; dots: what that configuration reaches on fresh seeds, on average"
    return "\n".join([*found, f'<text x="{_LEFT}" y="{top + 56}">{said}</text>'])
