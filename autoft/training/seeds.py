"""Seeds: every source of randomness has its own, derived from the trial's and a word."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *words: str | int) -> int:
    """Return a seed in [0, 2^63) that depends on `seed` and every word, and on nothing else."""
    text = "/".join(str(part) for part in (seed, *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *words: str | int) -> np.random.Generator:
    """Return numpy's generator for one named source of randomness."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *words)))
