"""Heads: what stands on the encoder, one file a head."""

from autoft.models.heads.base import END, IGNORED, KINDS, START, Head, Kind
from autoft.models.heads.linear import Linear
from autoft.models.heads.mlp import Mlp
from autoft.models.heads.pooled import Attention, Cls, Max, Mean
from autoft.registry import Registry

HEADS: Registry[type[Head]] = Registry("head", group="autoft.heads")
HEADS.add("linear", Linear)
HEADS.add("mlp", Mlp)
for _pooled in (Cls, Mean, Max, Attention):
    HEADS.add(_pooled.name, _pooled)

__all__ = [
    "END",
    "HEADS",
    "IGNORED",
    "KINDS",
    "START",
    "Attention",
    "Cls",
    "Head",
    "Kind",
    "Linear",
    "Max",
    "Mean",
    "Mlp",
]
