"""What a search ends with: the best against the default, a table by label, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from autoft.api.studies import StudyView
from autoft.cli.options import where
from autoft.cli.tables import config_table, finalist_table, front_table, label_table, overall_table, print_notice
from autoft.report.cost_parts import firm_words
from autoft.report.front import limit_words
from autoft.report.matched import matched_info
from autoft.report.more_data import more_data_words
from autoft.report.words import audit_words, duration, floor_words, gain_words, search_words, stop_words


def print_outcome(console: Console, view: StudyView, result: Mapping[str, Any]) -> None:
    """Print the outcome of a search."""
    counts = result["trials"]
    paused = sum(record.state == "paused" for record in view.records)
    ends = {state: counts[state] for state in ("complete", "pruned", "infeasible", "failed")} | {"paused": paused}
    states = ", ".join(f"{count} {state}" for state, count in ends.items() if count)
    spent = duration(result["seconds"]["total"])
    console.print(f"\n[bold]{counts['configurations']} configurations[/bold] in {spent}: {states}", highlight=False)
    for words in filter(None, (stop_words(result), gain_words(result), audit_words(result))):
        console.print(words, highlight=False, markup=False)
    facts = view.facts
    if words := floor_words(result, facts.floor):
        console.print(words, style="yellow", highlight=False, markup=False)
    if result["finalists"]:
        _print_finalists(console, result)
    for words in limit_words(facts, view.records):
        console.print(words, highlight=False, markup=False)
    best = view.best
    if best is None:
        reasons = {record.reason for record in view.records if record.reason}
        for reason in sorted(reasons)[:5]:
            console.print(f"  {reason}", highlight=False, markup=False)
        return
    default, config = view.trial(0), view.config
    console.print(config_table(best.config, default.config))
    labels = label_table(best.metrics, default.metrics)
    # What has no labels (scores) has several metrics all the same.
    console.print(overall_table(best.metrics, default.metrics) if labels is None else labels)
    for measure in facts.aims.minimize:
        console.print(front_table(measure, result["front"][measure], view.records, config.metric))
    for comparison in matched_info(facts, view.records):
        for words in firm_words(facts, comparison):
            console.print(words, highlight=False, markup=False)
    print_next(console, view)


def _print_finalists(console: Console, result: Mapping[str, Any]) -> None:
    console.print(search_words(result), highlight=False, markup=False)
    console.print(finalist_table(result))
    for mishap in result["finalists"]["mishaps"]:
        print_notice(console, mishap)
    console.print(more_data_words(result), highlight=False, markup=False)


def print_next(console: Console, view: StudyView) -> None:
    """Print what may be typed next."""
    config = view.config
    there = [config.name, *where(config.storage.folder, config.storage.url)]
    console.print(f"model   {view.best_folder}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"report  {view.files.folder / 'report.html'}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    steps = [("score the test split, once", ["autoft", "test", *there])] if view.files.data_facts()["test"] else []
    steps += [
        (
            "find entities in your text" if config.task == "ner" else "predict",
            ["autoft", "predict", *there, "TEXT.txt"],
        ),
        ("copy the model", ["autoft", "export", config.name, "my-model", *there[1:]]),
        ("look at all trials", ["autoft", "dashboard", *there[1:]]),
    ]
    for what, words in steps:
        console.print(f"  {shlex.join(words):<52} {what}", highlight=False, markup=False, soft_wrap=True)
