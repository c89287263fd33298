"""autoft: searches how best to adapt a pretrained model to your data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoft.api.exporting import export_model
    from autoft.api.facade import search
    from autoft.api.studies import load_study
    from autoft.delivery.predictor import load_model as load

__all__ = ["export_model", "load", "load_study", "search"]

_PLACES = {
    "export_model": ("autoft.api.exporting", "export_model"),
    "load": ("autoft.delivery.predictor", "load_model"),
    "load_study": ("autoft.api.studies", "load_study"),
    "search": ("autoft.api.facade", "search"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
