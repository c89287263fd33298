"""Relation extraction from a corpus to an exported model, and what plain transformers makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import f1_score
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import autoft
from autoft.cli import main
from autoft.files import check_manifest

SPACE = """
version: 1
task: relation
head: {head}
train:
  batch_size: 4
  epochs: {{low: 6, high: 8}}
  dropout: 0.0
freeze: {{low: 0.0, high: 0.5}}
method:
  full: {{learning_rate: {{low: 2e-3, high: 1e-2, log: true}}}}
  lora: {{learning_rate: {{low: 3e-3, high: 3e-2, log: true}}, rank: 2}}
default:
  method: {{full: {{learning_rate: 3e-3}}}}
  train: {{epochs: 8}}
"""
PEOPLE, PLACES = ("anna", "john", "smith"), ("paris", "berlin", "york", "google")
INPUT = {"text": "anna lives in new york", "head": {"start": 0, "end": 4}, "tail": {"start": 14, "end": 22}}


def row(index: int) -> dict[str, Any]:
    """A pair of names; the verb tells the relation, and the markers its direction."""
    verb = ("visited", "lives in")[index % 2]
    text = f"{PEOPLE[index % 3]} {verb} {PLACES[index // 3 % 4]}"
    spans = [{"start": 0, "end": text.index(" ")}, {"start": text.rindex(" ") + 1, "end": len(text)}]
    backwards = index // 2 % 2
    relation = ("Visit", "Home")[index % 2] + ("(e1,e2)", "(e2,e1)")[backwards]
    head, tail = spans[::-1] if backwards else spans
    return {"text": text, "head": head, "tail": tail, "relation": "Other" if index % 11 == 0 else relation}


@pytest.fixture(scope="module")
def relations(desk: Any) -> Any:
    """A corpus of relations on the desk, and a space."""
    (desk.folder / "relations").mkdir()
    for split, first, last in (("train", 0, 48), ("dev", 48, 72), ("test", 72, 96)):
        lines = "".join(json.dumps(row(index)) + "\n" for index in range(first, last))
        (desk.folder / "relations" / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    for head in ("linear", "marker-pair"):
        (desk.folder / f"{head}.yaml").write_text(SPACE.format(head=head), encoding="utf-8")
    return desk


def search(desk: Any, study: str, head: str, trials: int) -> Any:
    given = ("--data", "relations", "--model", "model", "--space", f"{head}.yaml", "--finalists", "0")
    desk.run("search", "relation", *given, "--study", study, "--trials", str(trials))
    return desk.result(study)


@pytest.fixture(scope="module")
def found(relations: Any) -> Any:
    """The result of a search."""
    return search(relations, "relations", "linear", 3)


@pytest.fixture
def study(relations: Any, found: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder; commands are typed beside it."""
    del found
    monkeypatch.chdir(relations.folder)
    return Path(relations.folder / "studies" / "relations")


def by_hand(one: dict[str, Any]) -> str:
    """The marked text, as the model card says."""
    marks = [(one["head"], "[HEAD]", "[/HEAD]"), (one["tail"], "[TAIL]", "[/TAIL]")]
    text: str = one["text"]
    for span, opening, closing in sorted(marks, key=lambda mark: -mark[0]["start"]):
        start, end = span["start"], span["end"]
        before = text[:start].removesuffix(" ")
        text = before + opening + text[len(before) : end] + closing + text[end:]
    return text


def plain_predictions(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """What a model folder says, without a line of autoft."""
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    predictions = []
    for one in rows:
        with torch.no_grad():
            best = int(model(**tokenizer(by_hand(one), return_tensors="pt")).logits[0].argmax())
        predictions.append(model.config.id2label[best])
    return predictions


def plain_f1(folder: Path, corpus: Path) -> float:
    """Micro F1 without the class of no relation, by scikit-learn."""
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    references, predictions = [one["relation"] for one in rows], plain_predictions(folder, rows)
    relations = sorted({*references, *predictions} - {"Other"})
    return float(f1_score(references, predictions, labels=relations, average="micro", zero_division=0))


def test_plain_transformers_and_scikit_learn_give_the_same_score(relations: Any, study: Path, found: Any) -> None:
    assert found["plain"] is True
    assert found["best"]["dev"] > 0
    assert plain_f1(study / "best", relations.folder / "relations" / "dev.jsonl") == pytest.approx(found["best"]["dev"])


def test_the_test_split_scores_alike(relations: Any, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "relations", "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)["best"]
    assert scored["f1"] == pytest.approx(plain_f1(study / "best", relations.folder / "relations" / "test.jsonl"))
    assert {"semeval_f1", "macro_f1", "accuracy", "f1.Home(e1,e2)"} <= set(scored)
    assert "f1.Other" not in scored


def test_the_delivered_folder_has_the_markers_and_says_how_they_are_put(study: Path) -> None:
    facts = check_manifest(study / "best")
    assert facts["labels"] == ["Other", "Home(e1,e2)", "Home(e2,e1)", "Visit(e1,e2)", "Visit(e2,e1)"]
    tokenizer = AutoTokenizer.from_pretrained(study / "best")
    assert tokenizer.tokenize("[HEAD]anna[/HEAD]s") == ["[HEAD]", "anna", "[/HEAD]", "s"]
    model = AutoModelForSequenceClassification.from_pretrained(study / "best")
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)
    card = (study / "best" / "README.md").read_text(encoding="utf-8")
    assert 'classifier("[HEAD]Ada Lovelace[/HEAD] worked with[TAIL] Charles Babbage[/TAIL] in London.")' in card


def test_predictions_name_head_tail_and_relation(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = autoft.load(study / "best").predict([INPUT])
    assert answer | {"relation": ""} == {"text": INPUT["text"], "head": "anna", "tail": "new york", "relation": ""}
    assert answer["relation"] == plain_predictions(study / "best", [INPUT])[0]
    Path("pairs.jsonl").write_text(json.dumps(INPUT) + "\n", encoding="utf-8")
    assert main(["predict", "relations", "pairs.jsonl"]) == 0
    assert json.loads(capsys.readouterr().out) == answer


def test_an_adapter_alone_is_refused_since_it_would_lack_the_markers(
    relations: Any, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del study
    number = next((one["number"] for one in relations.trials("relations") if one["method"] == "lora"), None)
    if number is None:
        pytest.skip("needs a LoRA trial, this search had none")
    assert main(["export", "relations", "adapter", "--trial", number, "--format", "adapter"]) == 2
    assert "[/HEAD], [/TAIL], [HEAD], [TAIL] are no tokens of the base model" in capsys.readouterr().err


def test_a_marker_pair_head_is_found_delivered_and_loaded(
    relations: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = search(relations, "pairs", "marker-pair", 1)
    assert result["plain"] is False
    assert result["best"]["dev"] > 0.6
    folder = relations.folder / "studies" / "pairs" / "best"
    assert (folder / "head.safetensors").is_file()
    predictor = autoft.load(folder)
    rows = [json.loads(line) for line in (relations.folder / "relations" / "dev.jsonl").read_text().splitlines()]
    examples = [predictor.task.parse(one) for one in predictor_rows(rows)]
    assert predictor.score(examples)["f1"] == pytest.approx(result["best"]["dev"])
    assert 'model.predict([{"text": text, "head"' in (folder / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(relations.folder)
    assert main(["export", "pairs", "as-onnx", "--format", "onnx"]) == 2
    assert "'marker-pair' needs markers too" in capsys.readouterr().err


def predictor_rows(rows: list[dict[str, Any]]) -> list[Any]:
    from autoft.data import Row

    return [Row(one, "dev.jsonl", number) for number, one in enumerate(rows, 1)]
