"""From a corpus to an exported model: one search, and everything that is asked of it afterwards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import AutoModelForTokenClassification, AutoTokenizer

import autoft
from autoft.cli import main
from autoft.files import check_manifest

RESULT = {
    "study", "task", "metric", "direction", "model", "seed", "plain", "best", "default", "gain", "finalists", "test",
    "stopped", "audit", "more_data", "time", "trials", "seconds", "data", "versions",
}  # fmt: skip
ENTRY = {"trial", "config", "dev", "dev_seeds", "dev_mean", "dev_std"}
REPLAY = """
import shutil, sys
from autoft.cli import main
for number in sys.argv[1:]:
    shutil.rmtree("studies/.cache", ignore_errors=True)
    code = main(["replay", "first", number, "--json"])
    if code:
        sys.exit(code)
"""
TRIALS = 9
FINALISTS = ("--finalists", "1", "--seeds", "2")


@pytest.fixture(scope="module")
def search(desk: Any) -> Any:
    """A search; its result.json as it was then."""
    return desk.search("first", "--trials", str(TRIALS), *FINALISTS)


@pytest.fixture
def study(desk: Any, search: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the search; commands of this process are typed beside it."""
    del search
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("COLUMNS", "200")
    return Path(desk.folder / "studies" / "first")


def sentences(path: Path) -> list[list[list[str]]]:
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [[line.split() for line in block.splitlines()] for block in blocks]


def plain_f1(folder: Path, corpus: Path) -> float:
    """Score a model folder without a line of autoft: argmax at first sub-tokens, strict IOB2 by seqeval."""
    model, tokenizer = AutoModelForTokenClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    references, predictions = [], []
    for rows in sentences(corpus):
        words, tags = [row[0] for row in rows], [row[1] for row in rows]
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            best = model(**encoded).logits[0].argmax(-1).tolist()
        first = {word: at for at, word in reversed(list(enumerate(encoded.word_ids()))) if word is not None}
        references.append(tags)
        predictions.append([model.config.id2label[best[first[word]]] for word in range(len(words))])
    return float(f1_score(references, predictions, mode="strict", scheme=IOB2))


def test_every_file_of_a_study_is_there(study: Path) -> None:
    names = {path.name for path in study.iterdir()}
    assert {"study.json", "result.json", "trials.csv", "report.html", "events.jsonl", "best"} <= names
    # `.coordinator` is the lock; others would be what an atomic write left behind.
    assert {path.name for path in study.rglob(".*")} <= {".coordinator"}


def test_result_json_has_exactly_its_keys(search: Any) -> None:
    assert set(search) == RESULT
    assert set(search["best"]) == set(search["default"]) == ENTRY
    assert set(search["trials"]) == {"configurations", "complete", "pruned", "failed", "infeasible"}
    assert set(search["seconds"]) == {"search", "finalists", "total"}
    assert set(search["data"]) == {"train", "dev", "test", "fingerprint", "folds"}
    assert set(search["gain"]) == {"mean", "ci95", "significant"}
    assert search["test"] is None


def test_result_json_tells_what_was_searched(search: Any, desk: Any) -> None:
    assert (search["study"], search["task"]) == ("first", "ner")
    assert (search["metric"], search["direction"]) == ("f1", "maximize")
    assert search["plain"] is True
    assert search["model"] == str(desk.folder / "model")
    assert (search["data"]["train"], search["data"]["dev"], search["data"]["test"]) == (36, 12, 12)
    assert search["trials"]["configurations"] == TRIALS
    assert search["default"]["trial"] == 0
    assert search["best"]["dev_mean"] >= search["default"]["dev_mean"]
    assert len(search["best"]["dev_seeds"]) == len(search["default"]["dev_seeds"]) == 2
    assert search["seconds"]["finalists"] > 0
    assert {"autoft", "torch", "transformers", "peft", "optuna", "python"} <= set(search["versions"])


def test_something_was_learned(search: Any) -> None:
    assert search["best"]["dev"] > 0.6


def test_study_json_holds_the_resolved_configuration(study: Path) -> None:
    content = json.loads((study / "study.json").read_text(encoding="utf-8"))
    assert {"config", "data", "versions"} <= set(content)
    assert content["config"]["space"]["default"]["train"]["epochs"] == 8
    assert content["config"]["fingerprint"] == autoft.load_study("first").result["data"]["fingerprint"]


def test_it_is_known_where_the_time_went(desk: Any, search: Any, study: Path) -> None:
    """The worker lives as long as the command waits for it, and all of its moments are counted."""
    del study
    time = desk.result("first")["time"]
    assert {part for part, seconds in time.items() if seconds > 0} >= {"import", "load", "encode", "train", "evaluate"}
    assert sum(time.values()) > search["seconds"]["search"] * 0.5


def test_trials_tell_what_they_took_from_the_cache(desk: Any, study: Path) -> None:
    del study
    frozen = [row for row in desk.trials("first") if float(row["facts.cache_bytes"] or 0) > 0]
    assert frozen
    assert sum(float(row["facts.cache_computed"]) for row in frozen) <= 2 * 3
    assert sum(float(row["facts.cache_hits"]) for row in frozen) > 0
    assert all(float(row["facts.forwarded"]) <= 3 * float(row["facts.tokens"]) for row in frozen)


def test_trials_csv_has_a_row_a_trial(desk: Any, study: Path) -> None:
    del study
    rows = desk.trials("first")
    assert [int(row["number"]) for row in rows] == list(range(TRIALS))
    assert {row["state"] for row in rows} <= {"complete", "pruned"}


def test_events_tell_the_story_in_its_order(desk: Any, study: Path) -> None:
    del study
    events = desk.events("first")
    kinds = [one["event"] for one in events if one["event"] not in ("trial", "finalist", "half", "promoted")]
    assert kinds[:3] == ["started", "delivered", "ended"]
    assert sorted(desk.decided("first")) == list(range(TRIALS))


def test_the_report_stands_alone(study: Path) -> None:
    page = (study / "report.html").read_text(encoding="utf-8")
    assert "first" in page
    assert 'src="http' not in page


def test_the_best_model_is_sealed_and_has_a_card(study: Path, search: Any) -> None:
    facts = check_manifest(study / "best")
    assert (facts["study"], facts["trial"], facts["dev"]) == ("first", search["best"]["trial"], search["best"]["dev"])
    assert facts["labels"] == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    card = (study / "best" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert f"{search['best']['dev']:.4f}" in card
    assert "Trained again on fresh seeds: On 2 fresh seeds" in card
    assert not [path.name for path in (study / "best").iterdir() if path.suffix in (".bin", ".pt", ".pth", ".pkl")]


def test_plain_transformers_and_seqeval_give_the_same_score(desk: Any, study: Path, search: Any) -> None:
    assert plain_f1(study / "best", desk.folder / "corpus" / "dev.conll") == search["best"]["dev"]


def test_the_test_split_is_opened_once(
    desk: Any, study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["test", "first", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["best"]["f1"] == plain_f1(study / "best", desk.folder / "corpus" / "test.conll")
    assert set(first["default"]) == set(first["best"])
    assert len(first["opened"]) == 1
    for of in ("best", "default"):
        low, high = first["ci95"][of]["f1"]
        assert low <= first[of]["f1"] <= high
    assert first["ci95"]["gain"]["f1"][0] <= first["best"]["f1"] - first["default"]["f1"]
    assert json.loads((study / "result.json").read_text(encoding="utf-8"))["test"] == first
    # Nothing is scored again: it could not be without its data.
    monkeypatch.setattr("autoft.api.scoring._scores", None)
    assert main(["test", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_predictions_are_character_spans(study: Path) -> None:
    text = "yesterday anna visited berlin ."
    found, empty = autoft.load(study / "best").predict([text, ""])
    assert found["text"] == text
    assert {entity["label"] for entity in found["entities"]} <= {"PER", "LOC"}
    assert {"start": 10, "end": 14, "label": "PER", "text": "anna"} in found["entities"]
    assert all(text[one["start"] : one["end"]] == one["text"] for one in found["entities"])
    assert empty == {"text": "", "entities": []}


def test_predict_reads_files_and_prints_a_line_each(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del study
    Path("texts.txt").write_text("anna lives in paris\n\njohn visited york\n", encoding="utf-8")
    assert main(["predict", "first", "texts.txt"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["text"] for line in lines] == ["anna lives in paris", "", "john visited york"]


def test_a_merged_export_is_the_best_model(desk: Any, study: Path, search: Any) -> None:
    folder = autoft.export_model("first", desk.folder / "merged")
    assert check_manifest(folder)["files"] == check_manifest(study / "best")["files"]
    assert plain_f1(folder, desk.folder / "corpus" / "dev.conll") == search["best"]["dev"]


def test_an_export_of_any_trial_gives_its_score(
    desk: Any, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of most trials are dropped: they are trained again, to the same bits."""
    del study
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    row = next(row for row in desk.trials("first") if row["state"] == "pruned")
    folder = autoft.export_model("first", desk.folder / "pruned", trial=int(row["number"]))
    assert plain_f1(folder, desk.folder / "corpus" / "dev.conll") == pytest.approx(float(row["value"]), abs=1e-9)
    assert list(tmp_path.iterdir()) == []


# peft reads an attribute that transformers deprecates.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")
def test_an_adapter_export_is_what_peft_loads(desk: Any, study: Path) -> None:
    del study
    from peft import PeftModel

    number = next(int(row["number"]) for row in desk.trials("first") if row["method"] == "lora")
    folder = autoft.export_model("first", desk.folder / "adapter", trial=number, format="adapter")
    plain = AutoModelForTokenClassification.from_pretrained(desk.folder / "model", num_labels=5)
    adapted = PeftModel.from_pretrained(plain, folder)
    assert [name for name, _ in adapted.named_parameters() if "lora_" in name]


def test_full_tuning_has_no_adapter(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del study
    assert main(["export", "first", "none", "--trial", "0", "--format", "adapter"]) == 2
    assert "adapter" in capsys.readouterr().err
    assert not Path("none").exists()


@pytest.mark.slow
def test_an_onnx_export_gives_the_same_classes(desk: Any, study: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    desk.run("export", "first", "as-onnx", "--format", "onnx")
    folder = desk.folder / "as-onnx"
    check_manifest(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(["anna", "lives", "in", "paris"], is_split_into_words=True, return_tensors="pt")
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    inputs = {name: encoded[name].numpy() for name in ("input_ids", "attention_mask")}
    (scores,) = session.run(None, inputs)
    with torch.no_grad():
        expected = AutoModelForTokenClassification.from_pretrained(study / "best")(**encoded).logits
    # The exporter promises four digits.
    assert abs(scores - expected.numpy()).max() < 1e-4


def test_an_export_takes_no_place_that_is_taken(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del study
    Path("taken").mkdir(exist_ok=True)
    Path("taken/file").write_text("mine", encoding="utf-8")
    assert main(["export", "first", "taken"]) == 2
    assert "taken: a new or empty folder expected, found files in it" in capsys.readouterr().err
    assert [path.name for path in Path("taken").iterdir()] == ["file"]


def test_a_damaged_best_model_is_made_again(study: Path, desk: Any) -> None:
    """A flipped bit in best/ was once exported as it was."""
    weights = study / "best" / "model.safetensors"
    sound = weights.read_bytes()
    weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    folder = autoft.export_model("first", desk.folder / "healed")
    assert (folder / "model.safetensors").read_bytes() == sound
    assert weights.read_bytes() == sound


def test_trials_of_every_kind_replay_to_the_same_bits(desk: Any, study: Path) -> None:
    """A fresh process, without the caches, gives every evaluation and the weights' sha256 again."""
    del study
    rows = desk.trials("first")
    kinds = (
        [row for row in rows if row["state"] == "complete"],
        [row for row in rows if row["state"] == "pruned"],
        [row for row in rows if row["method"] == "full" and row["number"] != "0"],
        [row for row in rows if row["method"] == "lora"],
    )
    assert all(kinds), "the search gives at least one trial of each kind"
    numbers = sorted({kind[0]["number"] for kind in kinds})
    replayed = subprocess.run(
        [sys.executable, "-c", REPLAY, *numbers], cwd=desk.folder, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    answers = json.loads("[" + replayed.stdout.replace("}\n{", "},{") + "]")
    assert [answer["trial"] for answer in answers] == [int(number) for number in numbers]
    for answer in answers:
        assert answer["recorded"] == answer["replayed"]
        assert answer["recorded"]["evaluations"]
        assert len(answer["recorded"]["best_weights"]) == 64


def test_a_report_is_written_again(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads((study / "result.json").read_text(encoding="utf-8"))
    for name in ("report.html", "trials.csv"):
        (study / name).unlink()
    assert main(["report", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == before
    assert (study / "report.html").stat().st_size > 10_000
    assert (study / "trials.csv").is_file()


def test_ls_lists_the_study(study: Path, capsys: pytest.CaptureFixture[str], search: Any) -> None:
    del study
    assert main(["ls", "studies", "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["study"] == "first"]
    assert (row["task"], row["trials"], row["metric"]) == ("ner", TRIALS, "f1")
    assert row["best"] == f"{search['best']['dev']:.4f}"


def test_another_data_set_is_another_study(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (study / "study.json").read_bytes()
    assert main(["search", "ner", "--study", "first", "--seed", "5", "--train-limit", "20"]) == 2
    told = capsys.readouterr()
    assert "study 'first': seed may not change, it was 0, got 5" in told.err
    assert "study 'first': train limit may not change, it was None, got 20" in told.err
    assert "Traceback" not in told.err
    assert (study / "study.json").read_bytes() == before


def test_more_trials_go_on_where_the_search_ended(desk: Any, search: Any, study: Path) -> None:
    del study
    before = desk.trials("first")
    desk.run("search", "ner", "--study", "first", "--trials", str(TRIALS + 2), *FINALISTS)
    after = desk.trials("first")
    assert [row["number"] for row in after] == [str(number) for number in range(TRIALS + 2)]
    assert [row["value"] for row in after[:TRIALS]] == [row["value"] for row in before]
    assert desk.result("first")["seconds"]["search"] > search["seconds"]["search"]


def test_a_removed_study_is_gone(desk: Any, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(study, desk.folder / "kept")
    assert main(["rm", "first", "--caches"]) == 0
    assert "removed study first" in capsys.readouterr().out
    assert not study.exists()
    assert not (desk.folder / "studies" / ".cache").exists()
    assert main(["ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["report", "first"]) == 2
