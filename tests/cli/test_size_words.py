"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.cli.units import bytes_of, size_words
from autoft.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GiB", 2 * 2**30),
        ("500MB", 500_000_000),
        ("1.5 GB", 1_500_000_000),
        ("64kb", 64_000),
        ("1TiB", 2**40),
        ("7", 7),
        ("0", 0),
        ("12B", 12),
    ],
)
def test_a_size_in_words(text: str, size: int) -> None:
    assert bytes_of(text, "--disk-budget") == size


def test_no_size_is_none() -> None:
    assert bytes_of(None, "--disk-budget") is None


@pytest.mark.parametrize("text", ["", "x", "GB", "-1GB", "2 G B", "2Gb1", "1e3", "2QB", "2G", "²GB"])
def test_anything_else_is_told(text: str) -> None:
    with pytest.raises(ConfigError) as told:
        bytes_of(text, "--disk-budget")
    assert str(told.value) == f"--disk-budget: a size like 2GB expected, got {text!r}"


@given(st.text())
def test_any_text_is_a_size_or_told(text: str) -> None:
    try:
        size = bytes_of(text, "--memory-budget")
    except ConfigError:
        return
    assert size is not None
    assert size >= 0


@given(st.integers(0, 2**45))
def test_a_size_that_is_written_is_read_again(size: int) -> None:
    assert bytes_of(size_words(size), "--disk-budget") == size


def test_a_round_size_is_written_with_its_unit() -> None:
    assert [size_words(size) for size in (2 * 2**30, 500_000_000, 0, 7)] == ["2GiB", "500MB", "0B", "7B"]
