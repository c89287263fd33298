"""Classification at the command line: pairs from rows to ONNX, class folders, and what is wrong with rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import autoft
from autoft.cli import main
from autoft.errors import DataError

SPACE = """
version: 1
task: classification
train: {batch_size: 4, epochs: {low: 6, high: 8}, dropout: 0.0}
method:
  full: {learning_rate: {low: 2e-3, high: 1e-2, log: true}}
default:
  method: {full: {learning_rate: 3e-3}}
  train: {epochs: 8}
"""
PEOPLE, PLACES = ("anna", "john", "smith"), ("paris", "berlin", "york", "google")


def row(index: int) -> dict[str, Any]:
    """A pair of texts that speak of the same person or not; the second says so by its first word."""
    same = index % 2
    first = f"{PEOPLE[index % 3]} visited {PLACES[index % 4]}"
    second = f"{'the' if same else 'in'} {PLACES[index // 3 % 4]} {index}"
    return {"premise": first, "hypothesis": second, "label": ("no", "yes")[same]}


@pytest.fixture(scope="module")
def pairs(desk: Any) -> Any:
    """A corpus of pairs on the desk."""
    (desk.folder / "pairs").mkdir()
    for split, first, last in (("train", 0, 40), ("dev", 40, 60), ("test", 60, 80)):
        lines = "".join(json.dumps(row(index)) + "\n" for index in range(first, last))
        (desk.folder / "pairs" / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    (desk.folder / "classes.yaml").write_text(SPACE, encoding="utf-8")
    return desk


@pytest.fixture(scope="module")
def found(pairs: Any) -> Any:
    """The result of a search by accuracy."""
    given = ("--data", "pairs", "--model", "model", "--space", "classes.yaml", "--finalists", "0")
    pairs.run("search", "classification", *given, "--study", "pairs", "--trials", "2", "--metric", "accuracy")
    return pairs.result("pairs")


@pytest.fixture
def study(pairs: Any, found: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder; commands are typed beside it."""
    del found
    monkeypatch.chdir(pairs.folder)
    return Path(pairs.folder / "studies" / "pairs")


def rows_of(desk: Any, split: str) -> list[dict[str, Any]]:
    lines = (desk.folder / "pairs" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def plain_labels(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """What a model folder says, without a line of autoft."""
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        scores = [model(**tokenizer(one["premise"], one["hypothesis"], return_tensors="pt")).logits[0] for one in rows]
    return [model.config.id2label[int(one.argmax())] for one in scores]


def test_plain_transformers_and_scikit_learn_give_the_same_score(pairs: Any, study: Path, found: Any) -> None:
    rows = rows_of(pairs, "dev")
    references = [one["label"] for one in rows]
    assert accuracy_score(references, plain_labels(study / "best", rows)) == pytest.approx(found["best"]["dev"])
    assert found["metric"] == "accuracy"


def test_the_test_split_scores_alike(pairs: Any, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "pairs", "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)["best"]
    rows = rows_of(pairs, "test")
    expected = f1_score([one["label"] for one in rows], plain_labels(study / "best", rows), average="macro")
    assert scored["macro_f1"] == pytest.approx(expected)


def test_predict_reads_pairs(pairs: Any, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "pairs", "pairs/test.jsonl"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = rows_of(pairs, "test")
    assert [answer["label"] for answer in answers] == plain_labels(study / "best", rows)
    assert [answer["text_pair"] for answer in answers] == [one["hypothesis"] for one in rows]
    assert all(sum(answer["scores"].values()) == pytest.approx(1.0) for answer in answers)


def test_a_single_text_is_refused_with_its_place(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del study
    lines = [json.dumps({"text": "anna visited paris", "text_pair": "the google 1"}), "anna visited paris"]
    Path("mixed.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["predict", "pairs", "mixed.txt"]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err.startswith(
        "mixed.txt:2: a pair of texts expected, as the model was trained on, got 'anna visited paris'"
    )


def test_a_loaded_model_refuses_single_texts_all_at_once(study: Path) -> None:
    pair = {"text": "anna visited paris", "text_pair": "the google 1"}
    with pytest.raises(DataError) as caught:
        autoft.load(study / "best").predict([pair, "anna", "john"])
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["inputs[1]", "inputs[2]"]


def test_a_folder_that_does_not_say_whether_it_knows_pairs_loads(study: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(study / "best", tmp_path / "old")
    facts = json.loads((folder / "autoft.json").read_text(encoding="utf-8"))
    del facts["asked"]
    (folder / "autoft.json").write_text(json.dumps(facts), encoding="utf-8")
    assert len(autoft.load(folder).predict(["anna", {"text": "anna", "text_pair": "john"}])) == 2


def test_an_onnx_export_tells_one_text_from_the_other(pairs: Any, study: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    assert main(["export", "pairs", "as-onnx", "--format", "onnx"]) == 0
    session = onnxruntime.InferenceSession(str(pairs.folder / "as-onnx" / "model.onnx"))
    assert [one.name for one in session.get_inputs()] == ["input_ids", "attention_mask", "token_type_ids"]
    tokenizer, rows = AutoTokenizer.from_pretrained(study / "best"), rows_of(pairs, "dev")
    encoded = [tokenizer(one["premise"], one["hypothesis"], return_tensors="np") for one in rows]
    names = ("input_ids", "attention_mask", "token_type_ids")
    scores = [session.run(None, {name: one[name].astype(np.int64) for name in names})[0][0] for one in encoded]
    assert [("no", "yes")[int(one.argmax())] for one in scores] == plain_labels(study / "best", rows)


def test_a_search_that_learns_nothing_says_so(pairs: Any, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del study
    (pairs.folder / "same").mkdir()
    for split in ("train", "dev"):
        # One text cannot tell its labels apart: every model gives one answer to all of them.
        rows = [{"text": "anna visited paris", "label": "no" if index % 3 else "yes"} for index in range(12)]
        text = "".join(json.dumps(one) + "\n" for one in rows)
        (pairs.folder / "same" / f"{split}.jsonl").write_text(text, encoding="utf-8")
    given = ("--data", "same", "--model", "model", "--space", "classes.yaml", "--finalists", "0", "--study", "nothing")
    told = pairs.run("search", "classification", *given, "--trials", "1")
    dev = pairs.result("nothing")["best"]["dev"]
    assert f"Nothing was learned: dev macro_f1 {dev:.4f} is no more than the same answer for every row" in told.stdout
    assert main(["report", "nothing"]) == 0
    capsys.readouterr()
    assert "Nothing was learned" in (pairs.folder / "studies" / "nothing" / "report.html").read_text(encoding="utf-8")


def test_class_folders_and_what_is_wrong_with_them(pairs: Any, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del study
    for split in ("train", "dev"):
        for label in ("ham", "spam"):
            (pairs.folder / "folders" / split / label).mkdir(parents=True)
            for number in range(6):
                text = f"{label} of {split} {number}"
                (pairs.folder / "folders" / split / label / f"{number}.txt").write_text(text, encoding="utf-8")
    given = ["validate", "classification", "--data", "folders", "--space", "classes.yaml", "--model", "model"]
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == {
        "ham": {"train": 6, "dev": 6},
        "spam": {"train": 6, "dev": 6},
    }
    (pairs.folder / "folders" / "dev" / "spam" / "7.txt").write_text("", encoding="utf-8")
    assert main(given) == 2
    assert "folders/dev/spam/7.txt: at least one row expected, the file is empty" in capsys.readouterr().err
