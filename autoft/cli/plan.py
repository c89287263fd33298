"""The plan of a search, for people and for machines."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from autoft.api.opening import Opening
from autoft.api.searching import Plan
from autoft.cli.tables import plain_table, print_notice
from autoft.report.front import cost_words
from autoft.report.words import count_words, duration
from autoft.study.aims import measure_words
from autoft.study.final_choice import half_count
from autoft.study.portfolio import PortfolioConfig
from autoft.study.rows import POOL

_SHOWN_LABELS = 20
_EARLY = {"promotion": "; most pause early and stay so", "full": ""}


def print_plan(console: Console, opening: Opening, plan: Plan) -> None:
    """Print what is searched, what varies, and what it costs at most."""
    config, counts = opening.config, opening.data.counts
    lines = {
        "study": f"{config.name}{' (resumed)' if opening.resumed else ''} in {config.storage.folder}/",
        "model": "; ".join(plan.models),
        "data": f"{opening.data.origin}: {counts['train']} train, {counts['dev']} dev, {counts['test']} test",
        "folds": _folds(opening),
        "labels": _labels(opening),
        "metric": f"{config.metric} on dev",
        "default": f"trains {plan.trains}",
        "first": first_words(config.portfolio),
        "costs": f"{cost_words(plan.measures)}, for the default",
        "limits": ", ".join(
            f"{name} at most {measure_words(name, limit)}" for name, limit in config.aims.limits.items()
        ),
        "front": f"{config.metric} against {', '.join(config.aims.minimize)}" if config.aims.minimize else "",
        "device": f"{config.compute.device}, {count_words(config.budget.workers, 'worker')}, "
        f"{count_words(config.compute.threads, 'thread')} each",
        "memory": f"about {plan.memory_mib / 1024:.1f} GiB a worker",
        "time": _time(opening, plan),
        "audit": _audit(opening, plan),
        "finals": _finalists(opening, plan),
        "more": _halves(opening, plan),
    }
    if config.budget.timeout is not None:
        lines["limit"] = _limit(config.budget.timeout)
    for name, text in lines.items():
        if not text:
            continue
        console.print(f"[bold]{name:<8}[/bold]", end="")
        console.print(text, highlight=False, markup=False)
    table = plain_table("parameter", "values", "only where")
    for path, domain, when in opening.space.summary():
        table.add_row(path, Text(domain), when)
    console.print(table)
    for notice in plan.notices:
        print_notice(console, notice)


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
            "folds": config.data.folds,
        },
        "parameters": [
            {"path": path, "values": domain, "when": when} for path, domain, when in opening.space.summary()
        ],
        "first": [
            {"from": origin, "configuration": dict(one)}
            for origin, one in zip(config.portfolio.origins, config.portfolio.first, strict=True)
        ],
        "notices": list(plan.notices),
        "seconds": {
            "default": plan.default_seconds,
            "longest": plan.longest_seconds,
            "audit": plan.audit_seconds(config.budget),
            "finalists": plan.finalist_seconds(config.budget),
            "more_data": plan.half_seconds(config.budget),
            "most": plan.total_seconds(config.budget.trials, config.budget.workers)
            + plan.audit_seconds(config.budget)
            + plan.finalist_seconds(config.budget)
            + plan.half_seconds(config.budget),
        },
        "memory_mib": plan.memory_mib,
        "default": dict(plan.measures),
        "limits": config.aims.limits,
    }


def first_words(portfolio: PortfolioConfig) -> str:
    """Return what is tried right after the default, in words; empty where nothing is."""
    counts = {origin: portfolio.origins.count(origin) for origin in dict.fromkeys(portfolio.origins)}
    words = ", ".join(f"{count} from {origin}" for origin, count in counts.items())
    if not counts:
        return ""
    sources = f" (chosen with {', '.join(portfolio.sources)} in view)" if portfolio.sources else ""
    return f"then {count_words(len(portfolio.first), 'configuration')}: {words}{sources}"


def _labels(opening: Opening) -> str:
    data = opening.data
    names = list(data.task.label_counts(data.rows(POOL) if data.folds else data.examples["train"]))
    more = len(names) - _SHOWN_LABELS
    return ", ".join(names[:_SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")


def _time(opening: Opening, plan: Plan) -> str:
    budget = opening.config.budget
    most = plan.total_seconds(budget.trials, budget.workers)
    early = _EARLY.get(opening.config.compute.pruner, "; most are stopped early")
    stop = "; fewer where the search stands still" if budget.stop else ""
    return (
        f"default {duration(plan.default_seconds)}, at most {duration(most)} for "
        f"{count_words(budget.trials, 'configuration')}{early}{stop}"
    )


def _audit(opening: Opening, plan: Plan) -> str:
    budget = opening.config.budget
    seconds = plan.audit_seconds(budget)
    if budget.audit is None or not seconds:
        return ""
    return (
        f"then some of what was pruned is finished, for {budget.audit:.0%} of the epochs so far but at least one, "
        f"at most {duration(seconds)}"
    )


def _finalists(opening: Opening, plan: Plan) -> str:
    budget = opening.config.budget
    seconds = plan.finalist_seconds(budget)
    if not seconds:
        return "none: the winner is not checked on fresh seeds"
    rivals = min(budget.finalists, budget.trials - 1)
    return (
        f"then the best {rivals} and the default again on {count_words(budget.seeds, 'fresh seed')}, "
        f"{count_words((rivals + 1) * budget.seeds, 'training')}, at most {duration(seconds)}"
    )


def _halves(opening: Opening, plan: Plan) -> str:
    budget = opening.config.budget
    seconds = plan.half_seconds(budget)
    if not seconds:
        return ""
    return (
        f"then the winner on half of its rows, {count_words(half_count(budget), 'training')}, at most "
        f"{duration(seconds)}: would more data help?"
    )


def _folds(opening: Opening) -> str:
    count = opening.config.data.folds
    if count is None:
        return ""
    rows = opening.data.counts["train"] + opening.data.counts["dev"]
    return (
        f"the {rows} rows of train and dev in {count}: a trial trains {count} models, each on the other folds, and has "
        f"one score over all rows; best/ is the model of fold 1, which knows {rows - len(opening.data.folds[0])} rows"
    )


def _limit(timeout: float) -> str:
    return f"all ends after {duration(timeout)}; trials end earlier, so that what follows them fits"
