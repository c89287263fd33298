"""Searches on one label, several, scores and pairs, from their rows to a folder that plain transformers loads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers
from peft import PeftModel

import autoft
from autoft.delivery.folder import write_adapter
from autoft.delivery.make import make_folder
from autoft.files import check_manifest
from autoft.models.assembly import Recipe, assemble
from autoft.models.heads import Linear
from autoft.models.methods.lora import Lora
from autoft.space import SearchSpace, parse_space
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.trials import ask_trial
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig
from autoft.study.finalists import run_next_fresh
from autoft.study.replay import recorded, replay_trial
from autoft.study.schema import space_schema
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import weights_file
from autoft.training.runtime import Runtime

SPACE = """
version: 1
task: classification
model: {model}
head: {head}
loss: {loss}
train: {{batch_size: 4, epochs: 3, dropout: {{low: 0.0, high: 0.2}}}}
method:
  full: {{learning_rate: {{low: 1e-3, high: 1e-2, log: true}}}}
  lora: {{learning_rate: {{low: 1e-3, high: 1e-2, log: true}}, rank: 2}}
default:
  method: {{full: {{learning_rate: 5e-3}}}}
  train: {{epochs: 3, batch_size: 4, dropout: 0.1}}
"""
RUNTIME = Runtime(device=torch.device("cpu"), micro_batch=4, threads=1)
PLACES, PEOPLE = ("paris", "berlin", "york"), ("anna", "john")


def text(index: int) -> str:
    return f"{PEOPLE[index % 2]} visited {PLACES[index // 2 % 3]} {'yesterday' if index % 4 else 'and google'} {index}"


def of_label(index: int) -> dict[str, Any]:
    return {"text": text(index), "label": PLACES[index // 2 % 3]}


def of_labels(index: int) -> dict[str, Any]:
    places = [PLACES[index // 2 % 3]] if index % 5 else []
    return {"text": text(index), "labels": [*places, *(["anna"] if index % 2 == 0 else [])]}


def of_score(index: int) -> dict[str, Any]:
    return {"text": text(index), "score": 200.0 + 30.0 * (index // 2 % 3) + index % 2}


def of_pair(index: int) -> dict[str, Any]:
    other = PLACES[index // 2 % 3] if index % 3 else "google"
    return {"text": text(index), "text_pair": f"the {other}", "label": "yes" if index % 3 else "no"}


@dataclass(frozen=True)
class Asked:
    """What is asked in a search.

    Attributes:
        row: Number -> fields.
        metric: What is optimised.
        head: Of the search space.
        loss: Of the search space.
    """

    row: Callable[[int], dict[str, Any]]
    metric: str
    head: str = "linear"
    loss: str = "standard"


EVERY = {
    "single": Asked(of_label, "macro_f1"),
    "multi": Asked(of_labels, "micro_f1"),
    "scores": Asked(of_score, "neg_rmse"),
    "pairs": Asked(of_pair, "accuracy", loss="focal"),
    "single-mean": Asked(of_label, "mcc", "mean", "class-weighted"),
    "multi-attention": Asked(of_labels, "macro_f1", "attention"),
    "scores-cls": Asked(of_score, "spearman", "cls"),
}


@pytest.fixture(params=EVERY)
def asked(request: pytest.FixtureRequest) -> Asked:
    return EVERY[request.param]


@pytest.fixture
def corpus(tmp_path: Path, asked: Asked) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, numbers in (("train", range(24)), ("dev", range(24, 36)), ("test", range(36, 42))):
        lines = (json.dumps(asked.row(number)) for number in numbers)
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def config(tmp_path: Path, corpus: Path, asked: Asked) -> StudyConfig:
    return StudyConfig(
        name="first",
        task="classification",
        metric=asked.metric,
        seed=0,
        data=DataConfig(source=str(corpus)),
        budget=BudgetConfig(trials=2, finalists=1, seeds=1),
        compute=ComputeConfig(device="cpu", threads=1),
        storage=StorageConfig(folder=str(tmp_path / "studies")),
    )


@pytest.fixture
def space(tiny_folder: Path, asked: Asked) -> SearchSpace:
    document = SPACE.format(model=tiny_folder, head=asked.head, loss=asked.loss)
    return parse_space(document, space_schema(), source="tiny.yaml")


@pytest.fixture
def searched(context: TrialContext, one_thread: None) -> TrialContext:
    """A search of two trials, and its finalists."""
    del one_thread
    found = replace(context, config=replace(context.config, fingerprint=context.workbench.data.fingerprint))
    for _ in range(2):
        held = ask_trial(found.study, "me", limit=None)
        assert held is not None
        run_trial(found, held)
    while run_next_fresh(found, "me", "finalist"):
        pass
    return found


def deliver(context: TrialContext, record: TrialRecord, folder: Path) -> Mapping[str, Any]:
    """Make the folder of a trial's model; returns its manifest."""
    facts: dict[str, Any] = {
        "study": "first", "trial": record.number, "task": "classification", "metric": context.config.metric,
        "model": "tiny", "dev": record.value, "metrics": dict(record.metrics), "config": dict(record.config),
        "decision": dict(record.execution["decision"]),
        "data": {"origin": "corpus", "train": 24, "dev": 12, "fingerprint": "0" * 64}, "versions": {},
    }  # fmt: skip
    order = {
        "study": context.config.to_json(),
        "values": dict(record.config),
        "weights": str(weights_file(context.config, record)),
        "folder": str(folder),
        "facts": facts,
        "expected": record.value,
    }
    made = make_folder(order)
    assert made["reloaded"] == pytest.approx(record.value, abs=1e-5)
    return check_manifest(folder)


def plain_scores(folder: Path, rows: list[dict[str, Any]]) -> npt.NDArray[np.float32]:
    """Return what plain transformers say of texts, [N, C]."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = []
    for row in rows:
        with torch.no_grad():
            given = (row["text"], row["text_pair"]) if "text_pair" in row else (row["text"],)
            found.append(model(**tokenizer(*given, return_tensors="pt")).logits[0].numpy())
    return np.stack(found)


def test_a_search_finds_and_delivers_a_model(searched: TrialContext, asked: Asked, tmp_path: Path) -> None:
    records = read_trials(searched.study)
    assert [record.state for record in records] == ["complete", "complete"]
    assert all(asked.metric in record.metrics for record in records)
    again = replay_trial(searched.config, records[1])
    assert again.summary == recorded(records[1])
    facts = deliver(searched, records[0], tmp_path / "best")
    rows = [asked.row(number) for number in range(36, 42)]
    answers = autoft.load(tmp_path / "best", device="cpu").predict(rows)
    assert facts["plain"] == (asked.head == "linear")
    assert [name for name in facts["decision"] if name.startswith("threshold")] == []
    if facts["plain"]:
        compare_with_plain(answers, plain_scores(tmp_path / "best", rows), facts["labels"], facts["head"])
    else:
        assert (tmp_path / "best" / "head.safetensors").is_file()
        assert all(key in answers[0] for key in ("text", *{"label", "labels", "score"} & {*rows[0]}))


def compare_with_plain(
    answers: list[dict[str, Any]], logits: npt.NDArray[np.float32], labels: list[str], head: str
) -> None:
    """Compare answers with plain decoding: the best class, a probability above 0.5, or the score as it is."""
    tensor = torch.from_numpy(logits)
    if head == "regression":
        np.testing.assert_allclose([answer["score"] for answer in answers], logits[:, 0], rtol=1e-6)
        return
    chances = (tensor.sigmoid() if head == "multi-label-classification" else tensor.softmax(-1)).numpy()
    found = [[answer["scores"][label] for label in labels] for answer in answers]
    np.testing.assert_allclose(found, chances, atol=1e-6)
    if head == "multi-label-classification":
        above = [[label for label, chance in zip(labels, row, strict=True) if chance > 0.5] for row in chances]
        assert [answer["labels"] for answer in answers] == above
    else:
        assert [answer["label"] for answer in answers] == [labels[best] for best in chances.argmax(-1)]


@pytest.mark.parametrize("asked", ["scores"], indirect=True)
def test_scores_are_delivered_in_their_own_unit(searched: TrialContext, tmp_path: Path) -> None:
    record = read_trials(searched.study)[0]
    deliver(searched, record, tmp_path / "best")
    classify = transformers.pipeline("text-classification", model=str(tmp_path / "best"))
    found = [classify(of_score(number)["text"])[0]["score"] for number in range(24, 36)]
    errors = np.array(found) - [of_score(number)["score"] for number in range(24, 36)]
    assert -np.sqrt((errors**2).mean()) == pytest.approx(record.value, abs=1e-3)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize("asked", ["scores", "multi"], indirect=True)
def test_an_adapter_holds_what_was_decided(
    context: TrialContext, asked: Asked, tmp_path: Path, tiny_folder: Path
) -> None:
    del asked
    bench = context.workbench.bench(str(tiny_folder), Linear(kind=context.workbench.task.head))
    model = assemble(bench.pristine, Recipe(bench.pristine.head, Lora(rank=2)), seed=1)
    decision = {f"threshold.{label}": 0.4 + 0.05 * at for at, label in enumerate(bench.labels)}
    expected = bench.predictions(model, "dev", RUNTIME, decision)
    write_adapter(bench, model, tmp_path / "adapter", decision)
    base = transformers.AutoModelForSequenceClassification.from_pretrained(tiny_folder, num_labels=len(bench.labels))
    restored = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "adapter")
    for example, answer in zip(bench.splits["dev"].examples, expected, strict=True):
        with torch.no_grad():
            logits = restored(**tokenizer(example.text, return_tensors="pt")).logits[0]
        if bench.task.head == "regression":
            assert logits.item() == pytest.approx(answer.value, rel=1e-5)
        else:
            assert tuple(label for label, one in zip(bench.labels, logits, strict=True) if one > 0) == answer.value


@pytest.mark.parametrize("asked", ["multi"], indirect=True)
def test_the_card_names_what_was_tuned_on_dev(searched: TrialContext, tmp_path: Path) -> None:
    facts = deliver(searched, read_trials(searched.study)[0], tmp_path / "best")
    assert [*facts["tuned"]] == [f"threshold.{label}" for label in facts["labels"]]
    card = (tmp_path / "best" / "README.md").read_text(encoding="utf-8")
    # The sample is so small that its labels share one threshold.
    (value,) = {*facts["tuned"].values()}
    values = f"{value:.4f} of all {len(facts['labels'])}"
    assert f"beside the weights: the probability above which a label is predicted ({values}), and built into" in card
    assert "Scores on dev are a little flattering for that." in card
    assert "pipeline_tag: text-classification" in card
    code = card.partition("```python\n")[2].partition("```")[0].replace("PATH", str(tmp_path / "best"))
    exec(code, {})
