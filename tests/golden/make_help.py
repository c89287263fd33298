"""Writes the help of every command to tests/golden/help/: python tests/golden/make_help.py."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "help"


def help_of(command: str) -> str:
    """Return what `autoft COMMAND --help` prints; the empty command is autoft itself."""
    from autoft.cli import main

    os.environ["COLUMNS"] = "100"
    os.environ.pop("FORCE_COLOR", None)
    words = [command, "--help"] if command else ["--help"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main(words)
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def make() -> None:
    """Write all, and remove those of commands that are gone."""
    from autoft.cli.app import COMMANDS

    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for command in ("", *COMMANDS):
        (FOLDER / f"{command or 'autoft'}.txt").write_text(help_of(command), encoding="utf-8")


if __name__ == "__main__":
    make()
    sys.stdout.write(f"written: {FOLDER}\n")
