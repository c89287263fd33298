"""How numbers, durations, configurations and gains are written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.report.words import (
    config_lines,
    duration,
    floor_words,
    gain_words,
    score,
    search_words,
    signed_score,
    value_words,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0s"),
        (4.24, "4.2s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (250, "4m 10s"),
        (3599.7, "1h 00m"),
        (7500, "2h 05m"),
        (86399, "1d 00h"),
        (273600, "3d 04h"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_duration_has_two_units_at_most(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0, 3e8))
def test_duration_never_shows_sixty_of_a_unit(seconds: float) -> None:
    assert not any(part in ("60s", "60m") for part in duration(seconds).split())


@pytest.mark.parametrize(("value", "words"), [(0.41234, "0.4123"), (27.314, "27.31"), (None, "–"), (float("nan"), "–")])
def test_score_has_decimals_by_its_scale(value: float | None, words: str) -> None:
    assert score(value) == words


def test_signed_score_shows_the_sign() -> None:
    assert (signed_score(0.012), signed_score(-0.012)) == ("+0.0120", "−0.0120")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.2171e-5, "3.217e-5"),
        (2e-4, "0.0002"),
        (1e12, "1e12"),
        (0.0, "0"),
        (8, "8"),
        (True, "true"),
        ("lora", "lora"),
        (None, "–"),
    ],
)
def test_value_is_short(value: Any, words: str) -> None:
    assert value_words(value) == words


def test_config_lines_mark_what_differs() -> None:
    lines = config_lines({"method": "lora", "batch": 8, "rank": 4}, {"method": "full", "batch": 8})
    assert [(line.path, line.value, line.default, line.differs) for line in lines] == [
        ("method", "lora", "full", True),
        ("batch", "8", "8", False),
        ("rank", "4", "–", True),
    ]


def test_true_differs_from_one() -> None:
    assert config_lines({"x": True}, {"x": 1})[0].differs


def entry(trial: int, dev: float | None, seeds: tuple[float, ...] = ()) -> dict[str, Any]:
    return {
        "trial": trial,
        "dev": dev,
        "dev_seeds": list(seeds),
        "dev_mean": sum(seeds) / len(seeds) if seeds else None,
        "dev_std": 0.01 if seeds else None,
    }


def result(best: Any, default: Any, gain: Any = None, configurations: int = 10) -> dict[str, Any]:
    return {
        "metric": "f1",
        "best": best,
        "default": default,
        "gain": gain,
        "trials": {"configurations": configurations},
    }


def test_gain_before_the_finalists_says_that_it_is_not_checked() -> None:
    words = gain_words(result(entry(7, 0.5), entry(0, 0.4)))
    assert words == (
        "Trial 7 reached dev f1 0.5000, the default 0.4000: +0.1000 (+25\N{NO-BREAK SPACE}%). "
        "One seed each; not yet checked on fresh seeds."
    )


def test_gain_over_a_default_of_zero_has_no_share() -> None:
    assert "+0.5000. One seed" in gain_words(result(entry(7, 0.5), entry(0, 0.0)))


def test_search_that_does_not_beat_its_default_says_so() -> None:
    words = gain_words(result(entry(0, 0.4), entry(0, 0.4)))
    assert words == "None of 9 other configurations beat the default, which reached dev f1 0.4000."


def test_default_alone_is_not_called_a_winner() -> None:
    words = gain_words(result(entry(0, 0.4), entry(0, 0.4), configurations=1))
    assert words == "The default reached dev f1 0.4000; nothing else was tried."


@pytest.mark.parametrize("dev", [0.3, 0.25, 0.3 + 1e-12])
def test_a_best_at_the_floor_is_told_with_what_to_try(dev: float) -> None:
    words = floor_words(result(entry(7, dev), entry(0, 0.1)), 0.3)
    assert words.startswith(f"Nothing was learned: dev f1 {dev:.4f} is no more than the same answer for every row")
    assert "--space" in words
    assert "--model" in words


@pytest.mark.parametrize(("best", "floor"), [(entry(7, 0.31), 0.3), (entry(7, 0.1), None), (None, 0.3)])
def test_a_best_above_the_floor_is_not(best: Any, floor: float | None) -> None:
    assert floor_words(result(best, entry(0, 0.1)), floor) == ""


def test_nothing_completed_is_said() -> None:
    assert "no model" in gain_words(result(None, entry(0, None)))


def test_default_that_was_not_completed_is_said() -> None:
    assert "nothing to compare" in gain_words(result(entry(7, 0.5), entry(0, None)))


def test_significant_gain_is_more_than_noise() -> None:
    gain = {"mean": 0.1, "ci95": [0.05, 0.15], "significant": True}
    words = gain_words(result(entry(7, 0.5, (0.5, 0.5)), entry(0, 0.4, (0.4, 0.4)), gain))
    assert words == (
        "On 2 fresh seeds trial 7 reaches dev f1 0.5000 ± 0.0100 on average, the default "
        "0.4000 ± 0.0100: a gain of +0.1000 (95\N{NO-BREAK SPACE}% interval +0.0500 to +0.1500). "
        "This is more than noise."
    )


def test_insignificant_gain_may_be_noise() -> None:
    gain = {"mean": 0.1, "ci95": [-0.05, 0.25], "significant": False}
    words = gain_words(result(entry(7, 0.5, (0.5, 0.5)), entry(0, 0.4, (0.4, 0.4)), gain))
    assert words.endswith("This may be noise: the default would do as well.")


def test_default_that_wins_the_final_is_said() -> None:
    gain = {"mean": 0.0, "ci95": [0.0, 0.0], "significant": False}
    words = gain_words(result(entry(0, 0.4, (0.4,)), entry(0, 0.4, (0.4,)), gain))
    assert words.startswith("On 1 fresh seed no finalist beat the default")
    assert words.endswith("the default would do as well.")


def finalists(*ran: dict[str, Any], asked: int = 2) -> dict[str, Any]:
    return {"seeds": [1, 2], "asked": asked, "mishaps": [], "ran": list(ran)}


def test_the_searchs_own_score_is_called_flattered() -> None:
    best, default = entry(7, 0.5, (0.4, 0.4)), entry(0, 0.4, (0.3, 0.3))
    words = search_words({**result(best, default), "finalists": finalists(best, default)})
    assert words == (
        "The search's own score of trial 7, 0.5000, is of the one seed on which it was picked, and so flattered; "
        "over fresh seeds its mean is 0.4000 ± 0.0100."
    )


def test_a_default_that_wins_was_not_picked() -> None:
    rival, default = entry(7, 0.5, (0.2, 0.2)), entry(0, 0.4, (0.3, 0.3))
    words = search_words({**result(default, default), "finalists": finalists(default, rival)})
    assert words.startswith("The search's own score of trial 7, 0.5000")


def test_seeds_that_the_time_did_not_suffice_for_are_told() -> None:
    best, default = entry(7, 0.5, (0.4, 0.4)), entry(0, 0.4, (0.3, 0.3))
    words = search_words({**result(best, default), "finalists": finalists(best, default, asked=5)})
    assert words.endswith("The time was over after 2 of 5 seeds.")


def test_nothing_is_said_before_finalists_have_run() -> None:
    assert search_words({**result(entry(7, 0.5), entry(0, 0.4)), "finalists": None}) == ""
