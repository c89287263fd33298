from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError
from autoft.strategy.moves import Begin, Continue, End, Move, Wait, next_move
from autoft.strategy.schedule import SCHEDULES, FullTraining, Promotion, PromotionHalving, StoppingHalving, Verdict
from autoft.strategy.standing import Reached, Standing

SCHEDULE = PromotionHalving(floor=-1.0)


def standing(number: int, **values: float) -> Standing:
    """A configuration that reached `r1=0.5` at rung 1, `r3=…` at rung 3."""
    return Standing(number, {int(rung[1:]): Reached(value, 1.0) for rung, value in values.items()})


def row(values: list[float], first: int = 1) -> list[Standing]:
    return [standing(first + place, r1=value) for place, value in enumerate(values)]


def move(standings: list[Standing], paused: set[int], *, running: int = 0, limit: int | None = 9) -> Move:
    return next_move(SCHEDULE, standings, paused=paused, running=running, limit=limit)


def test_the_first_of_a_rung_pauses_and_says_why() -> None:
    (mine,) = row([0.9])
    ruling = SCHEDULE.verdict(mine, [], 1)
    assert (ruling.verdict, ruling.reason) == (Verdict.PAUSE, "rung 1: place 1 of 1, the best 0 go on")


def test_what_is_among_the_best_third_goes_on_at_once() -> None:
    *others, mine = row([0.1, 0.2, 0.3])
    assert SCHEDULE.verdict(mine, others, 1).verdict is Verdict.GO_ON
    *others, mine = row([0.3, 0.2, 0.1])
    assert SCHEDULE.verdict(mine, others, 1).verdict is Verdict.PAUSE


def test_the_default_never_pauses_and_takes_no_place() -> None:
    default, *others = row([0.9, 0.1, 0.2, 0.3], first=0)
    assert SCHEDULE.verdict(default, others, 1).verdict is Verdict.GO_ON
    assert SCHEDULE.verdict(others[-1], [default, *others[:-1]], 1).verdict is Verdict.GO_ON


def test_nothing_pauses_at_the_last_rung_or_between_rungs() -> None:
    mine = Standing(5, {1: Reached(0.1, 1.0), 9: Reached(0.1, 1.0)})
    others = [Standing(n, {1: Reached(0.9, 1.0), 9: Reached(0.9, 1.0)}) for n in range(1, 4)]
    assert SCHEDULE.verdict(mine, others, 9).verdict is Verdict.GO_ON
    assert SCHEDULE.verdict(mine, others, 4).verdict is Verdict.GO_ON


def test_a_later_configuration_makes_an_earlier_one_promotable() -> None:
    two = row([0.5, 0.3])
    assert SCHEDULE.promotable(two, two) == []
    three = row([0.5, 0.3, 0.2])
    assert SCHEDULE.promotable(three, three) == [Promotion(1, 1)]


def test_what_was_promoted_keeps_its_place_at_the_rung() -> None:
    """The best third of six is two; one of them has gone on already."""
    gone, *waiting = row([0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert SCHEDULE.promotable(waiting, [gone, *waiting]) == [Promotion(2, 1)]


def test_the_deepest_rung_is_continued_first() -> None:
    deep = [standing(n, r1=0.9, r3=value) for n, value in ((1, 0.5), (2, 0.4), (3, 0.3))]
    shallow = row([0.95] * 3, first=4)
    assert SCHEDULE.promotable([*shallow, *deep], [*shallow, *deep])[0] == Promotion(1, 3)


def test_a_window_compares_with_the_latest_only() -> None:
    old, late = row([0.9] * 6), row([0.1, 0.2, 0.3], first=7)
    windowed = PromotionHalving(floor=-1.0, window=3)
    assert Promotion(9, 1) not in SCHEDULE.promotable(late, [*old, *late])
    assert windowed.promotable(late[-1:], [*old, *late]) == [Promotion(9, 1)]


def test_the_outlook_holds_all_that_is_paused_best_first() -> None:
    paused = row([0.2, 0.6, 0.4])
    assert [one.number for one in SCHEDULE.outlook(paused, paused)] == [2, 3, 1]


def test_a_schedule_that_keeps_all_or_compares_with_too_few_is_refused() -> None:
    with pytest.raises(ConfigError, match="eta of at least 2"):
        PromotionHalving(eta=1)
    with pytest.raises(ConfigError, match="window of at least eta"):
        PromotionHalving(eta=3, window=2)


def test_promotion_is_found_by_its_name() -> None:
    assert SCHEDULES.get("promotion") is PromotionHalving


def test_a_promotion_comes_before_a_new_configuration() -> None:
    assert move(row([0.5, 0.3, 0.2]), {1, 2, 3}) == Continue(Promotion(1, 1))


def test_what_is_not_paused_is_not_continued() -> None:
    assert move(row([0.5, 0.3, 0.2]), {2, 3}) == Begin()


def test_a_new_configuration_is_begun_up_to_the_limit() -> None:
    assert move(row([0.3, 0.5]), {1, 2}, limit=3) == Begin()
    assert move(row([0.3, 0.5]), {1, 2}, limit=None) == Begin()
    assert move(row([0.3, 0.5]), {1, 2}, limit=2) == End()


def test_who_has_nothing_to_do_waits_for_those_that_train() -> None:
    assert move(row([0.3, 0.5]), {1}, running=1, limit=2) == Wait()


def test_after_the_limit_what_is_promotable_is_still_promoted() -> None:
    assert move(row([0.5, 0.3, 0.2]), {1, 2, 3}, limit=3) == Continue(Promotion(1, 1))


@pytest.mark.parametrize("schedule", [FullTraining(), StoppingHalving()])
def test_schedules_that_only_stop_never_continue(schedule: FullTraining | StoppingHalving) -> None:
    assert next_move(schedule, row([0.5, 0.3, 0.2]), paused=[1], running=0, limit=3) == End()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(2, 4))
def test_a_search_ends_with_the_best_of_each_rung_promoted(values: list[float], eta: int) -> None:
    """One worker, configurations that keep their value: whoever ends paused is not in the best share of its rung."""
    schedule = PromotionHalving(floor=-1.0, eta=eta)
    reached: dict[int, dict[int, Reached]] = {}
    paused: set[int] = set()
    promotions = 0
    while True:
        known = [Standing(number, rungs) for number, rungs in reached.items()]
        found = next_move(schedule, known, paused=paused, running=0, limit=len(values))
        match found:
            case Continue(promotion):
                number = promotion.number
                assert promotion.rung == max(reached[number])
                promotions += 1
            case Begin():
                number = len(reached)
                reached[number] = {}
            case _:
                break
        paused.discard(number)
        for rung in (1, 3, 9):
            if rung in reached[number]:
                continue
            reached[number] = {**reached[number], rung: Reached(values[number], 1.0)}
            peers = [Standing(other, rungs) for other, rungs in reached.items()]
            if schedule.verdict(Standing(number, reached[number]), peers, rung).verdict is Verdict.PAUSE:
                paused.add(number)
                break
    assert found == End()
    assert len(reached) == len(values)
    # Each configuration is continued once a rung at most.
    assert promotions <= 2 * len(values)
    everything = [Standing(number, rungs) for number, rungs in reached.items()]
    assert schedule.promotable([one for one in everything if one.number in paused], everything) == []
    assert {number for number, rungs in reached.items() if 9 not in rungs} == paused
