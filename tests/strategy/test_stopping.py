from __future__ import annotations

from autoft.strategy.stopping import TimeLimit, limit_from


def test_the_deadline_counts_from_the_start() -> None:
    limit = limit_from(1000.0, 60.0)
    assert limit.left(1030.0) == 30.0
    assert not limit.is_over(1059.9)
    assert limit.is_over(1060.0)


def test_time_left_is_never_negative() -> None:
    assert limit_from(1000.0, 60.0).left(5000.0) == 0.0


def test_no_limit_never_ends() -> None:
    assert limit_from(0.0, None) == TimeLimit()
    assert not TimeLimit().is_over(10.0**12)
    assert TimeLimit().left(0.0) is None
