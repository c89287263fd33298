"""The parts of report.html, each a function of plain values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from autoft.report.facts import StudyFacts
from autoft.report.figure_infos import Pair, scores_info
from autoft.report.markup import Cell, Html, Row, element, join, sortable_table, table
from autoft.report.words import (
    NOTHING,
    audit_words,
    config_lines,
    count_words,
    duration,
    floor_words,
    gain_words,
    score,
    search_words,
    signed_score,
    states_words,
    stop_words,
    value_words,
)
from autoft.storage.records import TrialRecord

_FRACTIONS = ("precision", "recall", "f1")


def heading(facts: StudyFacts, result: Mapping[str, Any]) -> Html:
    """Return what was searched, in a title and a sentence."""
    data, trials = facts.data, result["trials"]["configurations"]
    what = (
        f"{count_words(trials, 'configuration')} of {facts.model} for {facts.task} on "
        f"{data.origin} ({data.rows}), {count_words(len(facts.space), 'parameter')} varied."
    )
    return element(
        "header",
        element("p", f"autoft · {facts.task}"),
        element("h1", facts.name),
        element("p", what),
    )


def tiles(facts: StudyFacts, result: Mapping[str, Any]) -> Html:
    """Return the few numbers that matter most."""
    best, default, counts = result["best"], result["default"], result["trials"]
    ended = states_words(counts)
    best_score, default_score = _shown_score(best), _shown_score(default)
    gain, checked = None, ""
    if best_score is not None and default_score is not None and best["trial"] != default["trial"]:
        gain = best_score - default_score
        checked = _checked(result)
    found = f"trial {best['trial']}" if best else "nothing completed"
    return element(
        "div",
        _tile(score(best_score), f"best dev {facts.metric} · {found}", "tile best"),
        _tile(score(default_score), f"default dev {facts.metric}"),
        _tile(signed_score(gain), f"gain{checked}"),
        _tile(str(counts["configurations"]), f"tried{ended and ' · '}{ended}"),
        _tile(duration(result["seconds"]["total"]), "in total"),
        kind="tiles",
    )


def summary(facts: StudyFacts, result: Mapping[str, Any], records: Sequence[TrialRecord]) -> Html:
    """Return what was found, in words."""
    leading = gain_words(result), floor_words(result, facts.floor)
    parts = [element("p", words, kind="lead") for words in leading if words]
    if result["finalists"]:
        parts.append(element("p", search_words(result), kind="muted"))
    parts += [element("p", words, kind="muted") for words in (stop_words(result), audit_words(result)) if words]
    default = next((r for r in records if r.number == facts.default_number), None)
    if default is not None and default.state != "complete":
        reached = "" if default.value is None else f" at dev {facts.metric} {score(default.value)}"
        reason = f": {default.reason}" if default.reason else ""
        parts.append(element("p", f"The default is {default.state}{reached}{reason}", kind="muted"))
    if not facts.plain:
        words = "The best model has a head that plain transformers lacks; "
        parts.append(element("p", words, element("code", "autoft.load"), " loads it.", kind="muted"))
    return join(parts)


def best_configuration(result: Mapping[str, Any]) -> Html:
    """Return the best configuration beside the default's, what differs first."""
    if result["best"] is None:
        return element("p", "No configuration was completed.", kind="muted")
    default = (result["default"] or {"config": {}})["config"]
    lines = config_lines(result["best"]["config"], default)
    head = (Cell("parameter"), Cell(f"trial {result['best']['trial']}"), Cell("default"))
    different = [line for line in lines if line.differs]
    same = [line for line in lines if not line.differs]
    parts = []
    if different:
        rows = [
            Row(
                (Cell(one.path, "path"), Cell(one.value, "value"), Cell(one.default, "value old")),
                kind="mark" if one.value != NOTHING else "",
            )
            for one in different
        ]
        parts.append(table(head, rows))
    else:
        parts.append(element("p", "The default itself is the best configuration."))
    if same:
        rows = [Row((Cell(one.path, "path"), Cell(one.value, "value"))) for one in same]
        words = element("summary", f"{count_words(len(same), 'parameter')} as in the default")
        same_table = table((*head[:1], Cell("both" if different else "value")), rows)
        parts.append(element("details", words, same_table) if different else same_table)
    return join(parts)


def label_scores(facts: StudyFacts, records: Sequence[TrialRecord]) -> Html:
    """Return each metric, and each label's metrics, beside the default's."""
    info = scores_info(facts, records)
    best = next((dict(r.metrics) for r in records if r.number == info.best), {})
    columns = [one for one in _FRACTIONS if any(n.startswith(f"{one}.") for n in best)]
    if info.labelled and info.labelled not in columns:
        columns.append(info.labelled)
    if not info.overall:
        return element("p", "No trial was completed.", kind="muted")
    names = (info.labelled or facts.metric, "default", "gain")
    head = [Cell("metric"), *(Cell(name, "number") for name in ("best", "default", "gain"))]
    parts = [table(head, [Row((Cell(one.name), *_pair(one))) for one in info.overall])]
    if info.labels:
        others = [one for one in columns if one != info.labelled]
        head = [Cell("label"), *(Cell(name, "number") for name in (*others, *names, "support"))]
        rows = [
            Row(
                (
                    Cell(pair.name, "label"),
                    *(Cell(score(best.get(f"{one}.{pair.name}")), "number") for one in others),
                    *_pair(pair),
                    Cell(NOTHING if pair.support is None else f"{pair.support:.0f}", "number"),
                )
            )
            for pair in info.labels
        ]
        parts.append(table(head, rows))
    return join(parts)


def chosen(facts: StudyFacts) -> Html:
    """Return what the best owes to dev besides its weights."""
    if not facts.chosen:
        return Html("")
    words = f"Tuned on dev for {facts.metric} beside the weights of the best: {facts.chosen}."
    return element("p", f"{words} Scores on dev are a little flattering for that.", kind="muted")


def test_scores(facts: StudyFacts, result: Mapping[str, Any]) -> Html:
    """Return what the test split said, or that it is sealed."""
    test = result["test"]
    if test is None:
        scored = result["best"] is not None
        return element("p", *_sealed(facts), kind="muted") if scored else Html("")
    best, default = test.get("best") or {}, test.get("default") or {}
    names = [name for name in dict.fromkeys([*best, *default]) if "." not in name]
    rows = [Row((Cell(n), *_pair(Pair(n, best.get(n), default.get(n))))) for n in names]
    head = [Cell("test metric"), *(Cell(name, "number") for name in ("best", "default", "gain"))]
    opened = count_words(len(test.get("opened") or ()), "time")
    words = f"The test split was opened {opened}.{_test_gain(facts.metric, test)}"
    return join([table(head, rows), element("p", words, kind="muted")])


def _test_gain(metric: str, test: Mapping[str, Any]) -> str:
    """Return how sure the gain on the test split is, over its examples."""
    interval = (test.get("ci95") or {}).get("gain", {}).get(metric)
    if interval is None:
        return ""
    low, high = map(signed_score, interval)
    return f" Over its examples the gain in {metric} lies between {low} and {high} (95\N{NO-BREAK SPACE}%, bootstrap)."


def trials(facts: StudyFacts, records: Sequence[TrialRecord], best: int | None) -> Html:
    """Return all trials as a table that can be sorted."""
    head = [
        Cell("trial", "number"),
        Cell("from"),
        Cell("state"),
        Cell(f"dev {facts.metric}", "number"),
        Cell("ninth", "number"),
        Cell("time", "number"),
        Cell("what varies"),
        Cell("why it stopped"),
    ]
    rows = [
        Row(
            (
                Cell(str(one.number), "number"),
                Cell(one.kind or NOTHING),
                Cell(element("span", one.state, kind=f"state {one.state}")),
                Cell(score(one.value), "number", "" if one.value is None else one.value),
                Cell(str(one.evaluations[-1].step) if one.evaluations else NOTHING, "number")
                if one.evaluations
                else Cell(NOTHING, "number", ""),
                Cell(duration(one.seconds), "number", one.seconds),
                Cell(varying_words(facts, one), "value wide"),
                Cell(one.reason or ""),
            ),
            kind="mark" if one.number == best else "",
        )
        for one in records
    ]
    return sortable_table(head, rows) if rows else element("p", "There is no trial.", kind="muted")


def varying_words(facts: StudyFacts, record: TrialRecord) -> str:
    """Return what varies of a configuration in one line: `method lora · rank 8 · …`."""
    return " · ".join(
        f"{one.path.rpartition('.')[2]}\N{NO-BREAK SPACE}{value_words(record.config[one.path])}"
        for one in sorted(facts.space, key=lambda one: one.path != "method")
        if one.path in record.config
    )


def reasons(records: Sequence[TrialRecord]) -> Html:
    """Return why trials ended early, like reasons together."""
    groups: dict[tuple[str, str], list[TrialRecord]] = {}
    for record in records:
        if record.reason:
            # Reasons that differ in their numbers only are one, but the rung counts.
            kind = re.sub(r"(?<!rung )\b\d+(\.\d+)?(e-?\d+)?", "#", record.reason)
            groups.setdefault((record.state, kind), []).append(record)
    if not groups:
        return element("p", "No trial ended early.", kind="muted")
    rows = [
        Row(
            (
                Cell(element("span", state, kind=f"state {state}")),
                Cell(str(len(found)), "number"),
                Cell(found[0].reason or ""),
                Cell(_numbers([one.number for one in found]), "old"),
            )
        )
        for (state, _), found in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    head = [Cell("state"), Cell("trials", "number"), Cell("why (the first of them)"), Cell("which")]
    return table(head, rows)


def parameters(facts: StudyFacts) -> Html:
    """Return what varied and over which values."""
    rows = [Row((Cell(one.path, "path"), Cell(str(one.domain), "value"), Cell(one.when, "old"))) for one in facts.space]
    if not rows:
        return element("p", "Nothing varied.", kind="muted")
    return table([Cell("parameter"), Cell("values"), Cell("where")], rows)


def origin(facts: StudyFacts, result: Mapping[str, Any]) -> Html:
    """Return data, seed and versions."""
    data = facts.data
    seal = "sealed" if result["test"] is None else "opened"
    entries = {
        "base model": str(result["model"]),
        "data": data.origin,
        "rows": f"{data.rows}, " + (f"{data.test} test rows ({seal})" if data.test else "no test rows"),
        "fingerprint": data.fingerprint or NOTHING,
        "seed": str(facts.seed),
        "versions": ", ".join(f"{name} {one}" for name, one in facts.versions.items()) or NOTHING,
    }
    return element("dl", *(part for k, v in entries.items() for part in (element("dt", k), element("dd", v))))


def commands(facts: StudyFacts, result: Mapping[str, Any]) -> Html:
    """Return how to reproduce the result and go on."""
    name = shlex.quote(facts.name)
    more = result["trials"]["configurations"] + 20
    lines = [("autoft dashboard", "look closer")]
    if result["best"] is not None:
        replay = f"autoft replay {name} {result['best']['trial']}"
        lines = [
            (replay, "train the best trial again, evaluation by evaluation"),
            (f"autoft export {name} my-model", "the best model as a folder"),
            (f"autoft test {name}", "open the sealed test split"),
            *lines,
        ]
    lines.append((f"autoft search {facts.task} --study {name} --trials {more}", "search on"))
    return element("pre", "\n\n".join(f"# {why}\n{line}" for line, why in lines))


def _sealed(facts: StudyFacts) -> tuple[str | Html, ...]:
    """Return how far scores on dev can be trusted."""
    trust = "The scores above are from dev, by which the best was chosen, so they are a little too good"
    if facts.data.test is None:
        return (f"There is no test split. {trust}.",)
    command = element("code", f"autoft test {shlex.quote(facts.name)}")
    return f"The test split ({facts.data.test} rows) is sealed. {trust}; ", command, " opens it."


def _tile(number: str, words: str, kind: str = "tile") -> Html:
    return element("div", element("b", number), element("span", words), kind=kind)


def _checked(result: Mapping[str, Any]) -> str:
    seeds = len(result["best"]["dev_seeds"])
    if not seeds or result["gain"] is None:
        return " · one seed, not checked"
    verdict = "more than noise" if result["gain"]["significant"] else "may be noise"
    return f" · {count_words(seeds, 'fresh seed')}, {verdict}"


def _shown_score(entry: Mapping[str, Any] | None) -> float | None:
    if entry is None:
        return None
    found: float | None = entry["dev"] if entry["dev_mean"] is None else entry["dev_mean"]
    return found


def _pair(pair: Pair) -> tuple[Cell, Cell, Cell]:
    """Return a metric's cells: of the best, of the default, and the gain."""
    gain = None
    if pair.best is not None and pair.default is not None and pair.best != pair.default:
        gain = pair.best - pair.default
    kind = "" if not gain else " up" if gain > 0 else " down"
    return (
        Cell(score(pair.best), "number"),
        Cell(score(pair.default), "number old"),
        Cell(signed_score(gain), "number" + kind),
    )


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:12]))
    return shown if len(numbers) <= 12 else f"{shown} …"
