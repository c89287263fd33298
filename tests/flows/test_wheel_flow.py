"""What users install: a wheel, away from the checkout, carries spaces and samples and searches."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

import autoft
from autoft.data import sample_names
from autoft.space import space_names

ROOT = Path(autoft.__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("needs a checkout, found an installed package")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(folder), str(ROOT)]
    # Without hatchling at hand pip fetches it.
    run(*build, *(["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []), folder=folder)
    (made,) = folder.glob("autoft-*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; all it depends on is read from this one."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", folder, folder=folder.parent)
    made = folder / "bin" / "python"
    run(made, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, folder=folder.parent)
    place = run(
        made, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder.parent
    ).stdout.strip()
    Path(place, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return made


def test_the_wheel_carries_spaces_and_samples(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"autoft/_spaces/{name}.yaml" for name in space_names()} <= set(names)
    package = Path(autoft.__file__).parent
    carried = {
        f"autoft/{path.relative_to(package).as_posix()}" for path in (package / "data" / "samples").glob("*/*.*")
    }
    assert {name.split("/")[3] for name in carried} >= set(sample_names())
    carried |= {f"autoft/strategy/portfolios/{path.name}" for path in package.glob("strategy/portfolios/*")}
    assert carried <= set(names)
    assert not [
        name for name in names if "__pycache__" in name or name.startswith(("tests/", "studies/", "benchmarks/"))
    ]


def test_the_wheel_is_what_is_imported(python: Path, tmp_path: Path) -> None:
    found = run(python, "-c", "import autoft; print(autoft.__file__)", folder=tmp_path).stdout
    assert Path(found.strip()).is_relative_to(python.parents[1])


def test_the_wheel_searches_outside_the_checkout(python: Path, desk: Any) -> None:
    command = python.with_name("autoft")
    assert "ner-wide" in run(command, "ls", "spaces", folder=desk.folder).stdout
    given = ("--data", "corpus", "--model", "model", "--space", "space.yaml", "--trials", "2", "--study", "wheel")
    run(command, "search", "ner", *given, folder=desk.folder)
    assert desk.result("wheel")["trials"]["configurations"] == 2
    assert (desk.folder / "studies" / "wheel" / "best" / "model.safetensors").is_file()
