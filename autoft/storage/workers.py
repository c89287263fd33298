"""Names of workers, from which it can be told on the same machine that one has died."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def worker_name() -> str:
    """Return a name that no other process has, before or after: machine/process/start."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid()) or 0}"


def is_dead(worker: str) -> bool:
    """Tell whether a worker is known to be dead; nothing is known of other machines."""
    machine, _, rest = worker.rpartition("/")[0].rpartition("/")
    started = worker.rpartition("/")[2]
    if machine != _machine() or not rest.isdigit() or started in {"", "0"}:
        return False
    return _started(int(rest)) != started


def seconds_running() -> float:
    """Return how long ago this process started; 0 where the system does not say it, which Linux does."""
    started = _started(os.getpid())
    with suppress(OSError, ValueError):
        if started is not None:
            up = float((_PROC / "uptime").read_text().split()[0])
            return max(0.0, up - int(started) / os.sysconf("SC_CLK_TCK"))
    return 0.0


def _machine() -> str:
    """Return the host, its boot and its space of process numbers, of which containers have own."""
    boot = _PROC / "sys/kernel/random/boot_id"
    try:
        since, space = boot.read_text().strip()[:8], (_PROC / "self/ns/pid").readlink().name
    except OSError:
        since, space = "", ""
    return f"{socket.gethostname()}/{since}/{space}"


def _started(process: int) -> str | None:
    """Return when a process started, in ticks since boot; None where it does not run."""
    try:
        fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # A process that was killed but not waited for is dead too.
    return None if fields[0] == "Z" else fields[19]
