"""How numbers, durations, configurations and gains are written for people."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autoft.space.domains import Scalar, same, spell

NOTHING = "–"
# Two sums over the same rows in another order differ by less.
_NO_MORE = 1e-9


class ConfigLine(NamedTuple):
    """One parameter of a configuration beside the default's.

    Attributes:
        path: The parameter.
        value: Its value, in words.
        default: The default's, in words.
        differs: Whether the two are unlike.
    """

    path: str
    value: str
    default: str
    differs: bool


def duration(seconds: float | None) -> str:
    """Return a time in at most two units: `4.2s`, `48s`, `4m 10s`, `2h 05m`, `3d 04h`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    hours = round(seconds / 3600)
    return f"{hours // 24}d {hours % 24:02d}h"


def score(value: float | None) -> str:
    """Return a metric: four decimals where it is a share, two where it goes to 100."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"


def signed_score(value: float | None) -> str:
    """Return a difference of metrics with its sign."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return ("+" if value >= 0 else "−") + score(abs(value))


def value_words(value: Scalar | None) -> str:
    """Return a parameter's value, floats with four significant digits; `–` where it has none."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return re.sub(r"e([+-])0*(?=\d)", lambda found: "e" + found[1].strip("+"), f"{value:.4g}")
    return spell(value)


def trial_name(number: int, default: int | None = 0) -> str:
    """Return what a trial is called: `default`, or `trial 7`."""
    return "default" if number == default else f"trial {number}"


def count_words(count: int, noun: str) -> str:
    """Return a count with its noun: `1 trial`, `3 trials`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def states_words(counts: Mapping[str, int]) -> str:
    """Return what became of the configurations, from the `trials` of result.json: `3 complete, 5 pruned`."""
    states = {state: counts[state] for state in ("complete", "pruned", "failed", "infeasible")}
    # A search that is not at its end has more configurations than ends.
    states["paused or running"] = counts["configurations"] - sum(states.values())
    return ", ".join(f"{count} {state}" for state, count in states.items() if count)


def config_lines(config: Mapping[str, Scalar], default: Mapping[str, Scalar]) -> tuple[ConfigLine, ...]:
    """Return every parameter of either configuration, in the order of `config`."""
    return tuple(_config_line(path, config.get(path), default.get(path)) for path in dict.fromkeys([*config, *default]))


def gain_words(result: Mapping[str, Any]) -> str:
    """Return what the search gained over the default, honestly, from the content of result.json."""
    best, default = result["best"], result["default"]
    metric = f"dev {result['metric']}"
    if best is None:
        return _without_best(default, metric)
    if default is None or default["dev"] is None:
        return (
            f"Trial {best['trial']} reached {metric} {score(best['dev'])}. The default "
            "configuration was not completed, so there is nothing to compare it with."
        )
    if result["gain"] is not None:
        return _checked_gain(result, metric)
    if best["trial"] == default["trial"]:
        rivals = result["trials"]["configurations"] - 1
        if not rivals:
            return f"The default reached {metric} {score(best['dev'])}; nothing else was tried."
        return (
            f"None of {count_words(rivals, 'other configuration')} beat the default, which "
            f"reached {metric} {score(best['dev'])}."
        )
    return (
        f"Trial {best['trial']} reached {metric} {score(best['dev'])}, the default "
        f"{score(default['dev'])}: {_gain(best['dev'] - default['dev'], default['dev'])}. "
        "One seed each; not yet checked on fresh seeds."
    )


def floor_words(result: Mapping[str, Any], floor: float | None) -> str:
    """Return that nothing was learned, where the best is no better than one answer for every row; else empty.

    Args:
        result: The content of result.json.
        floor: What the best of such answers scores on dev; None where it is not known.
    """
    best = result["best"]
    if best is None or floor is None or best["dev"] > floor + _NO_MORE:
        return ""
    return (
        f"Nothing was learned: dev {result['metric']} {score(best['dev'])} is no more than the same answer for every "
        f"row reaches ({score(floor)}). Look whether texts and labels belong together; try more epochs and a wider "
        "range of learning rates (--space), more rows, or another base model (--model)."
    )


def _without_best(default: Mapping[str, Any] | None, metric: str) -> str:
    if default is None or default["dev"] is None:
        return "No configuration was completed, so there is no model yet."
    # Only a limit keeps a complete default from being the best of all.
    return (
        "No configuration that meets the limits was completed, so there is no model yet. The default, which breaks "
        f"one, reached {metric} {score(default['dev'])}."
    )


def gain_with_interval(gain: Mapping[str, Any]) -> str:
    """Return a gain of result.json with its interval: `+0.1000 (95 % interval +0.0500 to +0.1500)`."""
    if gain["ci95"] is None:
        return signed_score(gain["mean"])
    low, high = map(signed_score, gain["ci95"])
    return f"{signed_score(gain['mean'])} (95\N{NO-BREAK SPACE}% interval {low} to {high})"


def interval_words(interval: Sequence[float] | None) -> str:
    """Return an interval in brackets: `[0.4012 … 0.4801]`; empty where there is none."""
    return "" if interval is None else f"[{' … '.join(score(one).replace('-', '−') for one in interval)}]"


def stop_words(result: Mapping[str, Any]) -> str:
    """Return why a search stopped by itself; empty where it did not."""
    stop = result.get("stopped")
    if stop is None:
        return ""
    return (
        f"Stopped by itself after {stop['begun']} of {stop['asked']} configurations: the latest {stop['window']} "
        f"gained {score(stop['gain'])}, less than the standard error of the best score, {score(stop['noise'])}."
    )


def audit_words(result: Mapping[str, Any]) -> str:
    """Return how often pruning threw away a better configuration; empty where that is not asked."""
    audit = result.get("audit")
    if audit is None:
        return ""
    if not audit["pruned"]:
        return "The search has pruned nothing, so there is nothing to audit."
    if audit["rate"] is None:
        missing = "no other is complete" if audit["audited"] else "none has been finished yet"
        return f"Whether pruning threw away a better configuration is not known: {missing}."
    of = "" if audit["audited"] == audit["pruned"] else f" of {audit['pruned']}"
    ratio = _percent(audit["rate"]) + ", " if audit["better"] else ""
    low, high = map(_percent, audit["ci95"])
    words = (
        f"{audit['audited']}{of} pruned configurations, drawn by lot, {_be(audit['audited'])} finished: "
        f"{audit['better'] or 'none'} ({ratio}95\N{NO-BREAK SPACE}% interval {low} to {high}) "
        f"{_be(audit['better'] or 1)} better than the best that was not pruned{_audit_gap(audit)}."
    )
    left = audit["drawn"] - audit["audited"]
    return words if left <= 0 else f"{words} {left} more {_be(left, 'is', 'are')} to be finished still."


def _audit_gap(audit: Mapping[str, Any]) -> str:
    if audit["gap"] is None:
        return ""
    name = trial_name(audit["trial"])
    if audit["gap"] > 0:
        return f", {name} by {score(audit['gap'])}"
    return f"; {name} comes closest, {score(-audit['gap'])} below it" if audit["gap"] < 0 else f"; {name} equals it"


def _be(count: int, one: str = "was", many: str = "were") -> str:
    return one if count == 1 else many


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def search_words(result: Mapping[str, Any]) -> str:
    """Return how the search's own score of what it picked compares with fresh seeds; empty where none have run."""
    finalists = result["finalists"]
    if not finalists:
        return ""
    picked = next(entry for entry in finalists["ran"] if entry["trial"] != result["default"]["trial"])
    words = (
        f"The search's own score of trial {picked['trial']}, {score(picked['dev'])}, is of the one seed on which it "
        f"was picked, and so flattered; over fresh seeds its mean is {mean_and_spread(picked)}."
    )
    ran, asked = len(finalists["seeds"]), finalists["asked"]
    return words if ran >= asked else f"{words} The time was over after {ran} of {asked} seeds."


def mean_and_spread(entry: Mapping[str, Any]) -> str:
    """Return mean and standard deviation over fresh seeds of an entry of result.json: `0.4612 ± 0.0100`."""
    spread = "" if entry["dev_std"] is None else f" ± {score(entry['dev_std'])}"
    return score(entry["dev_mean"]) + spread


def _checked_gain(result: Mapping[str, Any], metric: str) -> str:
    best, default, gain = result["best"], result["default"], result["gain"]
    seeds = count_words(len(best["dev_seeds"]), "fresh seed")
    if best["trial"] == default["trial"]:
        return (
            f"On {seeds} no finalist beat the default, which reaches {metric} {mean_and_spread(default)} on average: "
            "the default would do as well."
        )
    verdict = "This is more than noise." if gain["significant"] else "This may be noise: the default would do as well."
    return (
        f"On {seeds} trial {best['trial']} reaches {metric} {mean_and_spread(best)} on average, the default "
        f"{mean_and_spread(default)}: a gain of {gain_with_interval(gain)}. {verdict}"
    )


def _gain(difference: float, base: float) -> str:
    share = f" ({difference / base:+.0%})".replace("%", "\N{NO-BREAK SPACE}%") if base > 0 else ""
    return signed_score(difference) + share


def _config_line(path: str, value: Scalar | None, default: Scalar | None) -> ConfigLine:
    if value is None or default is None:
        return ConfigLine(path, value_words(value), value_words(default), differs=True)
    differs = not same(value, default)
    return ConfigLine(path, value_words(value), value_words(default), differs)
