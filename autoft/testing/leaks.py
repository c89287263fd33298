"""What a process holds: for tests that nothing is left behind."""

from __future__ import annotations

import gc
from collections import Counter

import torch
from torch._subclasses import FakeTensor


def alive() -> Counter[str]:
    """Return the live tensors and modules, and the bytes of the tensors' memory.

    Tensors without memory, which an ONNX export leaves in a cache of PyTorch's own, do not count.
    """
    gc.collect()
    # By type, since `isinstance` asks objects for their class, and some warn when they are asked anything.
    things = [(thing, type(thing)) for thing in gc.get_objects()]
    tensors = [thing for thing, kind in things if issubclass(kind, torch.Tensor) and not issubclass(kind, FakeTensor)]
    modules = sum(issubclass(kind, torch.nn.Module) for _, kind in things)
    memory = {thing.untyped_storage().data_ptr(): thing.untyped_storage().nbytes() for thing in tensors}
    return Counter(tensors=len(tensors), modules=modules, bytes=sum(memory.values()))
