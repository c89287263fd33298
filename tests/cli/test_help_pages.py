"""The help of every command is what was agreed on: `python tests/golden/make_help.py` writes it again."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from autoft.cli.app import COMMANDS

GOLDEN = Path(__file__).parents[1] / "golden"
# Other versions of typer say `<str>` or `TEXT` for the same option.
MADE_WITH = "0.29"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script that writes the golden files."""
    spec = importlib.util.spec_from_file_location("make_help", GOLDEN / "make_help.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.skipif(not version("typer").startswith(MADE_WITH), reason=f"the pages were made with typer {MADE_WITH}")
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_as_agreed(command: str, maker: ModuleType) -> None:
    expected = (GOLDEN / "help" / f"{command or 'autoft'}.txt").read_text(encoding="utf-8")
    assert maker.help_of(command) == expected


def test_every_page_belongs_to_a_command() -> None:
    assert {path.stem for path in (GOLDEN / "help").glob("*.txt")} == {"autoft", *COMMANDS}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_names_its_command(command: str, maker: ModuleType) -> None:
    assert f"autoft {command}" in maker.help_of(command).partition("Example:")[2]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("ls", "search", "validate", "doctor")])
def test_commands_on_a_study_say_where_it_lives(command: str, maker: ModuleType) -> None:
    assert {"--studies-dir", "--storage"} <= set(maker.help_of(command).split())
