"""Times, latencies, sizes and counts as people write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.cli.units import count_of, mib_of, milliseconds_of, seconds_of
from autoft.errors import ConfigError

READERS = pytest.mark.parametrize("read", [seconds_of, milliseconds_of, mib_of, count_of])


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("12", 12), ("12ms", 12), ("12 ms", 12), ("0.5s", 500), ("800us", 0.8)]
)
def test_a_latency_in_words(text: str, milliseconds: float) -> None:
    assert milliseconds_of(text) == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 * 2**30), ("4GB", 4e9), ("512MB", 512e6), ("512 MiB", 512 * 2**20), ("1.5TB", 1.5e12), ("9B", 9)],
)
def test_a_size_in_words(text: str, size: float) -> None:
    found = mib_of(text)
    assert found is not None
    assert found * 2**20 == pytest.approx(size)


@pytest.mark.parametrize(
    ("text", "count"),
    [("30M", 30_000_000), ("1.5M", 1_500_000), ("350k", 350_000), ("1B", 10**9), ("30000000", 30_000_000)],
)
def test_a_count_in_words(text: str, count: int) -> None:
    assert count_of(text) == count


@READERS
def test_nothing_is_no_limit(read: Callable[[str | None], float | None]) -> None:
    assert read(None) is None


@READERS
@given(text=st.text())
def test_any_text_is_read_or_told(read: Callable[[str | None], float | None], text: str) -> None:
    try:
        found = read(text)
    except ConfigError as error:
        assert repr(text) in str(error)  # noqa: PT017 - both endings are legal
    else:
        assert found is not None
        assert found >= 0


@pytest.mark.parametrize(
    ("read", "text", "law"),
    [
        (milliseconds_of, "fast", "--max-latency: milliseconds such as 12, 12ms or 0.5s expected, got 'fast'"),
        (milliseconds_of, "-3ms", "--max-latency"),
        (mib_of, "4", "--max-memory: a size with its unit expected, like 4GB or 512MiB, got '4'"),
        (mib_of, "4Gx", "--max-memory"),
        (count_of, "30 million", "--max-parameters: a count such as 30M, 350k or 1B expected, got '30 million'"),
        (count_of, "3e7", "--max-parameters"),
    ],
)
def test_anything_else_is_told(read: Callable[[str], float], text: str, law: str) -> None:
    with pytest.raises(ConfigError, match=law):
        read(text)
