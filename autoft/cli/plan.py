"""The plan of a search, for people and for machines."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from autoft.api.opening import Opening
from autoft.api.searching import Plan
from autoft.cli.tables import plain_table
from autoft.report.words import duration

_EARLY = {"promotion": "; most pause early and stay so", "full": ""}


def print_plan(console: Console, opening: Opening, plan: Plan) -> None:
    """Print what is searched, what varies, and what it costs at most."""
    config, counts = opening.config, opening.data.counts
    lines = {
        "study": f"{config.name}{' (resumed)' if opening.resumed else ''} in {config.storage.folder}/",
        "model": "; ".join(plan.models),
        "data": f"{opening.data.origin}: {counts['train']} train, {counts['dev']} dev, {counts['test']} test",
        "labels": ", ".join(dict.fromkeys(label.partition("-")[2] or label for label in opening.data.labels[1:])),
        "metric": f"{config.metric} on dev",
        "default": f"trains {plan.trains}",
        "device": f"{config.compute.device}, {_count(config.budget.workers, 'worker')}, "
        f"{_count(config.compute.threads, 'thread')} each",
        "memory": f"about {plan.memory_mib / 1024:.1f} GiB a worker",
        "time": _time(opening, plan),
    }
    for name, text in lines.items():
        console.print(f"[bold]{name:<8}[/bold]", end="")
        console.print(text, highlight=False, markup=False)
    table = plain_table("parameter", "values", "only where")
    for path, domain, when in opening.space.summary():
        table.add_row(path, Text(domain), when)
    console.print(table)
    for notice in plan.notices:
        console.print(f"note: {notice}", style="yellow", highlight=False, markup=False)


def plan_json(opening: Opening, plan: Plan) -> dict[str, Any]:
    """Return the plan for machines."""
    config = opening.config
    return {
        "study": config.name,
        "resumed": opening.resumed,
        "task": config.task,
        "metric": config.metric,
        "models": list(plan.models),
        "data": {
            "origin": opening.data.origin,
            **opening.data.counts,
            "fingerprint": config.fingerprint,
        },
        "parameters": [
            {"path": path, "values": domain, "when": when} for path, domain, when in opening.space.summary()
        ],
        "notices": list(plan.notices),
        "seconds": {
            "default": plan.default_seconds,
            "longest": plan.longest_seconds,
            "most": plan.total_seconds(config.budget.trials, config.budget.workers),
        },
        "memory_mib": plan.memory_mib,
    }


def _time(opening: Opening, plan: Plan) -> str:
    budget = opening.config.budget
    most = plan.total_seconds(budget.trials, budget.workers)
    limit = "" if budget.timeout is None else f", stopped after {duration(budget.timeout)}"
    early = _EARLY.get(opening.config.compute.pruner, "; most are stopped early")
    return (
        f"default {duration(plan.default_seconds)}, at most {duration(most)} for "
        f"{_count(budget.trials, 'configuration')}{limit}{early}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
