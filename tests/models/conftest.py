"""Tiny base models, loaded once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from autoft.models.base import Pristine
from autoft.testing.tiny import tiny_pristine


@pytest.fixture(scope="session")
def load_tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pristine]:
    return cache(lambda family: tiny_pristine(tmp_path_factory.mktemp(family), family))


@pytest.fixture
def pristine(load_tiny: Callable[[str], Pristine]) -> Pristine:
    return load_tiny("bert")
