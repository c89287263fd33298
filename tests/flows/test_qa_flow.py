"""Question answering from SQuAD files to an exported model: windows, questions without an answer, thresholds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

import autoft
from autoft.cli import main
from autoft.data.source import read_data
from autoft.files import check_manifest
from autoft.tasks.qa import Qa

SPACE = """
version: 1
task: qa
train:
  batch_size: [2, 4]
  epochs: {low: 6, high: 8}
  dropout: {low: 0.0, high: 0.1}
freeze: {low: 0.0, high: 0.3}
method:
  full: {learning_rate: {low: 5e-3, high: 2e-2, log: true}}
  lora: {learning_rate: {low: 5e-3, high: 3e-2, log: true}, rank: {low: 2, high: 4}}
default:
  method: {full: {learning_rate: 5e-3}}
  train: {epochs: 8, batch_size: 4, dropout: 0.0}
"""
PEOPLE, PLACES = ("anna", "john", "smith"), ("paris", "berlin", "york")
FILLER = ("yesterday", "the", "new", "google", "acme", "and", "visited", "works", "lives")


def article(index: int) -> dict[str, Any]:
    """A text with a person, and with a place in two of three; every fourth is longer than the model reads at once."""
    random = np.random.default_rng(index)
    tokens = list(random.choice(FILLER, size=90 if index % 4 == 0 else 12))
    person, place = PEOPLE[index % 3], PLACES[index // 2 % 3]
    tokens[int(random.integers(len(tokens)))] = person
    if index % 3:
        free = [at for at, token in enumerate(tokens) if token != person]
        tokens[int(random.choice(free))] = place
    context = " ".join(tokens)
    questions = []
    for word, answer in (("of", person), ("in", place if index % 3 else "")):
        answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
        impossible = not answers
        questions.append(
            {"id": f"{index}-{word}", "question": f"{word}?", "is_impossible": impossible, "answers": answers}
        )
    return {"title": str(index), "paragraphs": [{"context": context, "qas": questions}]}


@pytest.fixture(scope="module")
def study(desk: Any) -> Any:
    """A search; its result.json as it was then."""
    folder = desk.folder / "squad"
    folder.mkdir()
    for split, first, last in (("train", 0, 36), ("dev", 36, 48), ("test", 48, 60)):
        document = {"version": "v2.0", "data": [article(index) for index in range(first, last)]}
        (folder / f"{split}.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (desk.folder / "qa.yaml").write_text(SPACE, encoding="utf-8")
    given = ("--data", "squad", "--model", "model", "--space", "qa.yaml", "--study", "asked", "--finalists", "0")
    desk.run("search", "qa", *given, "--trials", "4")
    return desk.result("asked")


@pytest.fixture
def best(desk: Any, study: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The delivered folder; commands of this process are typed beside the studies."""
    del study
    monkeypatch.chdir(desk.folder)
    folder: Path = desk.folder / "studies" / "asked" / "best"
    return folder


def test_the_search_learns_beyond_silence(study: Any) -> None:
    assert study["task"] == "qa"
    assert study["plain"] is True
    assert study["best"]["dev"] > 1.3 * 4 / 24


def test_the_manifest_holds_the_threshold(best: Path) -> None:
    facts = check_manifest(best)
    assert (facts["head"], facts["labels"]) == ("question-answering", ["start", "end"])
    assert set(facts["decision"]) == {"threshold"}


def test_the_folder_gives_the_score_of_its_trial(best: Path, study: Any) -> None:
    task = Qa()
    rows = read_data("squad", dev_share=0.2, seed=0).splits["dev"]
    model = autoft.load(best)
    assert model.score([task.parse(row) for row in rows])["f1"] == pytest.approx(study["best"]["dev"], abs=1e-6)


def test_plain_transformers_gives_the_scores_of_the_test_command(
    best: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", "asked", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["best"]
    root = Path(autoft.__file__).parents[1]
    outside = subprocess.run(
        [sys.executable, "-m", "benchmarks.outside_qa", str(best), str(Path("squad/test.json").resolve())],
        cwd=root,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [float(word) for word in outside.stdout.split()] == pytest.approx(
        [said["f1"], said["exact_match"]], abs=1e-8
    )
    assert said["support.unanswerable"] == 4


def test_the_code_of_the_card_answers_as_the_model_does(best: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = (best / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    model = autoft.load(best)
    for paragraph in (article(index)["paragraphs"][0] for index in (49, 50, 51)):
        for question in paragraph["qas"]:
            record = {"question": question["question"], "context": paragraph["context"]}
            asked = re.sub(
                r"question, context = .*",
                lambda _: f"question, context = {record['question']!r}, {record['context']!r}",  # noqa: B023
                code,
            )
            exec(asked.replace("PATH", str(best)), {})
            (said,) = model.predict([record])
            assert capsys.readouterr().out.strip() == (said["answer"]["text"] if said["answer"] else "no answer")


def test_predictions_have_offsets_of_the_context(
    best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del best
    paragraphs = [article(index)["paragraphs"][0] for index in (48, 49)]
    records = [{"question": "of?", "context": f"שלום 👩‍👩‍👧 {one['context']}"} for one in paragraphs]
    (tmp_path / "asked.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    assert main(["predict", "asked", str(tmp_path / "asked.jsonl")]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == 2
    for record, said in zip(records, answers, strict=True):
        assert said["candidates"]
        for one in said["candidates"]:
            assert record["context"][one["start"] : one["end"]] == one["text"]


def test_onnx_gives_the_scores_of_first_and_last_tokens(best: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    shutil.rmtree("asked-onnx", ignore_errors=True)
    assert main(["export", "asked", "asked-onnx", "--format", "onnx"]) == 0
    session = onnxruntime.InferenceSession("asked-onnx/model.onnx", providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["start_logits", "end_logits"]
    tokenizer = AutoTokenizer.from_pretrained(best)
    inputs = tokenizer(["of?"], ["anna lives in paris"], return_tensors="pt")
    assert {entry.name for entry in session.get_inputs()} == set(inputs)
    assert inputs["token_type_ids"].any()
    with torch.inference_mode():
        wanted = AutoModelForQuestionAnswering.from_pretrained(best).eval()(**inputs)
    start, end = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    np.testing.assert_allclose(start, wanted.start_logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(end, wanted.end_logits.numpy(), atol=1e-4)


def test_a_trial_is_replayed_to_the_same_bits(desk: Any, study: Any) -> None:
    told = json.loads(desk.run("replay", "asked", str(study["best"]["trial"]), "--json").stdout)
    assert told["recorded"] == told["replayed"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"answers": [{"text": "anna", "answer_start": 1}]}, "it occurs once, at 0"),
        ({"answers": [{"text": "Berlin", "answer_start": 0}]}, "it does not occur in it"),
        ({"is_impossible": True}, "'is_impossible' is true but 'answers' has 1"),
        ({"id": "b"}, "'id' must differ in a file, got 'b'"),
    ],
)
def test_wrong_data_is_told_with_its_line(
    tmp_path: Path, change: dict[str, Any], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"id": "a", "question": "of?", "answers": [{"text": "anna", "answer_start": 0}]}
    asked = [good, {**good, "id": "b"}, {**good, "id": "c", **change}]
    document = {"data": [{"paragraphs": [{"context": "anna works", "qas": asked}]}]}
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    line = [n for n, text in enumerate(path.read_text().split("\n"), 1) if '"question"' in text][2]
    assert main(["validate", "qa", "--data", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{path}:{line}: ")
    assert problem in told
    assert "Traceback" not in told
