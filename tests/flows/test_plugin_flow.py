"""The package of autoft/README.md, installed, searched by worker processes, exported and loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import autoft
from autoft.data.rows import Row
from autoft.tasks import Task
from autoft.testing.tasks import TaskContract
from autoft.testing.tiny import TOKENIZERS, save_tiny

MAP = Path(autoft.__file__).parent / "README.md"
GOOD, BAD = ("anna lives", "john works", "new york"), ("yesterday", "paris visited", "the acme")
TEST_SPACE = """
version: 1
task: sentiment
model: [model, other]
train: {batch_size: 4, epochs: 6, dropout: 0.0}
method: {full: {learning_rate: {low: 1e-3, high: 1e-2, log: true}}}
default: {model: model, method: {full: {learning_rate: 5e-3}}, train: {epochs: 6}}
"""


def documented_files() -> dict[str, str]:
    """Return the files of the section, by path."""
    section = MAP.read_text(encoding="utf-8").partition("## A task in a package of its own")[2].partition("\n## ")[0]
    return dict(re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", section, re.DOTALL))


def install(folder: Path) -> Path:
    """Write the package and what an installer writes beside it."""
    files = documented_files()
    facts = tomllib.loads(files.pop("pyproject.toml"))["project"]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "autoft_sentiment" / "__init__.py").write_text("", encoding="utf-8")
    info = folder / f"{facts['name'].replace('-', '_')}-{facts['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {facts['name']}\nVersion: {facts['version']}\n")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in named.items())
        for group, named in facts["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    return folder


def review(index: int) -> dict[str, str]:
    good = index % 2 == 0
    words = (GOOD if good else BAD)[index // 2 % 3]
    return {"text": f"the {words} in {'of' if index % 3 else 'and'}", "label": "good" if good else "bad"}


def reviews(first: int, last: int) -> str:
    return "".join(json.dumps(review(index)) + "\n" for index in range(first, last))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder on the path."""
    return install(tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def plugged(desk: Any, package: Path) -> Any:
    """The desk where the package is installed, with reviews and two base models."""
    folder: Path = desk.folder
    save_tiny(folder / "other", "distilbert")
    (folder / "reviews").mkdir()
    for split, first, last in (("train", 0, 40), ("dev", 40, 60), ("test", 60, 80)):
        (folder / "reviews" / f"{split}.jsonl").write_text(reviews(first, last), encoding="utf-8")
    (folder / "reviews.yaml").write_text(TEST_SPACE, encoding="utf-8")
    path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    return replace(desk, environment={"PYTHONPATH": path})


def test_the_section_has_all_files() -> None:
    assert set(documented_files()) == {
        "pyproject.toml", "autoft_sentiment/task.py", "autoft_sentiment/search_spaces/sentiment.yaml",
    }  # fmt: skip


def test_the_task_and_its_space_are_listed(plugged: Any) -> None:
    tasks = json.loads(plugged.run("ls", "tasks", "--json").stdout)
    assert [task["metrics"] for task in tasks if task["task"] == "sentiment"] == ["balanced_accuracy"]
    assert any("good or bad" in task["about"] for task in tasks)
    spaces = json.loads(plugged.run("ls", "spaces", "--json").stdout)
    assert [space["task"] for space in spaces if space["space"] == "sentiment"] == ["sentiment"]


def test_its_own_space_and_data_are_judged(plugged: Any) -> None:
    words = ("validate", "sentiment", "--data", "reviews", "--model", "model", "--json")
    found = json.loads(plugged.run(*words).stdout)
    assert found["labels"] == {label: {"train": 20, "dev": 10, "test": 10} for label in ("bad", "good")}
    assert Path(found["space"]["file"]).parent.parent.name == "autoft_sentiment"


def test_wrong_rows_are_told_with_their_places(plugged: Any) -> None:
    folder = plugged.folder / "wrong"
    folder.mkdir()
    (folder / "train.jsonl").write_text(reviews(0, 4) + '{"text": "x", "label": "fine"}\n', encoding="utf-8")
    (folder / "dev.jsonl").write_text(reviews(4, 8), encoding="utf-8")
    told = plugged.run("validate", "sentiment", "--data", "wrong", "--model", "model", code=2).stderr
    assert "train.jsonl:5: 'text' and 'label' (good or bad) expected" in told


def test_without_data_of_its_own_it_says_what_is_missing(plugged: Any) -> None:
    assert "--data" in plugged.run("validate", "sentiment", "--model", "model", code=2).stderr


@pytest.fixture(scope="module")
def found(plugged: Any) -> Any:
    """A search by two worker processes over two base models."""
    words = ("--data", "reviews", "--space", "reviews.yaml", "--study", "reviews", "--finalists", "0")
    plugged.run("search", "sentiment", *words, "--trials", "3", "--workers", "2")
    return plugged.result("reviews")


def test_workers_search_it(found: Any) -> None:
    assert (found["task"], found["metric"], found["plain"]) == ("sentiment", "balanced_accuracy", True)
    assert found["trials"]["failed"] == 0
    assert found["best"]["dev"] > 0.5


@pytest.mark.usefixtures("found")
def test_it_is_tested_exported_and_loaded(plugged: Any) -> None:
    assert plugged.run("test", "reviews").returncode == 0
    assert plugged.result("reviews")["test"]["best"]["balanced_accuracy"] > 0.5
    plugged.run("export", "reviews", "reviews-model")
    (plugged.folder / "texts.txt").write_text("the anna lives in of\nthe yesterday in and\n", encoding="utf-8")
    lines = plugged.run("predict", "reviews-model", "texts.txt").stdout.splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["good", "bad"]
    assert [json.loads(line)["text"] for line in lines] == ["the anna lives in of", "the yesterday in and"]


@pytest.mark.slow
def test_a_replay_has_the_same_bits(plugged: Any, found: Any) -> None:
    replay = json.loads(plugged.run("replay", "reviews", str(found["best"]["trial"]), "--json").stdout)
    assert replay["replayed"] == replay["recorded"]


class TestContract(TaskContract):
    """The laws of every task, for the one in the document."""

    @pytest.fixture
    def task(self, package: Path) -> Task[Any, Any]:
        spec = importlib.util.spec_from_file_location("documented_task", package / "autoft_sentiment" / "task.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made: Task[Any, Any] = module.Sentiment()
        return made

    @pytest.fixture
    def rows(self) -> Sequence[Row]:
        made = [review(index) for index in range(12)]
        return [Row({**one, "text": one["text"] * (1 + at % 3)}, "x.jsonl", at + 1) for at, one in enumerate(made)]

    @pytest.fixture
    def references(self, examples: list[Any]) -> list[Any]:
        return [label for _, label in examples]

    @pytest.fixture(params=list(TOKENIZERS))
    def tokenizer(self, request: pytest.FixtureRequest) -> Any:
        return TOKENIZERS[request.param]()

    @pytest.fixture
    def cuts(self) -> bool:
        return True
