"""A paused configuration as named arrays and JSON, and back, to the same bits; nothing is pickled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoft.storage.checkpoints import Checkpoint
from autoft.storage.records import EvaluationRecord
from autoft.study.execution import Best, PausedState
from autoft.training.trainer import Scores, Snapshot

Array = NDArray[Any]
# What numpy has no name for travels as integers of the same width.
_AS_INTEGERS = {torch.bfloat16: torch.int16}
# Of what stands in a checkpoint; those of another layout are trained again.
_LAYOUT = 2
_DTYPES = {str(dtype): dtype for dtype in _AS_INTEGERS}


def pack(state: PausedState) -> Checkpoint:
    """Return a paused configuration as a checkpoint."""
    arrays: dict[str, Array] = {}
    best = state.best
    # Shared where the best evaluation is the one at which it paused.
    shared = all(kept is one.weights for kept, one in zip(best.weights, state.snapshots, strict=True))
    value = {
        "evaluation": asdict(state.evaluation),
        "snapshots": [_fields(one) for one in state.snapshots],
        "best": {**_fields(best), "scores": asdict(best.scores), "weights": None if shared else best.weights},
    }
    return Checkpoint(arrays, {"layout": _LAYOUT, "state": _packed(value, arrays, "state")})


def unpack(checkpoint: Checkpoint) -> PausedState | None:
    """Return the paused configuration of a checkpoint; None where another version wrote it in its own way."""
    if checkpoint.meta.get("layout") != _LAYOUT:
        return None
    value = _unpacked(checkpoint.meta["state"], checkpoint.arrays)
    snapshots = tuple(Snapshot(**one) for one in value["snapshots"])
    best = value["best"]
    weights = tuple(one.weights for one in snapshots) if best["weights"] is None else best["weights"]
    best = Best(**{**best, "scores": Scores(**best["scores"]), "weights": weights})
    return PausedState(EvaluationRecord(**value["evaluation"]), snapshots, best)


def tensors_in(value: Any) -> list[Tensor]:
    """Return every tensor in nested mappings and rows."""
    match value:
        case Tensor():
            return [value]
        case Mapping():
            return [tensor for one in value.values() for tensor in tensors_in(one)]
        case list() | tuple():
            return [tensor for one in value for tensor in tensors_in(one)]
    return []


def size_of(state: PausedState) -> int:
    """Return the bytes of a paused configuration's tensors, each counted once."""
    snapshots = [[one.weights, one.optimizer, one.random] for one in state.snapshots]
    tensors = tensors_in([snapshots, state.best.weights])
    return sum({tensor.data_ptr(): tensor.nbytes for tensor in tensors}.values())


def _fields(value: Snapshot | Best) -> dict[str, Any]:
    """Return the fields of a value as they are; `asdict` would copy every tensor."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _packed(value: Any, arrays: dict[str, Array], name: str) -> Any:
    """Return `value` as JSON that names its arrays; keys may be numbers, rows tuples, floats infinite."""
    match value:
        case Tensor():
            arrays[name] = _as_array(value)
            return {"array": name, "dtype": str(value.dtype)}
        case float() if not math.isfinite(value):
            return {"float": repr(value)}
        case Mapping():
            return {"map": [[key, _packed(one, arrays, f"{name}/{key}")] for key, one in value.items()]}
        case list() | tuple():
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {kind: [_packed(one, arrays, f"{name}/{at}") for at, one in enumerate(value)]}
    return value


def _unpacked(value: Any, arrays: Mapping[str, Array]) -> Any:
    match value:
        case {"array": name, "dtype": dtype}:
            return _as_tensor(arrays[name], dtype)
        case {"float": text}:
            return float(text)
        case {"map": pairs}:
            return {key: _unpacked(one, arrays) for key, one in pairs}
        case {"tuple": row}:
            return tuple(_unpacked(one, arrays) for one in row)
        case {"list": row}:
            return [_unpacked(one, arrays) for one in row]
    return value


def _as_array(tensor: Tensor) -> Array:
    whole = tensor.detach().cpu().contiguous()
    integers = _AS_INTEGERS.get(whole.dtype)
    array: Array = (whole if integers is None else whole.view(integers)).numpy()
    return array


def _as_tensor(array: Array, dtype: str) -> Tensor:
    # Arrays of a file may be read-only.
    tensor = torch.from_numpy(np.array(array))
    return tensor.view(_DTYPES[dtype]) if dtype in _DTYPES else tensor
