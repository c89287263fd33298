"""Pairs of texts as ONNX: the model is told which tokens are of the second one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from autoft.cli import main

SPACE = """
version: 1
task: classification
train: {batch_size: 4, epochs: 2}
method: {full: {learning_rate: 5e-3}}
"""
PLACES = ("paris", "berlin", "york")


@pytest.fixture
def best(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The delivered model of a search on pairs."""
    monkeypatch.chdir(desk.folder)
    Path("pairs").mkdir()
    for split, count in (("train", 18), ("dev", 9)):
        rows = [
            {
                "text": f"anna lives in {PLACES[at % 3]}",
                "text_pair": f"anna works in {PLACES[at // 3 % 3]}",
                "label": "same" if at % 3 == at // 3 % 3 else "other",
            }
            for at in range(count)
        ]
        Path("pairs", f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    Path("pairs.yaml").write_text(SPACE, encoding="utf-8")
    given = ("--data", "pairs", "--model", "model", "--space", "pairs.yaml", "--study", "two", "--finalists", "0")
    desk.run("search", "classification", *given, "--trials", "1")
    return Path(desk.folder, "studies", "two", "best")


def test_onnx_reads_which_tokens_are_of_the_second_text(best: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    assert main(["export", "two", "two-onnx", "--format", "onnx"]) == 0
    session = onnxruntime.InferenceSession("two-onnx/model.onnx", providers=["CPUExecutionProvider"])
    inputs = AutoTokenizer.from_pretrained(best)(["anna in york"], ["john in paris"], return_tensors="pt")
    assert {entry.name for entry in session.get_inputs()} == set(inputs)
    with torch.inference_mode():
        wanted = AutoModelForSequenceClassification.from_pretrained(best).eval()(**inputs).logits
    (logits,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    np.testing.assert_allclose(logits, wanted.numpy(), atol=1e-5)
    alone = {**inputs, "token_type_ids": torch.zeros_like(inputs["token_type_ids"])}
    (other,) = session.run(None, {name: value.numpy() for name, value in alone.items()})
    assert np.abs(logits - other).max() > 1e-4
