"""Times as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.cli.units import seconds_of
from autoft.errors import ConfigError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1d", 86400), ("1.5h", 5400)],
)
def test_a_time_in_words(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_parts_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert seconds_of(text) == sum(number * UNITS[unit] for number, unit in parts)


@pytest.mark.parametrize("text", ["", "soon", "2 h", "-5m", "1h 30m", "2H", "1y", "h", "1e3"])
def test_anything_else_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="--timeout: a time such as 90s, 30m, 2h or 1h30m expected"):
        seconds_of(text)
