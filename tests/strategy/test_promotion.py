from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError
from autoft.strategy.moves import Begin, Continue, End, Wait, next_move
from autoft.strategy.schedule import Promotion, PromotionHalving, TopThree, Verdict
from autoft.strategy.standing import Reached, Standing, climb_order

NOWHERE = -1.0


def at(number: int, *values: float) -> Standing:
    """A configuration that reached the first rungs with these values."""
    return Standing(number, {rung: Reached(value, -value) for rung, value in zip((1, 3, 9), values, strict=False)})


def halving() -> PromotionHalving:
    return PromotionHalving(floor=NOWHERE)


def test_the_best_of_three_is_continued() -> None:
    all_three = [at(1, 0.1), at(2, 0.3), at(3, 0.2)]
    assert halving().promotable(all_three, all_three) == [Promotion(2, 1)]


def test_of_two_none_is_continued() -> None:
    both = [at(1, 0.1), at(2, 0.3)]
    assert halving().promotable(both, both) == []


def test_no_more_than_a_third_is_continued_however_good_the_newcomers_are() -> None:
    gone = [at(1, 0.1, 0.1), at(2, 0.2, 0.2)]
    waiting = [at(number, 0.1 * number) for number in range(3, 9)]
    assert halving().promotable(waiting, [*gone, *waiting]) == []
    waiting.append(at(9, 0.9))
    assert halving().promotable(waiting, [*gone, *waiting]) == [Promotion(9, 1)]


def test_the_deepest_rung_comes_first() -> None:
    deep = [at(number, 0.5, 0.1 * number) for number in (1, 2, 3)]
    low = [at(number, 0.01 * number) for number in range(4, 16)]
    assert halving().promotable([*deep, *low], [*deep, *low])[0] == Promotion(3, 3)


def test_the_default_takes_no_place() -> None:
    two = [at(0, 0.9), at(1, 0.1), at(2, 0.3)]
    assert halving().promotable(two[1:], two) == []


def test_who_may_go_on_does_not_pause_first() -> None:
    waiting = [at(1, 0.1), at(2, 0.2)]
    assert halving().verdict(at(3, 0.3), waiting, 1, paused=(1, 2)).verdict is Verdict.GO_ON
    assert halving().verdict(at(3, 0.15), waiting, 1, paused=(1, 2)).verdict is Verdict.PAUSE


def test_a_pause_says_why() -> None:
    ruling = halving().verdict(at(3, 0.15), [at(1, 0.1), at(2, 0.2)], 1, paused=(1, 2))
    assert ruling.reason == "rung 1: place 2 of 3, 1 may go on"


def test_the_outlook_puts_the_best_share_first() -> None:
    all_four = [at(1, 0.1), at(2, 0.3), at(3, 0.2), at(4, 0.4, 0.4)]
    assert [one.number for one in halving().outlook(all_four[:3], all_four)] == [2, 3, 1]


def test_eta_is_checked() -> None:
    with pytest.raises(ConfigError, match="eta"):
        PromotionHalving(eta=1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_a_search_of_one_worker_promotes_a_third_of_each_rung(values: list[float]) -> None:
    schedule = halving()
    standings: dict[int, Standing] = {}
    paused: set[int] = set()
    rungs: tuple[int, ...]
    while True:
        move = next_move(schedule, list(standings.values()), paused=paused, running=0, limit=len(values))
        match move:
            case Begin():
                number, rungs = len(standings) + 1, ()
            case Continue(promotion):
                number, rungs = promotion.number, tuple(standings[promotion.number].rungs)
                paused.discard(number)
            case Wait() | End():
                break
        while len(rungs) < 3:
            rungs = (1, 3, 9)[: len(rungs) + 1]
            mine = at(number, *[values[number - 1]] * len(rungs))
            verdict = schedule.verdict(mine, list(standings.values()), rungs[-1], paused=paused).verdict
            standings[number] = mine
            if verdict is Verdict.PAUSE:
                paused.add(number)
                break
    for rung in (1, 3):
        at_rung = [one for one in standings.values() if rung in one.rungs]
        gone = [one for one in at_rung if max(one.rungs) > rung]
        # The last ones to come may deserve what earlier ones have taken up already.
        assert len(at_rung) // 3 <= len(gone) <= max(1, 2 * (len(at_rung) // 3))
        best = sorted((one.rungs[rung].value for one in at_rung), reverse=True)[: len(at_rung) // 3]
        assert all(one in gone for one in at_rung if best and one.rungs[rung].value > best[-1])
    assert len(standings) == len(values)


def test_a_worker_waits_while_another_may_make_something_promotable() -> None:
    two = [at(1, 0.1), at(2, 0.3)]
    assert next_move(halving(), two, paused={1}, running=1, limit=2) == Wait()
    assert next_move(halving(), two, paused={1, 2}, running=0, limit=3) == Begin()


def test_when_nothing_new_begins_the_best_is_continued_whoever_went_before_it() -> None:
    standings = [at(1, 0.1, 0.1), at(2, 0.0), at(3, 0.0), at(4, 0.9)]
    assert halving().promotable(standings[1:], standings) == []
    assert next_move(halving(), standings, paused={2, 3, 4}, running=0, limit=4) == Continue(Promotion(4, 1))


def test_a_search_of_two_configurations_completes_the_better_one() -> None:
    standings = [at(1, 0.1), at(2, 0.3)]
    assert next_move(halving(), standings, paused={1, 2}, running=0, limit=2) == Continue(Promotion(2, 1))
    standings[1] = at(2, 0.3, 0.3)
    assert next_move(halving(), standings, paused={1, 2}, running=0, limit=2) == Continue(Promotion(2, 3))
    standings[1] = at(2, 0.3, 0.3, 0.3)
    assert next_move(halving(), standings, paused={1}, running=0, limit=2) == End()


def test_three_of_a_dozen_are_trained_to_their_end() -> None:
    dozen = [at(number, 0.01 * number) for number in range(1, 13)]
    assert [one.number for one in TopThree(floor=NOWHERE).promotable(dozen, dozen)] == [12, 11, 10]
    assert TopThree(floor=NOWHERE).promotable(dozen[:11], dozen[:11]) == []


def test_who_climbed_stands_above_who_did_not() -> None:
    order = climb_order([at(1, 0.9), at(2, 0.5, 0.6), at(3, 0.1)], (1, 3, 9), NOWHERE, 3)
    assert order == (3, 1, 2)


def test_a_default_that_was_not_compared_stands_where_its_rungs_put_it() -> None:
    others = [at(number, 0.1 * number) for number in range(1, 7)]
    poor, good = at(0, 0.05, 0.9, 0.9), at(0, 0.65, 0.9, 0.9)
    assert climb_order([poor, *others], (1, 3, 9), NOWHERE, 3)[0] == 0
    assert climb_order([good, *others], (1, 3, 9), NOWHERE, 3)[-1] == 0


def test_who_reached_no_rung_is_left_out() -> None:
    assert climb_order([Standing(1, {}), at(2, 0.1)], (1, 3, 9), NOWHERE, 3) == (2,)


def test_what_a_portfolio_says_is_trained_to_its_end_and_takes_no_place() -> None:
    """The first is; with two entries after the default the others are judged as if none of the three were there."""
    ahead = PromotionHalving(floor=NOWHERE, given=2)
    given_first = [at(1, 0.9, 0.9, 0.9), at(2, 0.0)]
    waiting = [at(3, 0.1), at(4, 0.3)]
    assert ahead.verdict(at(1, 0.0), [at(0, 0.5), *waiting], 1, paused=(3, 4)).verdict is Verdict.GO_ON
    assert ahead.promotable(waiting, [*given_first, *waiting]) == []
    assert ahead.verdict(at(5, 0.35), [*given_first, *waiting], 1, paused=(3, 4)).verdict is Verdict.GO_ON
    assert halving().verdict(at(5, 0.35), [*given_first, *waiting], 1, paused=(3, 4)).verdict is Verdict.PAUSE


@pytest.mark.parametrize(("default", "entry"), [(0.5, 0.2), (0.2, 0.5), (0.2, 0.4)])
def test_a_further_entry_goes_on_only_while_it_is_better_than_all_before_it(default: float, entry: float) -> None:
    ahead = PromotionHalving(floor=NOWHERE, given=2)
    ruling = ahead.verdict(at(2, 0.4), [at(0, default), at(1, entry), at(3, 0.9)], 1)
    assert ruling.verdict is Verdict.STOP
    assert ruling.reason == f"rung 1: no better than {'the default' if default == 0.5 else 'trial 1'} was there"
    assert ahead.verdict(at(2, 0.6), [at(0, default), at(1, entry), at(3, 0.9)], 1).verdict is Verdict.GO_ON


def test_a_bad_entry_that_was_trained_to_its_end_stands_at_the_bottom() -> None:
    others = [at(3, 0.5, 0.6), at(4, 0.4), at(5, 0.3)]
    assert PromotionHalving(floor=NOWHERE, given=2).order([at(1, 0.1, 0.2, 0.3), *others])[0] == 1
    assert PromotionHalving(floor=NOWHERE, given=2).order([at(1, 0.9, 0.9, 0.9), *others])[-1] == 1
