"""The linear head: the one that the model's own class has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from autoft.models.heads.base import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Head):
    """The classifier that the model's own class has."""

    name: ClassVar[str] = "linear"
