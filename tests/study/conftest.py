"""A tiny base model, a tiny corpus, and a study of both within this process."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
import torch

from autoft import faults
from autoft.space import SearchSpace, parse_space
from autoft.storage.database import open_database
from autoft.storage.studies import StudyHandle, create_study, open_study
from autoft.strategy.schedule import SCHEDULES, Ruling, Schedule, Verdict
from autoft.strategy.standing import Standing
from autoft.strategy.stopping import TimeLimit
from autoft.study.bench import Workbench
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig
from autoft.study.paused import paused_states
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial import TrialContext
from autoft.study.trial_weights import weights_store
from autoft.tasks import TASKS
from autoft.testing.tiny import save_tiny

SearchOnce = Callable[[Callable[[StudyHandle], TrialContext], Callable[[TrialContext], None]], TrialContext]

SPACE = """
version: 1
task: ner
model: {model}
train:
  batch_size: 4
  epochs: {{low: 3, high: 4}}
  dropout: {{low: 0.0, high: 0.2}}
method:
  full: {{learning_rate: {{low: 1e-3, high: 1e-2, log: true}}}}
  lora: {{learning_rate: {{low: 1e-3, high: 1e-2, log: true}}, rank: 2}}
default:
  method: {{full: {{learning_rate: 5e-3}}}}
  train: {{epochs: 3, batch_size: 4, dropout: 0.1}}
"""


def sentence(index: int) -> str:
    person, place = ("anna", "john", "smith")[index % 3], ("paris", "berlin", "york")[index // 3 % 3]
    return f"{person} B-PER\nlives O\nin O\n{place} B-LOC\n"


class PausesAtRungs(Schedule):
    """Judges nobody by the others."""

    def verdict(self, mine: Standing, peers: object, step: int, *, paused: object = ()) -> Ruling:
        del peers, paused
        pauses = step in mine.rungs and step in self.rungs[:-1]
        return Ruling(Verdict.PAUSE, f"rung {step}: pauses") if pauses else Ruling(Verdict.GO_ON, "")

    def _judge(self, mine: Standing, others: list[Standing], rung: int, paused: Collection[int]) -> Ruling:
        raise NotImplementedError


@pytest.fixture
def pauses_at_rungs() -> Schedule:
    """A schedule that pauses every configuration, the default too, at each rung before the last."""
    return PausesAtRungs()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT."""
    return save_tiny(tmp_path_factory.mktemp("tiny") / "bert", "bert")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder of splits: 24 sentences of train, 6 of dev."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, numbers in (("train", range(24)), ("dev", range(24, 30))):
        (folder / f"{split}.conll").write_text("\n".join(map(sentence, numbers)), encoding="utf-8")
    return folder


@pytest.fixture
def config(tmp_path: Path, corpus: Path) -> StudyConfig:
    """A study of the tiny corpus."""
    return StudyConfig(
        name="first",
        task="ner",
        metric="f1",
        seed=0,
        data=DataConfig(source=str(corpus)),
        budget=BudgetConfig(trials=5),
        compute=ComputeConfig(device="cpu", threads=1),
        storage=StorageConfig(folder=str(tmp_path / "studies")),
    )


@pytest.fixture
def space(tiny_folder: Path) -> SearchSpace:
    """A space around the tiny model."""
    return parse_space(SPACE.format(model=tiny_folder), space_schema(), source="tiny.yaml")


@pytest.fixture
def work_on(config: StudyConfig, space: SearchSpace) -> Callable[[StudyHandle], TrialContext]:
    """Return what a worker's trials of a study need, in this process."""

    def context(study: StudyHandle) -> TrialContext:
        data = load_rows(TASKS.get(config.task)(), config.data, seed=0)
        return TrialContext(
            config=config,
            study=study,
            space=space,
            schedule=SCHEDULES.get("full")(),
            workbench=Workbench(config, data, torch.device("cpu")),
            weights=weights_store(config),
            paused=paused_states(config),
            stop=threading.Event(),
            limit=TimeLimit(),
        )

    return context


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread, as the study of these tests says; a replay compares bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test of a module leaves its search for the others."""
    return tmp_path_factory.mktemp("once") / "studies"


@pytest.fixture
def search_once(config: StudyConfig, once: Path) -> Iterator[SearchOnce]:
    """Return what opens a module's search, as another process would: the first test makes it, the others copy it."""
    folder, opened = Path(config.storage.folder), []

    def search(make: Callable[[StudyHandle], TrialContext], run: Callable[[TrialContext], None]) -> TrialContext:
        if once.is_dir():
            shutil.copytree(once, folder)
        else:
            database = open_database(None, folder)
            run(make(create_study(database, "first", metric=config.metric, config="{}")))
            database.close()
            shutil.copytree(folder, once)
        opened.append(open_database(None, folder))
        return make(open_study(opened[-1], "first"))

    yield search
    for database in opened:
        database.close()


@pytest.fixture
def context(config: StudyConfig, work_on: Callable[[StudyHandle], TrialContext]) -> Iterator[TrialContext]:
    """What the trials of a new study need."""
    database = open_database(None, Path(config.storage.folder))
    yield work_on(create_study(database, config.name, metric=config.metric, config="{}"))
    database.close()


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the fault switch for this test."""
    faults.reset()
    yield lambda plan: monkeypatch.setenv("AUTOFT_FAULTS", plan)
    faults.reset()
