"""Heads: what stands on the encoder, one file a head."""

from autoft.data.features import END, IGNORED, START
from autoft.models.heads.base import KINDS, Head, Kind
from autoft.models.heads.constrained import Constrained
from autoft.models.heads.crf import Crf
from autoft.models.heads.linear import Linear
from autoft.models.heads.marker_pair import MarkerPair
from autoft.models.heads.mlp import Mlp
from autoft.models.heads.pooled import Attention, Cls, Max, Mean
from autoft.registry import Registry

HEADS: Registry[type[Head]] = Registry("head", group="autoft.heads")
HEADS.add("linear", Linear)
HEADS.add("mlp", Mlp)
HEADS.add("constrained", Constrained)
HEADS.add("crf", Crf)
HEADS.add("marker-pair", MarkerPair)
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
    "Constrained",
    "Crf",
    "Head",
    "Kind",
    "Linear",
    "MarkerPair",
    "Max",
    "Mean",
    "Mlp",
]
