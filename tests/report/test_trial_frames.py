"""Frames and trials.csv."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autoft.report.frames import evaluations_frame, trials_frame, write_trials_csv
from autoft.storage.records import TrialRecord


def test_frame_has_a_row_for_each_trial_and_a_column_for_each_parameter(
    make_study: Callable[..., Any],
) -> None:
    _, records = make_study(30)
    frame = trials_frame(records)
    assert list(frame["number"]) == list(range(30))
    assert {path for record in records for path in record.config} < set(frame.columns)
    assert frame.loc[0, "best_step"] == records[0].best_step
    assert frame.loc[0, "facts.parameters"] == 22.7e6
    assert frame.loc[0, "metrics.f1"] == records[0].metrics["f1"]


def test_parameter_that_does_not_count_is_missing(make_study: Callable[..., Any]) -> None:
    _, records = make_study(30)
    frame = trials_frame(records)
    other = frame["method"] != "lora"
    assert frame.loc[other, "method.lora.rank"].isna().all()
    assert frame.loc[~other, "method.lora.rank"].notna().all()


def test_evaluations_frame_has_a_row_for_each_evaluation(make_study: Callable[..., Any]) -> None:
    _, records = make_study(30)
    frame = evaluations_frame(records)
    assert len(frame) == sum(len(record.evaluations) for record in records)
    assert list(frame[frame["number"] == 0]["step"]) == list(range(1, 10))


@pytest.mark.parametrize("make", [trials_frame, evaluations_frame])
def test_frames_of_no_trials_have_their_columns(make: Callable[..., pd.DataFrame]) -> None:
    frame = make([])
    assert len(frame) == 0
    assert {"number", "state", "value", "seconds"} <= set(frame.columns)


def test_csv_gives_the_trials_back(make_study: Callable[..., Any], tmp_path: Path) -> None:
    _, records = make_study(10)
    write_trials_csv(tmp_path / "trials.csv", records)
    read = pd.read_csv(tmp_path / "trials.csv")
    assert list(read["state"]) == [record.state for record in records]
    assert list(read["train.weight_decay"]) == [r.config["train.weight_decay"] for r in records]


def test_csv_holds_no_formula(tmp_path: Path) -> None:
    write_trials_csv(tmp_path / "t.csv", [TrialRecord(0, "failed", None, {}, reason="=1+1")])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["reason"] == "'=1+1"
