"""The documents tell the truth: every name occurs, every command line parses, every file that is named exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

import autoft
from autoft.cli.app import COMMANDS, app
from autoft.models.heads import HEADS
from autoft.models.methods import METHODS
from autoft.space import space_names
from autoft.tasks import TASKS
from autoft.training.config import OPTIMIZERS

ROOT = Path(autoft.__file__).parents[1]
DOCUMENTS = [
    path
    for path in (
        ROOT / "README.md",
        ROOT / "README.zh.md",
        *(ROOT / room / "README.md" for room in ("autoft", "search_spaces", "studies", "benchmarks")),
        ROOT / ".github" / "CONTRIBUTING.md",
        *sorted(ROOT.glob("search_spaces/*.yaml")),
    )
    if path.is_file()
]
NAMES = {
    **{f"autoft {name}": "command" for name in COMMANDS},
    **dict.fromkeys(METHODS.names(), "method"),
    **dict.fromkeys(TASKS.names(), "task"),
    **dict.fromkeys(space_names(), "space"),
    **dict.fromkeys(HEADS.names(), "head"),
    **dict.fromkeys(OPTIMIZERS.names(), "optimizer"),
}


def command_lines(text: str) -> list[str]:
    """Return the command lines of a document, in code spans and blocks; a command that is only named is none."""
    code = re.findall(r"`([^`\n]+)`", text)
    code += [line.strip() for line in text.splitlines() if line.startswith(("    ", "#   ", "\t"))]
    found = []
    for line in code:
        match = re.match(r"(?:#\s+)?(?:\.venv/bin/)?(autoft [a-z].*)", line)
        if match and len(match[1].split()) > 2:
            found.append(match[1].partition("#")[0].partition("   ")[0].strip())
    return found


LINES = [(path, line) for path in DOCUMENTS for line in command_lines(path.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def everything() -> str:
    """The text of all documents."""
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_written_about(name: str, everything: str) -> None:
    pattern = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    assert re.search(pattern, everything), f"no document names the {NAMES[name]} {name!r}"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_shows_every_command(command: str, page: str) -> None:
    assert f"autoft {command}" in (ROOT / page).read_text(encoding="utf-8")


def test_the_pages_name_each_other() -> None:
    assert "(README.zh.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(README.md)" in (ROOT / "README.zh.md").read_text(encoding="utf-8")


def test_the_chinese_page_has_the_figures_of_the_english_one() -> None:
    """Every number of its result's table stands in the same row of the English table."""
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")]
    english, chinese = [result_rows(page) for page in pages]
    assert len(chinese) == 3
    assert chinese == english[: len(chinese)]


def result_rows(page: str) -> list[list[str]]:
    """Return the numbers of each row of scores, in their order, without the label of the row."""
    rows = [line.partition("|")[2].partition("|")[2] for line in page.splitlines() if re.match(r"\|.*\+0\.", line)]
    return [re.findall(r"[+−]?\d+\.\d+", row) for row in rows]


@pytest.mark.parametrize(("path", "line"), LINES, ids=[f"{path.name}-{line}" for path, line in LINES])
def test_every_command_line_is_one_that_the_parser_takes(path: Path, line: str) -> None:
    del path
    words = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    with group.make_context("autoft", list(words), resilient_parsing=False) as context:
        name, command, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]
        command.make_context(name, list(rest), parent=context).close()


def test_there_are_command_lines_to_check() -> None:
    assert len(LINES) > 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:autoft|search_spaces|tests|benchmarks|\.github|\.ci)/[\w./-]+)`", text))
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert missing == []


def test_every_option_of_search_is_written_about(everything: str) -> None:
    """The help says what each does; the documents name those that change what a search means."""
    named = ("--data", "--trials", "--study", "--model", "--space", "--workers", "--storage", "--json", "--dry-run")
    assert [option for option in named if option not in everything] == []
