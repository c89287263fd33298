from __future__ import annotations

from pathlib import Path

import pytest

from autoft.data import read_data
from autoft.data.rows import DataSet
from autoft.errors import DataError


def fill(folder: Path, contents: dict[str, str]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def read(folder: Path) -> DataSet:
    return read_data(str(folder), dev_share=0.25, seed=0)


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(folder)
    return [problem.replace(str(folder), "corpus") for problem in caught.value.problems]


def test_a_folder_a_label_makes_a_split(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "train/spam/b.txt": "buy\nnow\n",
            "train/spam/a.txt": "win",
            "train/ham/1.TXT": "lunch?",
            "train/.cache/x.txt": "hidden",
            "train/ham/.DS_Store": "hidden",
            "validation/ham/2.txt": "späte Antwort",
            "test.csv": "text,label\nwin,spam\n",
        },
    )
    data = read(tmp_path)
    assert [(row.values["label"], row.values["text"]) for row in data.splits["train"]] == [
        ("ham", "lunch?"),
        ("spam", "win"),
        ("spam", "buy\nnow"),
    ]
    assert data.splits["dev"][0].place == f"{tmp_path}/validation/ham/2.txt:1"
    assert data.splits["test"][0].values == {"text": "win", "label": "spam"}


def test_folders_of_labels_alone_are_split(tmp_path: Path) -> None:
    fill(tmp_path, {f"{label}/{number}.txt": f"{label} {number}" for label in "ab" for number in range(4)})
    data = read(tmp_path)
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 6, "dev": 2}


def test_every_file_that_does_not_fit_is_told(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "train/README.md": "about",
            "train/ham/1.txt": "fine",
            "train/ham/2.png": "no text",
            "train/ham/deeper/3.txt": "too deep",
            "train/spam/4.txt": " ",
        },
    )
    (tmp_path / "train/empty").mkdir()
    (tmp_path / "train/spam/5.txt").write_bytes(b"caf\xe9")
    assert problems_of(tmp_path) == [
        "corpus/train/README.md: a folder for each label expected, got a file",
        "corpus/train/empty: at least one .txt file expected, got none",
        "corpus/train/ham/2.png: a .txt file expected, got a file .png",
        "corpus/train/ham/deeper: a .txt file expected, got a folder",
        "corpus/train/spam/4.txt: at least one row expected, the file is empty",
        "corpus/train/spam/5.txt:1: UTF-8 expected, got byte 0xe9 at offset 3, save the file as UTF-8",
    ]


def test_a_split_is_a_file_or_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, {"train/ham/1.txt": "fine", "train.csv": "text,label\na,b\n"})
    assert problems_of(tmp_path) == ["corpus: one file for train expected, got train, train.csv"]
