from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoft.strategy.steps import NINTHS, RUNGS, active_rungs, evaluation_steps

TOTALS = st.integers(1, 5_000)


def test_ninths_of_ninety_steps_lie_ten_steps_apart() -> None:
    assert evaluation_steps(90) == {ninth: 10 * ninth for ninth in NINTHS}


def test_rungs_alone_are_a_part_of_all_ninths() -> None:
    assert evaluation_steps(100, RUNGS) == {rung: evaluation_steps(100)[rung] for rung in RUNGS}


def test_ninths_that_share_a_step_are_one_evaluation() -> None:
    assert evaluation_steps(3) == {3: 1, 6: 2, 9: 3}


@given(TOTALS)
def test_the_last_step_is_evaluated_and_no_step_twice(total: int) -> None:
    steps = list(evaluation_steps(total).values())
    assert steps[-1] == total
    assert steps == sorted(set(steps))
    assert steps[0] >= 1


def test_rungs_within_ten_steps_of_warmup_are_skipped() -> None:
    # Rung 1 lies at step 20, rung 3 at step 60 of 180.
    assert active_rungs(180, 10) == (1, 3, 9)
    assert active_rungs(180, 11) == (3, 9)
    assert active_rungs(180, 51) == (9,)


@given(TOTALS, st.integers(0, 5_000))
def test_the_last_rung_always_counts(total: int, warmup: int) -> None:
    assert active_rungs(total, warmup)[-1] == 9
