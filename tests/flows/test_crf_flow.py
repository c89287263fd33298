"""Opt-in heads of NER from the command line: searched, delivered, loaded, replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import autoft
from autoft.data.tagging import to_iob2
from autoft.tasks.ner import NerExample

SPACE = """
version: 1
task: ner
head: [crf, constrained, linear]
train:
  batch_size: 4
  epochs: 6
  dropout: 0.1
  label_smoothing: {low: 0.0, high: 0.1}
freeze: {low: 0.0, high: 1.0}
method:
  full: {learning_rate: {low: 2e-3, high: 2e-2, log: true}}
  head: {learning_rate: {low: 1e-2, high: 1e-1, log: true}}
  lora: {learning_rate: {low: 3e-3, high: 3e-2, log: true}}
default: {head: HEAD, method: {full: {learning_rate: 5e-3}}, train: {epochs: 6}, freeze: 0.5}
"""


@pytest.fixture(scope="module", params=["crf", pytest.param("constrained", marks=pytest.mark.slow)])
def study(desk: Any, request: pytest.FixtureRequest) -> str:
    """A search whose default has the head."""
    name = str(request.param)
    (desk.folder / f"{name}.yaml").write_text(SPACE.replace("HEAD", name), encoding="utf-8")
    desk.search(name, "--trials", "3", "--workers", "1", space=f"{name}.yaml")
    return name


def test_no_trial_fails(desk: Any, study: str) -> None:
    assert desk.result(study)["trials"]["failed"] == 0
    assert {row["state"] for row in desk.trials(study)} <= {"complete", "pruned"}


def test_the_default_is_replayed_to_the_same_bits(desk: Any, study: str) -> None:
    desk.run("rm", "--caches")
    found = json.loads(desk.run("replay", study, "0", "--json").stdout)
    assert found["replayed"] == found["recorded"]


def test_the_delivered_model_says_that_it_is_not_plain(desk: Any, study: str) -> None:
    best: Path = desk.folder / "studies" / study / "best"
    facts = json.loads((best / "autoft.json").read_text(encoding="utf-8"))
    if facts["head_name"] == "linear":
        pytest.skip("the search found another head better")
    assert desk.result(study)["plain"] is False
    assert facts["decision"] == {"constrained": 1.0}
    assert (best / "head.safetensors").is_file()
    assert "autoft.load" in (best / "README.md").read_text(encoding="utf-8")


def test_an_exported_model_gives_valid_tags_and_the_same_ones(desk: Any, study: str) -> None:
    desk.run("export", study, f"{study}-model")
    best, exported = autoft.load(desk.folder / "studies" / study / "best"), autoft.load(desk.folder / f"{study}-model")
    sentences = ["anna smith lives in new york", "the john of acme", "yesterday google visited paris and berlin " * 12]
    examples = [NerExample(tuple(sentence.split())) for sentence in sentences]
    found = best.decide(examples)
    assert exported.decide(examples) == found
    assert best.predict(sentences) == exported.predict(sentences)
    if best.facts["decision"]:
        assert [to_iob2(tags, "IOB2") for tags in found] == [list(tags) for tags in found]
