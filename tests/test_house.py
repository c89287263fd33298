"""The guards that hold for every test do what they say."""

from __future__ import annotations

import random
import socket
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings


def test_other_machines_are_out_of_reach() -> None:
    # 192.0.2.0/24 is reserved for documentation: were the guard off, nobody would answer.
    with socket.socket() as outside, pytest.raises(RuntimeError, match=r"no network, but .* '192\.0\.2\.1'"):
        outside.connect(("192.0.2.1", 80))


def test_names_of_other_machines_are_not_looked_up() -> None:
    with pytest.raises(RuntimeError, match=r"no network, but .* 'autoft\.example'"):
        socket.create_connection(("autoft.example", 80), timeout=1)


def test_names_that_cannot_exist_are_unknown_without_a_look_up() -> None:
    with pytest.raises(socket.gaierror, match="not known"):
        socket.create_connection(("autoft.invalid", 80), timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no unix sockets")
def test_unix_sockets_can_be_reached() -> None:
    # A socket's path is limited to some hundred characters, which tmp_path may exceed.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        place = str(Path(folder) / "s")
        server.bind(place)
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(place)
            assert client.getpeername() == place


@pytest.mark.parametrize("time", [1, 2])
def test_random_numbers_are_the_same_in_each_test(time: int) -> None:
    del time
    assert (random.random(), np.random.rand()) == (0.8444218515250481, 0.5488135039273248)  # noqa: NPY002


def test_properties_have_no_deadline() -> None:
    assert settings().deadline is None


@pytest.mark.gpu
def test_marked_tests_run_only_with_a_device() -> None:
    import torch

    assert torch.cuda.is_available()
