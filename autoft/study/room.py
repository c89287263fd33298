"""How much memory and disk there is, and how much of it may be taken where nobody says it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_GIB = 2**30
_MEMORY_SHARE = 4
_MEMORY_UNKNOWN = _GIB
_DISK_SHARE = 2
_DISK_MOST = 10 * _GIB
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def memory_room() -> int:
    """Return a quarter of the memory that is free now: the rest is for training."""
    free = memory_free()
    return _MEMORY_UNKNOWN if free is None else free // _MEMORY_SHARE


def memory_free() -> int | None:
    """Return the bytes of memory that this process can still have; None where nothing says it."""
    return min((found for found in (_machine_free(), _container_free()) if found is not None), default=None)


def disk_room(folder: Path) -> int:
    """Return 10 GiB, or half of what is free on the disk of `folder` where that is less."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return min(_DISK_MOST, shutil.disk_usage(there).free // _DISK_SHARE)


def _machine_free() -> int | None:
    """Return the bytes that the machine can still give without swapping."""
    with suppress(OSError, ValueError):
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _container_free() -> int | None:
    """Return the bytes that a container's limit leaves; None where there is no limit.

    What only holds files in memory is let go when there is need, and counts as free.
    """
    for folder, most, used, names in (
        ("", "memory.max", "memory.current", ("inactive_file", "active_file")),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")),
    ):
        place = _CGROUP / folder
        with suppress(OSError, ValueError):
            limit = int((place / most).read_text(encoding="ascii"))
            taken = int((place / used).read_text(encoding="ascii"))
            return max(0, limit - taken + _held(place / "memory.stat", names))
    return None


def _held(path: Path, names: Collection[str]) -> int:
    with suppress(OSError, ValueError):
        lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
        return sum(int(value) for name, value in lines if name in names)
    return 0
