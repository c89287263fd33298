"""What only talks starts without the frameworks, in a moment."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from autoft.testing.tiny import save_tiny

HEAVY = ("torch", "peft", "pandas", "plotly", "transformers.modeling_utils", "transformers.models.auto.modeling_auto")
PROGRAM = f"""
import contextlib, io, json, sys
from autoft.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    code = main(sys.argv[1:])
print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def started(folder: Path, *words: str) -> tuple[int, list[str]]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, heavy = json.loads(run.stdout)
    return code, heavy


@pytest.mark.parametrize(
    "words",
    [("--help",), ("search", "--help"), ("--version",), ("ls", "tasks"), ("ls", "methods"), ("ls", "spaces"), ("ls",)],
    ids=" ".join,
)
def test_no_framework_is_imported(words: tuple[str, ...], tmp_path: Path) -> None:
    assert started(tmp_path, *words) == (0, [])


def test_validate_reads_a_tokenizer_without_a_framework(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "bert")
    assert (folder / "tokenizer.json").is_file()
    assert started(tmp_path, "validate", "ner", "--model", str(folder)) == (0, [])


def test_wrong_input_is_told_without_a_framework(tmp_path: Path) -> None:
    assert started(tmp_path, "search", "nre") == (2, [])


def test_importing_the_package_imports_no_framework() -> None:
    program = f"import autoft, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_help_takes_half_a_second_of_cpu(tmp_path: Path) -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", "from autoft.cli import main; main()", "--help"],
            cwd=tmp_path, capture_output=True, check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.5
