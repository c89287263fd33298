"""Where wall time goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.study.wall_time import PARTS, WallTime


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_innermost_part_has_the_moment() -> None:
    clock = Clock()
    time = WallTime(clock, before=3.0)
    clock.now = 1.0
    with time.on("train"):
        clock.now = 3.0
        with time.on("evaluate"):
            clock.now = 7.0
        clock.now = 15.0
    clock.now = 31.0
    spent = time.spent()
    assert {part: seconds for part, seconds in spent.items() if seconds} == {
        "import": 3.0,
        "train": 10.0,
        "evaluate": 4.0,
        "other": 17.0,
    }
    assert tuple(spent) == PARTS


def test_an_error_ends_a_part() -> None:
    clock = Clock()
    time = WallTime(clock)

    def fail() -> None:
        with time.on("storage"):
            clock.now = 2.0
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    clock.now = 5.0
    assert (time.spent()["storage"], time.spent()["other"]) == (2.0, 3.0)


@given(st.lists(st.tuples(st.sampled_from(PARTS), st.floats(0.0, 100.0), st.booleans()), max_size=20))
def test_no_moment_is_lost_or_counted_twice(moves: list[tuple[str, float, bool]]) -> None:
    clock = Clock()
    time = WallTime(clock)
    opened = []
    for part, seconds, enter in moves:
        if enter:
            opened.append(time.on(part))
            opened[-1].__enter__()
        elif opened:
            opened.pop().__exit__(None, None, None)
        clock.now += seconds
    assert sum(time.spent().values()) == pytest.approx(clock.now)
