"""The `datasets` library's own folders; importing it takes seconds, hence slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autoft.data import read_data
from autoft.errors import DataError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def made() -> Any:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
        }
    )
    columns = {"tokens": [["Zoë", "ran"], ["So"]], "ner_tags": [[1, 0], [0]]}
    return datasets.Dataset.from_dict(columns, features=features)


def test_a_saved_dictionary_of_splits_is_read(tmp_path: Path, made: Any) -> None:
    datasets = pytest.importorskip("datasets")
    parts = {"train": made, "validation": made.select([1]), "test": made}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    data = read_data(str(tmp_path / "saved"), dev_share=0.5, seed=0)
    assert [len(rows) for rows in data.splits.values()] == [2, 1, 2]
    row = data.splits["train"][0]
    assert row.values == {"tokens": ["Zoë", "ran"], "ner_tags": ["B-PER", "O"]}
    assert row.place == f"{tmp_path}/saved/train:1"


def test_one_saved_data_set_is_split(tmp_path: Path, made: Any) -> None:
    made.save_to_disk(str(tmp_path / "saved"))
    data = read_data(str(tmp_path / "saved"), dev_share=0.5, seed=0)
    assert [len(rows) for rows in data.splits.values()] == [1, 1]


def test_its_parquet_files_give_names(tmp_path: Path, made: Any) -> None:
    made.to_parquet(str(tmp_path / "corpus.parquet"))
    data = read_data(str(tmp_path / "corpus.parquet"), dev_share=0.5, seed=0)
    tags = [row.values["ner_tags"] for rows in data.splits.values() for row in rows]
    assert sorted(tags) == [["B-PER", "O"], ["O"]]


def test_a_broken_saved_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(DataError, match="a folder saved by the package datasets expected"):
        read_data(str(tmp_path), dev_share=0.5, seed=0)


def test_a_hub_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    code = (
        "from autoft.data import read_data\n"
        "from autoft.errors import DataError\n"
        "try:\n    read_data('nobody/nothing-here', dev_share=0.1, seed=0)\n"
        "except DataError as error:\n    print(error)\n"
    )
    env = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "nobody/nothing-here: no such file or folder, and not loaded from the hub" in done.stdout
