"""Tiny base models, loaded once; one thread, on which bits depend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest
import torch

from autoft import faults
from autoft.models.base import Pristine
from autoft.testing.tiny import tiny_pristine


@pytest.fixture(scope="session")
def load_tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pristine]:
    return cache(lambda family: tiny_pristine(tmp_path_factory.mktemp(family), family))


@pytest.fixture
def pristine(load_tiny: Callable[[str], Pristine]) -> Pristine:
    return load_tiny("bert")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def set_fault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the fault switch; it is off again after the test."""

    def switch(plan: str) -> None:
        faults.reset()
        monkeypatch.setenv("AUTOFT_FAULTS", plan)

    yield switch
    faults.reset()
