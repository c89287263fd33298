"""The coordinator's files: events are told once, over all runs of a search."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoft.api.outputs import Runs, StudyFiles
from autoft.space import find_space, load_space
from autoft.storage.finalists import FinalistRun
from autoft.storage.lineage import Promoted
from autoft.storage.records import StopRecord, TrialRecord
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig
from autoft.study.schema import space_schema

RECORDS = (TrialRecord(0, "complete", 0.5, {}), TrialRecord(1, "running", None, {}))


@pytest.fixture
def config(tmp_path: Path) -> StudyConfig:
    """A study that lies in a folder of its own."""
    return StudyConfig(
        name="mine",
        task="ner",
        metric="f1",
        seed=0,
        data=DataConfig(source="corpus"),
        budget=BudgetConfig(),
        compute=ComputeConfig(device="cpu", threads=1),
        storage=StorageConfig(folder=str(tmp_path)),
    )


def events(files: StudyFiles) -> list[dict[str, Any]]:
    lines = (files.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_trial_is_told_once_when_it_is_decided(config: StudyConfig) -> None:
    files = StudyFiles(config, {})
    files.events.note_decided(RECORDS)
    files.events.note_decided(RECORDS)
    assert [(one["event"], one["number"], one["state"]) for one in events(files)] == [("trial", 0, "complete")]


def test_a_resumed_search_does_not_tell_it_again(config: StudyConfig) -> None:
    StudyFiles(config, {}).events.note_decided(RECORDS)
    files = StudyFiles(config, {})
    files.events.note_decided((RECORDS[0], TrialRecord(1, "pruned", 0.1, {}, reason="rung 3")))
    assert [one["number"] for one in events(files)] == [0, 1]


def test_a_finalists_run_is_told_once_over_all_runs_of_a_search(config: StudyConfig) -> None:
    runs = (FinalistRun(0, 0, 1, 0.5), FinalistRun(3, 0, 1, 0.6))
    StudyFiles(config, {}).events.note_runs(runs[:1])
    StudyFiles(config, {}).events.note_runs(runs)
    found = [(one["event"], one["number"], one["seed"], one["value"]) for one in events(StudyFiles(config, {}))]
    assert found == [("finalist", 0, 1, 0.5), ("finalist", 3, 1, 0.6)]


def test_a_line_that_was_cut_short_does_not_matter(config: StudyConfig) -> None:
    """A coordinator that is killed, or a full disk, leaves half a line."""
    files = StudyFiles(config, {})
    files.events.note_decided(RECORDS)
    with (files.folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"time": 1.0, "event": "tri')
    files = StudyFiles(config, {})
    files.events.add("started")
    text = (files.folder / "events.jsonl").read_text(encoding="utf-8")
    assert json.loads(text.splitlines()[-1])["event"] == "started"


def test_a_study_without_results_has_none(config: StudyConfig) -> None:
    assert StudyFiles(config, {}).read_result() == {}


def test_a_promotion_is_told_once_however_often_the_search_is_resumed(config: StudyConfig) -> None:
    promoted = (Promoted(1, 1), Promoted(2, 1), Promoted(1, 3))
    files = StudyFiles(config, {})
    files.events.note_promotions(promoted[:1])
    files.events.note_promotions(promoted[:1])
    files.events.note_promotions(promoted[:2])
    files = StudyFiles(config, {})
    files.events.note_promotions(promoted)
    told = [(one["event"], one["number"], one["rung"]) for one in events(files)]
    assert told == [("promoted", 1, 1), ("promoted", 2, 1), ("promoted", 1, 3)]


def test_a_stop_is_told_once_over_all_runs_of_a_search(config: StudyConfig) -> None:
    stop = StopRecord(37, 20, 0.0, 0.02)
    StudyFiles(config, {}).events.note_stop(None)
    StudyFiles(config, {}).events.note_stop(stop)
    files = StudyFiles(config, {})
    files.events.note_stop(stop)
    assert [(one["event"], one["begun"], one["noise"]) for one in events(files)] == [("stopped", 37, 0.02)]


def test_an_audited_trial_is_told_once_over_all_runs_of_a_search(config: StudyConfig) -> None:
    told = TrialRecord(1, "pruned", 0.3, {}, left_at=1)
    files = StudyFiles(config, {})
    files.events.note_audits((told,))
    assert not (files.folder / "events.jsonl").exists()
    finished = TrialRecord(1, "complete", 0.6, {}, left_at=1, audited=True)
    files.events.note_audits((finished,))
    files = StudyFiles(config, {})
    files.events.note_audits((finished,))
    found = [(one["event"], one["number"], one["rung"], one["state"], one["value"]) for one in events(files)]
    assert found == [("audited", 1, 1, "complete", 0.6)]


def test_the_report_is_told_what_the_best_owes_to_dev_besides_its_weights(config: StudyConfig) -> None:
    content = {"data": {"origin": "x", "train": 1, "dev": 1, "test": 0}, "models": ["m"], "versions": {}}
    asked = replace(config, task="qa", space=load_space(find_space("qa"), space_schema()).to_json())
    best = TrialRecord(0, "complete", 0.5, {"head": "linear"}, execution={"decision": {"threshold": 1.25}})
    assert StudyFiles(asked, content).facts((best,), Runs()).chosen == (
        "the gap from which on there is no answer (1.2500)"
    )
    always = replace(best, execution={"decision": {"always": 1.0}})
    assert StudyFiles(asked, content).facts((always,), Runs()).chosen == ""
