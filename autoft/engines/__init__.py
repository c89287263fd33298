"""Engines: where workers run."""

from autoft.engines.local import LocalEngine

__all__ = ["LocalEngine"]
