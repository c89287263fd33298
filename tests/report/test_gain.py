"""The gain over the default: how often noise is called a winner, and how often a winner is found."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.report.facts import Finalists, StudyFacts
from autoft.report.gain import gains_over
from autoft.report.result import build_result
from autoft.storage.records import EvaluationRecord, TrialRecord

# Standard deviations over five seeds of dev F1 (points) of every fifth of 204 configurations of byt5 models on
# historic NER, from the model cards of hmByT5 (hmbyt5 on the Hugging Face hub, MIT), sorted.
SPREADS = (
    0.18,
    0.27,
    0.35,
    0.38,
    0.41,
    0.46,
    0.47,
    0.50,
    0.51,
    0.52,
    0.54,
    0.56,
    0.58,
    0.60,
    0.62,
    0.66,
    0.68,
    0.71,
    0.74,
    0.76,
    0.77,
    0.80,
    0.83,
    0.84,
    0.86,
    0.88,
    0.89,
    0.93,
    0.96,
    0.99,
    1.03,
    1.11,
    1.15,
    1.27,
    1.33,
    1.43,
    1.77,
    2.13,
    2.74,
    4.18,
    8.39,
)
CASES = 2000
FINALISTS, SEEDS = 2, 5
Draw = Callable[[random.Random], Sequence[float]]


def complete(number: int, value: float) -> TrialRecord:
    evaluation = EvaluationRecord(9, 9.0, value, 0.5, 0.4, 10.0)
    return TrialRecord(number, "complete", value, {"x": number}, (evaluation,))


def declared(facts: StudyFacts, seed: int, spreads: Draw, gains: Sequence[float] = (0.0, 0.0)) -> float:
    """Return the share of searches in which result.json declares a winner.

    Args:
        facts: A study.
        seed: Of the simulation.
        spreads: Draws a standard deviation for the default and each finalist.
        gains: The finalists' true gains, in the default's standard deviations.
    """
    chance, found = random.Random(seed), 0
    for _ in range(CASES):
        scales = spreads(chance)
        level = chance.uniform(60, 90)
        means = [level, *(level + gain * scales[0] for gain in gains)]
        scores = {
            number: tuple(chance.gauss(mean, scale) for _ in range(SEEDS))
            for number, (mean, scale) in enumerate(zip(means, scales, strict=True))
        }
        records = [complete(number, chance.gauss(level, scale)) for number, scale in enumerate(scales)]
        result = build_result(replace_finalists(facts, scores), records)
        best = max(scores, key=lambda number: (sum(scores[number]), -number))
        assert result["best"]["trial"] == best
        found += result["gain"]["significant"]
    return found / CASES


def replace_finalists(facts: StudyFacts, scores: dict[int, tuple[float, ...]]) -> StudyFacts:
    return replace(facts, finalists=Finalists(scores=scores, asked=SEEDS))


def one_for_all(chance: random.Random) -> Sequence[float]:
    return [chance.choice(SPREADS)] * (1 + FINALISTS)


def one_each(chance: random.Random) -> Sequence[float]:
    return [chance.choice(SPREADS) for _ in range(1 + FINALISTS)]


def always(*spreads: float) -> Draw:
    return lambda _: spreads


@pytest.mark.parametrize("spreads", [one_for_all, one_each], ids=["one spread", "a spread each"])
def test_noise_is_called_a_winner_in_at_most_a_twentieth(facts: StudyFacts, spreads: Draw) -> None:
    assert declared(facts, 0, spreads) <= 0.05


@pytest.mark.parametrize(
    "spreads",
    [(0.02, 0.19, 0.02), (0.02, 0.19, 0.19), (0.19, 0.02, 0.02), (0.02, 0.06, 0.02)],
    ids=["wild finalist", "two wild finalists", "wild default", "uneasy finalist"],
)
def test_scattering_more_than_the_others_is_no_advantage(facts: StudyFacts, spreads: tuple[float, ...]) -> None:
    assert declared(facts, 0, always(*spreads)) <= 0.05


def test_a_gain_of_two_standard_deviations_is_found(facts: StudyFacts) -> None:
    """One of the finalists has it, the other has none."""
    assert declared(facts, 0, one_for_all, (2.0, 0.0)) >= 0.8


def test_two_equal_winners_are_found_more_often(facts: StudyFacts) -> None:
    assert declared(facts, 0, one_for_all, (2.0, 2.0)) >= 0.88


def test_the_interval_covers_the_true_gain_of_the_picked() -> None:
    chance, covered = random.Random(0), 0
    for _ in range(CASES):
        arms = {number: tuple(chance.gauss(0.7, 0.01) for _ in range(SEEDS)) for number in range(1 + FINALISTS)}
        found = gains_over(arms[0], {number: arms[number] for number in (1, 2)})
        picked = max(found.values(), key=lambda gain: gain.mean)
        assert picked.interval is not None
        covered += picked.interval[0] <= 0 <= picked.interval[1]
    # Picking the better one costs a little of both sides.
    assert covered / CASES >= 0.94


def test_two_arms_of_equal_spread_have_the_interval_of_students_t() -> None:
    """scipy.stats.t.interval(0.95, 8, loc=mean, scale=sqrt(2 / 5) * s): both variances are 0.00025."""
    default, best = (0.60, 0.61, 0.62, 0.63, 0.64), (0.74, 0.70, 0.73, 0.71, 0.72)
    gain = gains_over(default, {3: best})[3]
    assert gain.interval == pytest.approx((0.1 - 0.02306004, 0.1 + 0.02306004), abs=1e-8)
    assert gain.significant


def test_a_wild_arm_has_the_interval_of_its_own_four_degrees_of_freedom() -> None:
    """Where the default does not scatter at all: t(0.975, 4) = 2.776445."""
    best = (0.5, 0.6, 0.7, 0.8, 0.9)
    gain = gains_over((0.5,) * 5, {1: best})[1]
    half = 2.776445 * math.sqrt(0.025 / 5)
    assert gain.interval == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)


def test_more_rivals_make_wider_intervals() -> None:
    arms = dict.fromkeys(range(6), (0.1, 0.2, 0.3, 0.2, 0.1))
    widths = []
    for count in (2, 5):
        interval = gains_over(arms[0], {number: arms[number] for number in range(1, 1 + count)})[1].interval
        assert interval is not None
        widths.append(interval[1] - interval[0])
    assert widths[1] > widths[0]


def test_one_seed_has_no_interval_and_is_never_significant() -> None:
    gain = gains_over((0.1,), {1: (0.9,)})[1]
    assert gain.mean == pytest.approx(0.8)
    assert (gain.interval, gain.significant) == (None, False)


def test_scores_without_any_spread_have_a_point_for_an_interval() -> None:
    gain = gains_over((0.1, 0.1), {1: (0.9, 0.9)})[1]
    assert gain.interval == pytest.approx((0.8, 0.8))


def test_no_rivals_have_no_gains() -> None:
    assert gains_over((0.1, 0.2), {}) == {}


@given(st.integers(2, 6).flatmap(lambda seeds: st.lists(st.tuples(*[st.floats(0, 1)] * seeds), min_size=2, max_size=5)))
def test_the_interval_holds_its_mean_whatever_the_scores(arms: list[tuple[float, ...]]) -> None:
    for gain in gains_over(arms[0], dict(enumerate(arms[1:], 1))).values():
        assert gain.interval is not None
        low, high = gain.interval
        assert math.isfinite(low)
        assert low <= gain.mean + 1e-12
        assert gain.mean <= high + 1e-12
