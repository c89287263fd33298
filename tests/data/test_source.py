from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoft.data import read_data, sample_names
from autoft.data.rows import DataSet
from autoft.errors import DataError

LINES = "".join(f"w{number}\tO\n\n" for number in range(20))


def read(reference: object) -> DataSet:
    return read_data(str(reference), dev_share=0.2, seed=3)


def problems_of(reference: object) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        read(reference)
    return caught.value.problems


def fill(folder: Path, **contents: str) -> Path:
    for name, content in contents.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder


def words(data: DataSet, split: str) -> list[str]:
    return [row.values["tokens"][0] for row in data.splits[split]]


@pytest.mark.parametrize("dev", ["dev", "validation", "valid"])
def test_a_folder_holds_its_splits(tmp_path: Path, dev: str) -> None:
    fill(tmp_path, train_conll="a\tO\n", **{f"{dev}_bio": "b\tO\n"}, test_txt="c O\n")
    data = read(tmp_path)
    assert {name: words(data, name) for name in data.splits} == {
        "train": ["a"], "dev": ["b"], "test": ["c"]
    }  # fmt: skip
    assert data.origin == f"folder {tmp_path}"


def test_a_missing_dev_is_made_from_train(tmp_path: Path) -> None:
    data = read(fill(tmp_path, train_conll=LINES, test_conll="t\tO\n"))
    assert list(data.splits) == ["train", "dev", "test"]
    assert len(data.splits["dev"]) == 4
    assert {*words(data, "train"), *words(data, "dev")} == {f"w{number}" for number in range(20)}
    assert data.origin == f"folder {tmp_path} (dev is 4 of its 20 train rows)"


def test_the_seed_chooses_the_dev_rows(tmp_path: Path) -> None:
    fill(tmp_path, train_conll=LINES)
    again = [read_data(str(tmp_path), dev_share=0.2, seed=seed) for seed in (1, 1, 2)]
    assert words(again[0], "dev") == words(again[1], "dev") != words(again[2], "dev")


def test_one_file_is_split(tmp_path: Path) -> None:
    path = fill(tmp_path, corpus_conll=LINES) / "corpus.conll"
    data = read(path)
    assert [len(rows) for rows in data.splits.values()] == [16, 4]
    assert data.origin.startswith(f"file {path}")


def test_one_row_cannot_be_split(tmp_path: Path) -> None:
    path = fill(tmp_path, corpus_conll="a\tO\n") / "corpus.conll"
    assert problems_of(path) == (f"{path}: a split needs at least 2 rows, got 1, add a dev file",)


def test_two_files_for_a_split_are_told(tmp_path: Path) -> None:
    fill(tmp_path, train_conll="", train_jsonl="", dev_conll="", valid_conll="")
    assert problems_of(tmp_path) == (
        f"{tmp_path}: one file for train expected, got train.conll, train.jsonl",
        f"{tmp_path}: one file for dev expected, got dev.conll, valid.conll",
    )


def test_no_train_is_told_with_what_there_is(tmp_path: Path) -> None:
    fill(tmp_path, training_conll="", README_md="")
    assert problems_of(tmp_path) == (f"{tmp_path}: a file train.* expected, got README.md, training.conll",)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == (f"{tmp_path}: a file train.* expected, got no files",)


def test_other_files_beside_a_split_do_not_disturb(tmp_path: Path) -> None:
    fill(tmp_path, train_conll="a\tO\n", train_py="", dev_conll="b\tO\n", _train_swp="")
    assert words(read(tmp_path), "train") == ["a"]


def test_problems_of_all_splits_come_at_once(tmp_path: Path) -> None:
    fill(tmp_path, train_conll="a\tO\nb\n", dev_jsonl="x\n", test_xlsx="")
    first, second, third = problems_of(tmp_path)
    assert first.startswith(f"{tmp_path}/train.conll:2: 2 columns expected")
    assert second.startswith(f"{tmp_path}/dev.jsonl:1: JSON expected")
    assert third.startswith(f"{tmp_path}/test.xlsx: unknown data format '.xlsx'")


def test_a_missing_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    fill(tmp_path, corpus_conll="")
    assert problems_of(tmp_path / "corpsu.conll") == (
        f"{tmp_path}/corpsu.conll: no such file or folder, did you mean 'corpus.conll'?",
    )


def test_a_missing_file_is_not_sought_on_the_hub() -> None:
    assert problems_of("corpus.jsonl")[0].startswith("corpus.jsonl: no such file or folder")


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5, -1.0])
def test_a_share_that_is_none_is_told(tmp_path: Path, share: float) -> None:
    fill(tmp_path, train_conll=LINES)
    with pytest.raises(DataError, match="dev share: a number between 0 and 1 expected, got"):
        read_data(str(tmp_path), dev_share=share, seed=0)


def test_an_unknown_sample_is_told() -> None:
    assert problems_of("sample:nre")[0].startswith("unknown built-in sample 'nre'")


@pytest.mark.parametrize("name", sample_names())
def test_a_built_in_sample_is_read(name: str) -> None:
    data = read(f"sample:{name}")
    assert data.origin == f"built-in sample {name!r}"
    assert {"train", "dev"} <= set(data.splits)


@pytest.mark.parametrize("reference", ["wikiann", "owner/name"])
def test_the_hub_needs_a_package(monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    (problem,) = problems_of(reference)
    assert problem.startswith(f"{reference}: no such file or folder")
    assert problem.endswith("install autoft[hub]")


def test_a_saved_folder_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    fill(tmp_path, dataset__dict_json="{}")
    (tmp_path / "dataset_dict.json").write_text("{}")
    assert problems_of(tmp_path)[0].endswith("install autoft[hub]")
