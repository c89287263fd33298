"""The entry point: runs one command and returns its exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence

import typer

from autoft.cli.signals import Terminated, sigterm_raises
from autoft.errors import AutoftError, ConfigError, StorageError

DONE, NO_TRIAL, WRONG_INPUT, NO_STORAGE, BUG, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 70, 130, 143


# typer carries a click of its own in some versions and uses the installed one in others.
_UsageError: type[Exception] = typer.BadParameter.mro()[2]


_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (ConfigError, WRONG_INPUT),
    (StorageError, NO_STORAGE),
    (AutoftError, BUG),
    (KeyboardInterrupt, INTERRUPTED),
    (typer.Abort, INTERRUPTED),
    (Terminated, TERMINATED),
    (BrokenPipeError, DONE),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; those of the process unless given.

    Returns:
        0 done, 1 no complete trial, 2 wrong input, 3 storage unreachable, 70 bug, 130 SIGINT, 143 SIGTERM.
    """
    from autoft.cli.app import app

    # Read once by the hub's client at import: no progress bars between our own.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(level=os.environ.get("AUTOFT_LOG", "WARNING"), format="%(name)s: %(message)s")
    try:
        with sigterm_raises():
            result = app(args=None if argv is None else list(argv), prog_name="autoft", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - the one place where errors become exit codes
        return _code_of(error)
    return result if isinstance(result, int) else DONE


def _code_of(error: BaseException) -> int:
    """Tell the user what an error says, and return the exit code that stands for it."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
        # rich met a reader that went away, let go of the output, and asked to end.
        return DONE
    if isinstance(error, _UsageError):
        error.show()  # type: ignore[attr-defined]
        return WRONG_INPUT
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`| head`): nothing is left to say, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    for kind, code in _CODES:
        if isinstance(error, kind):
            return _say(_words(error), code)
    traceback.print_exception(error)
    return _say(["this is a bug in autoft: report the lines above with what you typed"], BUG)


def _words(error: BaseException) -> Sequence[str]:
    if isinstance(error, ConfigError):
        return error.problems
    return [str(error)] if isinstance(error, AutoftError) else []


def _say(problems: Sequence[str], code: int) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return code
