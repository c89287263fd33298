"""SIGTERM ends a command as an exception, and only while the command runs."""

from __future__ import annotations

import signal
import threading

import pytest

from autoft.cli import main
from autoft.cli.signals import Terminated, sigterm_raises


def test_sigterm_raises_within_the_body() -> None:
    with pytest.raises(Terminated), sigterm_raises():
        signal.raise_signal(signal.SIGTERM)


def test_a_command_leaves_the_handler_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("autoft ")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_thread_may_run_a_command() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["--version"])))
    thread.start()
    thread.join()
    assert codes == [0]
