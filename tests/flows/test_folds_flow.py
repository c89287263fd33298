"""Small data from the command line: folds from the plan to the model folder, and whether more data would help."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autoft.files import check_manifest

FOLDS = ("--folds", "4")
# In two folds thirty steps each, so that trials pause at the tenth.
PAUSING = """
version: 1
task: ner
train: {batch_size: 4, epochs: 5, warmup: 0.0, dropout: {low: 0.0, high: 0.1}}
method:
  full: {learning_rate: {low: 1e-4, high: 2e-2, log: true}}
default:
  method: {full: {learning_rate: 1e-3}}
  train: {epochs: 5, batch_size: 4, dropout: 0.0}
"""
AGAIN = ("search", "ner", "--study", "folded", "--finalists", "1", "--seeds", "2")


@pytest.fixture(scope="module")
def folded(desk: Any) -> Any:
    """A search of 48 rows in four folds, with finalists."""
    return desk.search("folded", "--trials", "3", *FOLDS, "--finalists", "1", "--seeds", "2")


def test_the_plan_suggests_folds_and_says_what_they_do(desk: Any) -> None:
    given = ("--data", "corpus", "--model", "model", "--space", "space.yaml", "--dry-run")
    bare = desk.run("search", "ner", *given).stdout
    assert "dev: 12 rows say little, --folds 5 scores every configuration on all 48 rows" in bare
    assert "--folds 5 scores" in desk.run("validate", "ner", "--data", "corpus", "--model", "model").stdout
    plan = desk.run("search", "ner", *given, *FOLDS)
    assert "the 48 rows of train and dev in 4: a trial trains 4 models" in plan.stdout
    assert "knows 36 rows" in plan.stdout
    assert "say little" not in plan.stdout
    shown = json.loads(desk.run("search", "ner", *given, *FOLDS, "--json").stdout)
    assert shown["data"]["folds"] == 4


def test_the_result_says_folds_and_the_model_gives_the_score_of_its_own_fold(desk: Any, folded: Any) -> None:
    assert (folded["data"]["folds"], folded["data"]["train"], folded["data"]["dev"]) == (4, 36, 12)
    best = desk.folder / "studies" / "folded" / "best"
    facts = check_manifest(best)
    assert (facts["folds"], facts["dev"]) == (4, folded["best"]["dev"])
    assert "This is the model of fold 1: it was trained on the other 3 of 4 folds." in (best / "README.md").read_text(
        encoding="utf-8"
    )
    assert "48 rows in 4 folds" in (desk.folder / "studies" / "folded" / "report.html").read_text(encoding="utf-8")


def test_the_result_says_whether_more_data_would_help(desk: Any, folded: Any) -> None:
    more = folded["more_data"]
    assert (more["half_rows"], more["seeds"]) == (18, [1, 2])
    assert more["full_mean"] == folded["best"]["dev_mean"]
    told = [event for event in desk.events("folded") if event["event"] == "half"]
    assert [(one["number"], one["seed"]) for one in told] == [(folded["best"]["trial"], seed) for seed in (1, 2)]
    assert more["half_mean"] == pytest.approx(sum(one["value"] for one in told) / 2)
    page = (desk.folder / "studies" / "folded" / "report.html").read_text(encoding="utf-8")
    assert "On half of its training rows (18) the best reaches" in page


def test_a_trial_is_replayed_to_the_same_bits(desk: Any, folded: Any) -> None:
    found = json.loads(desk.run("replay", "folded", str(folded["best"]["trial"]), "--json").stdout)
    assert found["recorded"] == found["replayed"]


def test_the_sealed_test_split_is_scored(desk: Any, folded: Any) -> None:
    del folded
    scores = json.loads(desk.run("test", "folded", "--json").stdout)
    assert {"f1", "precision", "recall"} <= scores["best"].keys()
    assert {"f1", "precision", "recall"} <= scores["default"].keys()


def test_resuming_keeps_the_folds_and_refuses_others(desk: Any, folded: Any) -> None:
    refused = desk.run(*AGAIN, "--trials", "4", "--folds", "3", code=2)
    assert "folds may not change, it was 4, got 3" in refused.stderr + refused.stdout
    before = [event for event in desk.events("folded") if event["event"] == "half"]
    done = desk.run(*AGAIN, "--trials", "4")
    assert "4 configurations" in done.stdout
    result = desk.result("folded")
    assert result["data"] == folded["data"]
    told = [(one["number"], one["seed"]) for one in desk.events("folded") if one["event"] == "half"]
    assert len(told) == len(set(told)) >= len(before)
    assert result["more_data"]["seeds"] == [1, 2]


def test_more_folds_than_rows_are_refused_in_words(desk: Any) -> None:
    given = ("--data", "corpus", "--model", "model", "--space", "space.yaml", "--study", "many")
    refused = desk.run("search", "ner", *given, "--folds", "49", code=2)
    words = refused.stderr + refused.stdout
    assert "--folds: at most one fold a row expected, got 49 folds for 48 rows" in words
    assert "Traceback" not in words


@pytest.fixture(scope="module")
def pausing(desk: Any) -> str:
    """A space whose trials pause."""
    (desk.folder / "pausing.yaml").write_text(PAUSING, encoding="utf-8")
    return "pausing.yaml"


def replays(desk: Any, study: str, number: int) -> bool:
    """Whether a trial gives the same bits again, on each of its evaluations."""
    told = json.loads(desk.run("replay", study, str(number), "--json").stdout)
    return len(told["recorded"]["evaluations"]) == 9 and bool(told["recorded"] == told["replayed"])


def test_pruned_trials_over_folds_are_finished_by_the_audit(desk: Any, pausing: str) -> None:
    """All of their models go on from the rung, and give the bits of a trial that never paused."""
    result = desk.search("audited", "--trials", "5", "--folds", "2", "--audit", "0.3", space=pausing)
    audit = result["audit"]
    numbers = [event["number"] for event in desk.events("audited") if event["event"] == "audited"]
    assert len(numbers) == len(set(numbers)) == audit["audited"] == audit["drawn"] > 0
    rows = {int(row["number"]): row for row in desk.trials("audited")}
    assert all(rows[number]["state"] == "complete" for number in numbers)
    assert all(rows[number]["reason"].endswith("; finished by the audit") for number in numbers)
    assert replays(desk, "audited", numbers[0])


@pytest.mark.slow
def test_two_workers_share_trials_over_folds(desk: Any, pausing: str) -> None:
    """Each configuration, finalist and half is run once, and what is delivered has the score of its own fold."""
    asked = ("--trials", "6", "--folds", "2", "--workers", "2", "--finalists", "1", "--seeds", "2")
    result = desk.search("shared", *asked, space=pausing)
    assert result["trials"]["configurations"] == 6
    assert sorted(desk.decided("shared")) == list(range(6))
    told = [(one["event"], one["number"], one["seed"]) for one in desk.events("shared") if "seed" in one]
    assert len(told) == len(set(told)) == 2 * 2 + 2
    best = result["best"]["trial"]
    assert check_manifest(desk.folder / "studies" / "shared" / "best")["trial"] == best
    assert replays(desk, "shared", best)
