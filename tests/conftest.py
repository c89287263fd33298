"""What holds for every test: fixed seeds, no network, no GPU where there is none."""

from __future__ import annotations

import ipaddress
import random
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Times depend on what else the machine does, results must not.
settings.register_profile("autoft", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("autoft")

_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", ""})


class NetworkUseError(RuntimeError):
    """A test reached for something beyond this machine."""


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that other libraries draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded_connect(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_look_up(socket.getaddrinfo))
        yield


@pytest.fixture(autouse=True)
def _gpu(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") is None:
        return
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device, found none")


def _guarded_connect(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check_local(address[0])
        return connect(self, address)

    return guarded


def _guarded_look_up(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            # Reserved for names that do not exist (RFC 2606): the answer is known without asking anyone.
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _check_local(host)
        return look_up(host, *arguments, **options)

    return guarded


def _check_local(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in _LOCAL_NAMES:
        return
    try:
        if ipaddress.ip_address(name).is_loopback:
            return
    except ValueError:
        pass
    raise NetworkUseError(f"tests use no network, but this one reached for {name!r}")
