"""The list of commands; each lives in a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from autoft.cli.dashboard import dashboard_command
from autoft.cli.doctor import doctor_command
from autoft.cli.export import export_command
from autoft.cli.ls import ls_command
from autoft.cli.predict import predict_command
from autoft.cli.replay import replay_command
from autoft.cli.report import report_command
from autoft.cli.rm import rm_command
from autoft.cli.search import search_command
from autoft.cli.test import score_test_command
from autoft.cli.validate import validate_command

app = typer.Typer(
    name="autoft",
    help="AutoML for fine-tuning: finds the best way to adapt a pretrained model to your data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: dict[str, Callable[..., Any]] = {
    "search": search_command,
    "test": score_test_command,
    "report": report_command,
    "dashboard": dashboard_command,
    "export": export_command,
    "predict": predict_command,
    "replay": replay_command,
    "ls": ls_command,
    "validate": validate_command,
    "rm": rm_command,
    "doctor": doctor_command,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"autoft {version('autoft')}")
        raise typer.Exit


@app.callback()
def autoft(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """AutoML for fine-tuning: finds the best way to adapt a pretrained model to your data."""
    del version
