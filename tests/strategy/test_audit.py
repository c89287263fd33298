"""Which pruned configurations an audit draws, and how many."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from scipy.stats import chisquare

from autoft.strategy.audit import audit_order, audit_size


def test_the_draw_follows_from_the_seed() -> None:
    assert audit_order(range(40), 7) == audit_order(reversed(range(40)), 7)
    assert audit_order(range(40), 7) != audit_order(range(40), 8)
    assert sorted(audit_order(range(40), 7)) == list(range(40))


def test_configurations_that_join_leave_the_others_in_their_order() -> None:
    longer = audit_order(range(40), 7)
    assert [number for number in longer if number < 20] == audit_order(range(20), 7)
    assert max(longer[:20]) >= 20


def test_every_order_is_as_likely_as_any_other() -> None:
    """Seeds are fixed, so this is no matter of luck."""
    orders = Counter(tuple(audit_order((3, 11, 12, 40), seed)) for seed in range(4800))
    assert chisquare([orders[order] for order in permutations((3, 11, 12, 40))]).pvalue > 0.01


@pytest.mark.parametrize(
    ("share", "spent", "costs", "size"),
    [
        (0.1, 120.0, [8.0] * 30, 1),
        (0.5, 120.0, [8.0] * 30, 7),
        (0.5, 120.0, [6.0, 10.0] * 15, 7),
        (0.01, 120.0, [8.0] * 30, 1),
        (0.5, 120.0, [8.0] * 3, 3),
        (0.5, 120.0, [0.0] * 3, 3),
        (0.5, 120.0, [], 0),
    ],
)
def test_an_audit_is_as_large_as_its_share_affords(share: float, spent: float, costs: list[float], size: int) -> None:
    assert audit_size(share, spent, costs) == size
