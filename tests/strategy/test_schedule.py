from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError, UnknownNameError
from autoft.strategy.schedule import (
    SCHEDULES,
    FullTraining,
    Median,
    PromotionHalving,
    Schedule,
    StoppingHalving,
    TopThree,
    Verdict,
)
from autoft.strategy.standing import Reached, Standing

VALUES = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 10)).map(lambda pair: Reached(*pair)),
    min_size=1,
    max_size=30,
)
STOPPING = [FullTraining(), StoppingHalving(), StoppingHalving(window=5), Median()]
ALL = [*STOPPING, PromotionHalving(), TopThree()]


def standings(values: list[Reached], rung: int = 1, first: int = 1) -> list[Standing]:
    return [Standing(first + place, {rung: value}) for place, value in enumerate(values)]


def at_rung(values: list[float], rung: int = 1, first: int = 1) -> list[Standing]:
    return standings([Reached(value, 1.0) for value in values], rung, first)


def test_the_best_third_goes_on() -> None:
    *others, mine = at_rung([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert StoppingHalving().verdict(mine, others, 1).verdict is Verdict.GO_ON


def test_what_is_not_in_the_best_third_stops_and_says_why() -> None:
    *others, mine = at_rung([0.1, 0.5, 0.6, 0.2, 0.3, 0.4])
    ruling = StoppingHalving().verdict(mine, others, 1)
    assert ruling.verdict is Verdict.STOP
    assert ruling.reason == "rung 1: place 3 of 6 by metric, the best 2 go on"


def test_the_default_takes_no_place_from_others() -> None:
    default = at_rung([0.9], first=0)
    *others, mine = at_rung([0.1, 0.2, 0.3])
    assert StoppingHalving().verdict(mine, [*default, *others], 1).verdict is Verdict.GO_ON


def test_none_stops_before_the_minimum_has_reached_the_rung() -> None:
    other, mine = at_rung([0.9, 0.1])
    assert StoppingHalving(minimum=3).verdict(mine, [other], 1).verdict is Verdict.GO_ON


def test_a_blind_rung_is_judged_by_loss() -> None:
    *others, mine = standings([Reached(0.0, 0.5), Reached(0.0, 0.6), Reached(0.0, 0.9)])
    ruling = StoppingHalving().verdict(mine, others, 1)
    assert "by dev loss" in ruling.reason
    best, *others = standings([Reached(0.0, 0.5), Reached(0.0, 0.6), Reached(0.0, 0.9)])
    assert StoppingHalving().verdict(best, others, 1).verdict is Verdict.GO_ON


def test_a_window_compares_with_the_latest_only() -> None:
    *others, mine = at_rung([0.1] * 20 + [0.8, 0.9, 0.5])
    assert StoppingHalving().verdict(mine, others, 1).verdict is Verdict.GO_ON
    assert StoppingHalving(window=2).verdict(mine, others, 1).verdict is Verdict.STOP


def test_the_median_stops_what_is_worse_than_half() -> None:
    *others, mine = at_rung([0.1, 0.2, 0.3, 0.4, 0.5, 0.25])
    assert Median().verdict(mine, others, 1).reason == "rung 1: metric 0.25 is worse than the median 0.3"


def test_full_training_never_stops() -> None:
    *others, mine = at_rung([0.9] * 20 + [0.0])
    assert FullTraining().verdict(mine, others, 1).verdict is Verdict.GO_ON


@pytest.mark.parametrize("schedule", STOPPING)
@given(values=VALUES, rung=st.sampled_from([1, 3]))
def test_the_best_of_a_rung_goes_on(schedule: Schedule, values: list[Reached], rung: int) -> None:
    best = Standing(len(values) + 1, {rung: Reached(2.0, -1.0)})
    assert schedule.verdict(best, standings(values, rung), rung).verdict is Verdict.GO_ON


@pytest.mark.parametrize("schedule", ALL)
@given(values=VALUES, mine=st.floats(0, 1))
def test_the_default_never_stops(schedule: Schedule, values: list[Reached], mine: float) -> None:
    default = Standing(0, {1: Reached(mine, 1.0)})
    assert schedule.verdict(default, standings(values), 1).verdict is Verdict.GO_ON


@pytest.mark.parametrize("schedule", ALL)
@given(values=VALUES, mine=st.floats(0, 1))
def test_nothing_stops_at_the_last_rung(schedule: Schedule, values: list[Reached], mine: float) -> None:
    one = Standing(99, {9: Reached(mine, 1.0)})
    assert schedule.verdict(one, standings(values, 9), 9).verdict is Verdict.GO_ON


@pytest.mark.parametrize("schedule", ALL)
@given(values=VALUES, step=st.sampled_from([2, 4, 5, 6, 7, 8]))
def test_nothing_stops_between_rungs(schedule: Schedule, values: list[Reached], step: int) -> None:
    one = Standing(99, {1: Reached(0.0, 9.0)})
    assert schedule.verdict(one, standings(values), step).verdict is Verdict.GO_ON


@pytest.mark.parametrize("schedule", ALL)
@given(values=VALUES, mine=st.floats(0, 1), data=st.data())
def test_the_verdict_does_not_depend_on_the_order_of_peers(
    schedule: Schedule, values: list[Reached], mine: float, data: st.DataObject
) -> None:
    peers, one = standings(values), Standing(99, {1: Reached(mine, 1.0)})
    shuffled = data.draw(st.permutations(peers))
    assert schedule.verdict(one, peers, 1) == schedule.verdict(one, shuffled, 1)


@pytest.mark.parametrize("schedule", ALL)
@given(values=VALUES, mine=st.floats(0, 1))
def test_mine_among_the_peers_is_not_compared(schedule: Schedule, values: list[Reached], mine: float) -> None:
    one = Standing(99, {1: Reached(mine, 1.0)})
    peers = standings(values)
    assert schedule.verdict(one, [*peers, one], 1) == schedule.verdict(one, peers, 1)


@given(values=VALUES, mine=st.floats(0, 1), more=st.floats(0, 1))
def test_a_better_value_never_turns_going_on_into_stopping(values: list[Reached], mine: float, more: float) -> None:
    def ruling(value: float) -> Verdict:
        one = Standing(99, {1: Reached(value, 1.0)})
        return StoppingHalving(floor=-1.0).verdict(one, standings(values), 1).verdict

    worse, better = sorted((mine, more))
    assert (ruling(worse), ruling(better)) != (Verdict.GO_ON, Verdict.STOP)


@given(st.lists(st.floats(0.01, 1), min_size=9, max_size=60, unique=True))
def test_halving_keeps_between_one_and_most_of_a_study(values: list[float]) -> None:
    # One at a time, as workers report: the best so far always goes on, and a falling row stops.
    went_on = 0
    seen: list[Standing] = []
    for standing in at_rung(values):
        went_on += StoppingHalving().verdict(standing, seen, 1).verdict is Verdict.GO_ON
        seen.append(standing)
    assert went_on >= 2 + (len(values) >= 3 and max(values) not in values[:2])


def test_a_falling_row_is_stopped_but_for_the_first() -> None:
    seen: list[Standing] = []
    verdicts = []
    for standing in at_rung([1 - place / 20 for place in range(12)]):
        verdicts.append(StoppingHalving().verdict(standing, seen, 1).verdict)
        seen.append(standing)
    assert verdicts == [Verdict.GO_ON] * 2 + [Verdict.STOP] * 10


def test_stopping_schedules_promote_nothing() -> None:
    assert StoppingHalving().promotable(at_rung([0.5, 0.6]), []) == []


def test_schedules_are_found_by_name() -> None:
    assert SCHEDULES.get("stopping-halving") is StoppingHalving
    with pytest.raises(UnknownNameError, match="did you mean 'median'"):
        SCHEDULES.get("medain")


def test_falling_rungs_are_refused() -> None:
    with pytest.raises(ConfigError, match="rising steps expected"):
        FullTraining(rungs=(3, 1, 9))


def test_a_schedule_that_keeps_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="eta of at least 2"):
        StoppingHalving(eta=1)
