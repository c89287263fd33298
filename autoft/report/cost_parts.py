"""The parts of report.html on what things cost: limits, fronts, and what each choice costs or saves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autoft.report.facts import StudyFacts
from autoft.report.front import TITLES, front_info, limit_words
from autoft.report.markup import Cell, Html, Row, element, join, table
from autoft.report.matched import PAIRS_NEEDED, Comparison, Difference, matched_info
from autoft.report.words import NOTHING, count_words, score, signed_score, value_words
from autoft.storage.records import TrialRecord
from autoft.study.aims import MEASURES, measure_words

_SPACE = "\N{NO-BREAK SPACE}"


def limits(facts: StudyFacts, records: Sequence[TrialRecord]) -> Html:
    """Return what limits ruled out, in words; nothing where there are none."""
    return join(element("p", words, kind="muted") for words in limit_words(facts, records))


def fronts(facts: StudyFacts, records: Sequence[TrialRecord], best: int | None) -> Html:
    """Return the trials on the front of each measure that is minimized."""
    return join(
        element("section", element("h3", TITLES[measure]), _front(facts, records, measure, best), kind="card")
        for measure in facts.aims.minimize
    )


def _front(facts: StudyFacts, records: Sequence[TrialRecord], measure: str, best: int | None) -> Html:
    info = front_info(facts, records, measure)
    if not info.front:
        return element("p", "No complete trial has a score and a cost.", kind="muted")
    configs = {record.number: record for record in records}
    marks = {facts.default_number: "default"} | ({} if best is None else {best: "best"})
    head = [
        *(Cell(name, "number") for name in ("trial", f"dev {facts.metric}", measure)),
        *(Cell(name, "number") for name in MEASURES if name != measure),
        Cell("method"),
        Cell(""),
    ]
    shown = [*info.front, *([info.default] if info.default and info.default not in info.front else [])]
    rows = [
        Row(
            (
                Cell(str(point.number), "number"),
                Cell(score(point.value), "number"),
                Cell(measure_words(measure, point.cost), "number"),
                *(
                    Cell(measure_words(name, configs[point.number].facts.get(name)), "number")
                    for name in MEASURES
                    if name != measure
                ),
                Cell(str(configs[point.number].config.get("method", NOTHING)), "value"),
                Cell(marks.get(point.number, "") if point in info.front else "the default, not on the front", "old"),
            ),
            kind="mark" if point.number == best else "",
        )
        for point in shown
    ]
    words = (
        f"{count_words(len(info.front), 'trial')} of {len(info.front) + len(info.others)} complete ones: "
        f"any other costs more {measure}, or scores no better. One seed each."
    )
    return join([element("p", words, kind="caption"), table(head, rows)])


def comparisons(facts: StudyFacts, records: Sequence[TrialRecord]) -> Html:
    """Return what each choice costs or saves, as a table, and what of it is firm, in words."""
    found = matched_info(facts, records)
    if not found:
        return element("p", "No choice was made both ways by complete trials: no statement.", kind="muted")
    firm = [words for one in found for words in firm_words(facts, one)]
    ready = [one for one in found if one.pairs >= PAIRS_NEEDED]
    lead = firm or [
        "Nothing is firm: each difference in the score may be noise."
        if ready
        else f"Too few pairs for any statement: {PAIRS_NEEDED} are needed."
    ]
    head = [
        Cell("compared"),
        *(Cell(name, "number") for name in ("pairs", f"dev {facts.metric}", "memory", "time")),
    ]
    rows = [
        Row(
            (
                Cell(join([element("b", _named(one.one)), f" against {_named(one.other)}", _of(one)])),
                Cell(str(one.pairs), "number"),
                *(
                    _cell(one, difference, ratio=ratio)
                    for difference, ratio in ((one.score, False), (one.memory, True), (one.seconds, True))
                ),
            )
        )
        for one in found
    ]
    how = (
        f"Complete trials that differ in one choice, matched on everything else; 95{_SPACE}% intervals, all of them "
        "together. Grey may be noise."
    )
    return join([element("p", how, kind="caption"), *(element("p", words) for words in lead), table(head, rows)])


def firm_words(facts: StudyFacts, one: Comparison) -> list[str]:
    """Return a sentence for a comparison of which something is firm; nothing where nothing is."""
    said = [
        f"{name} {words}"
        for name, words in (
            (f"dev {facts.metric}", _score_words(one.score)),
            ("memory", _ratio_words(one.memory)),
            ("time", _ratio_words(one.seconds)),
        )
        if words
    ]
    if not said:
        return []
    compared = f"{one.choice} {_named(one.one)} against {_named(one.other)}"
    return [f"{compared}: {', '.join(said)}; {count_words(one.pairs, 'matched pair')}."]


def _score_words(difference: Difference | None) -> str:
    if difference is None or not difference.firm:
        return ""
    return f"{signed_score(difference.mean)} ({signed_score(difference.low)} to {signed_score(difference.high)})"


def _ratio_words(difference: Difference | None) -> str:
    if difference is None or not difference.firm:
        return ""
    return f"{_percent(difference.mean)} ({_percent(difference.low)} to {_percent(difference.high)})"


def _cell(one: Comparison, difference: Difference | None, *, ratio: bool) -> Cell:
    if difference is None:
        return Cell("no statement" if one.pairs < PAIRS_NEEDED else NOTHING, "number old")
    spell = _percent if ratio else signed_score
    words = f"{spell(difference.low)} to {spell(difference.high)}"
    good = difference.mean < 0 if ratio else difference.mean > 0
    kind = f"number {'up' if good else 'down'}" if difference.firm else "number old"
    return Cell(join([element("b", spell(difference.mean)), Html("<br>"), words]), kind)


def _percent(logarithm: float) -> str:
    share = math.expm1(logarithm)
    return f"{'+' if share >= 0 else '−'}{abs(share):.0%}".replace("%", f"{_SPACE}%")


def _named(value: str) -> str:
    """Return a base model by the last part of its folder, anything else as it is."""
    return value.rstrip("/").rpartition("/")[2] or value_words(value)


def _of(one: Comparison) -> Html:
    return element("span", f" {one.choice}", kind="muted")
