"""report.html, read by a parser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from autoft.report import page_parts
from autoft.report.facts import Finalists
from autoft.report.figures import FIGURES
from autoft.report.notes import note
from autoft.report.page import render_page, write_page
from autoft.report.result import build_result
from autoft.study.aims import MEASURES, AimsConfig

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Reader(HTMLParser):
    """Collects tags, visible text and figures, and checks that elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.figures: list[dict[str, Any]] = []
        self._open: list[str] = []
        self._json = False
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._json = dict(attrs).get("type") == "application/json"
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            if self._json:
                self.figures.append(json.loads(data))
        elif not self._open or self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(facts: Any, records: Any, **more: Any) -> Reader:
    return Reader(render_page(facts, records, build_result(facts, records, **more)))


@pytest.mark.parametrize("trials", [0, 1, 30])
def test_page_holds_every_figure(trials: int, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(trials)
    facts = replace(facts, aims=AimsConfig(minimize=MEASURES))
    page = read(facts, records)
    places = [attrs["id"] for tag, attrs in page.tags if attrs.get("class") == "plot"]
    assert places == list(FIGURES)
    assert len(page.figures) == len(places)


def test_page_fetches_nothing(make_study: Callable[..., Any]) -> None:
    page = read(*make_study(30))
    assert not any({"src", "href"} & set(attrs) for _, attrs in page.tags)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_plotly_stands_in_the_page_once(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    page = render_page(facts, records, build_result(facts, records))
    assert len(re.findall(r"plotly\.js v\d", page)) == 1
    assert len(page) < 6_000_000


def test_users_text_is_escaped_everywhere(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(12)
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'"
    facts = replace(
        facts,
        name=evil,
        metric=evil,
        model=evil,
        data=replace(facts.data, origin=evil, fingerprint=evil),
        versions={evil: evil},
    )
    records = [
        replace(
            one,
            reason=evil,
            config={**one.config, "model": evil, "method": evil, evil: evil},
            metrics={f"f1.{evil}": 0.5, f"support.{evil}": 3.0, evil: 0.5},
        )
        for one in records
    ]
    page = read(facts, records, test={"best": {evil: 0.5}, "default": {}, "opened": [1]})
    plain = read(*make_study(12))
    count = [tag for tag, _ in page.tags].count
    assert count("script") == [tag for tag, _ in plain.tags].count("script")
    assert count("img") == 0
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "<script>alert(1)</script>" in page.text


def test_page_says_that_the_gain_is_not_checked(make_study: Callable[..., Any]) -> None:
    page = read(*make_study(30))
    assert "not yet checked on fresh seeds" in page.text
    assert "one seed, not checked" in page.text


def test_page_says_what_the_finalists_found(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    best = build_result(facts, records)["best"]["trial"]
    finalists = Finalists(scores={0: (0.40, 0.41, 0.42), best: (0.50, 0.52, 0.51)})
    page = read(replace(facts, finalists=finalists), records)
    assert "This is more than noise." in page.text
    assert "gain · 3 fresh seeds, more than noise" in page.text
    assert f"The search's own score of trial {best}" in page.text


def test_page_shows_each_finalist_and_each_mishap(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    one = build_result(facts, records)["best"]["trial"]
    finalists = Finalists(
        scores={0: (0.40, 0.41), one: (0.2, 0.0)},
        seeds=(1, 2),
        asked=5,
        mishaps=("trial 7, seed 2: pruned, <b>why</b>",),
    )
    text = read(replace(facts, finalists=finalists), records).text
    assert "0.4050" in text
    assert "−0.3050" in text
    assert "may be noise" in text
    assert "trial 7, seed 2: pruned, <b>why</b>." in text
    assert "The time was over after 2 of 5 seeds." in text


def test_page_says_that_the_search_did_not_beat_its_default(
    make_study: Callable[..., Any],
) -> None:
    facts, records = make_study(12)
    weaker = [records[0], *(replace(one, value=0.01) for one in records[1:])]
    assert "None of 11 other configurations beat the default" in read(facts, weaker).text


def test_page_says_why_the_default_is_missing(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(12)
    failed = replace(records[0], state="failed", value=None, reason="the disk is full")
    page = read(facts, [failed, *records[1:]])
    assert "The default is failed: the disk is full" in page.text


def test_page_names_the_commands_that_reproduce_it(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    text = read(replace(facts, name="my study"), records).text
    best = build_result(facts, records)["best"]["trial"]
    assert f"autoft replay 'my study' {best}" in text
    assert "autoft search ner --study 'my study' --trials 50" in text


def test_page_and_note_say_that_nothing_was_learned(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(8)
    result = build_result(facts, records)
    for floor, said in ((1.0, True), (0.0, False)):
        known = replace(facts, floor=floor)
        assert ("Nothing was learned" in read(known, records).text) is said
        assert ("Nothing was learned" in note(known, records, result)) is said


def test_page_says_what_was_tuned_on_dev(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(8)
    words = "the probability above which a label is predicted (0.3100 of <i>, 0.5000 of b)"
    text = read(replace(facts, chosen=words), records).text
    assert f"Tuned on dev for f1 beside the weights of the best: {words}. Scores on dev are a little flattering" in text
    assert "Tuned on dev" not in read(facts, records).text


def test_test_split_is_called_sealed_until_it_is_opened(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    opened = {"best": {"f1": 0.44}, "default": {"f1": 0.41}, "opened": ["2026-03-02"]}
    sealed = read(facts, records).text
    assert "is sealed" in sealed
    assert "test rows (sealed)" in sealed
    once = read(facts, records, test=opened).text
    assert "The test split was opened 1 time" in once
    assert "(sealed)" not in once
    bare = read(replace(facts, data=replace(facts.data, test=None)), records).text
    assert "There is no test split" in bare
    assert "no test rows" in bare


def test_like_reasons_stand_together_rung_by_rung(make_study: Callable[..., Any]) -> None:
    _, records = make_study(3)
    words = ["rung 1: place 4 of 9", "rung 1: place 7 of 12", "rung 3: place 4 of 9"]
    given = [replace(one, state="pruned", reason=why) for one, why in zip(records, words, strict=True)]
    assert str(page_parts.reasons(given)).count("<tr>") == 1 + 2


def test_page_is_written(make_study: Callable[..., Any], tmp_path: Path) -> None:
    facts, records = make_study(2)
    write_page(tmp_path / "report.html", facts, records, build_result(facts, records))
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_report_is_imported_without_anything_heavy() -> None:
    code = (
        "import sys, autoft.report.page, autoft.report.notes, autoft.report.dashboard, "
        "autoft.report.frames; print(sorted({'torch', 'transformers', 'pandas', 'plotly', "
        "'optuna_dashboard'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert out.stdout.strip() == "[]"


def test_words_are_imported_without_optuna() -> None:
    code = "import sys, autoft.report.words; print('optuna' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert out.stdout.strip() == "False"
