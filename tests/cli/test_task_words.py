"""What plan and outcome say of tasks with labels, and of one without."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from autoft.api.opening import Opening, open_search
from autoft.api.options import AimOptions, SearchOptions
from autoft.api.searching import Plan
from autoft.cli import main
from autoft.cli.plan import print_plan
from autoft.cli.tables import label_table, overall_table, print_notice
from autoft.errors import ConfigError
from autoft.study.config import StorageConfig
from autoft.tasks import Notice
from autoft.testing.tiny import save_tiny


def opened(folder: Path, rows: list[dict[str, object]]) -> Opening:
    path = folder / "corpus.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    storage = StorageConfig(folder=str(folder / "studies"))
    return open_search(SearchOptions(task="classification", source=str(path), storage=storage))


def printed(opening: Opening) -> str:
    plan = Plan(
        models=("tiny",), notices=(), trains="all", measures={"parameters": 1.0, "latency": 1.0, "memory": 1.0},
        default_seconds=1.0, longest_seconds=1.0, memory_mib=1.0,
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=400)
    print_plan(console, opening, plan)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_the_plan_names_every_label_as_it_is_written(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": f"text {at}", "label": ("a-1", "b-1")[at % 2]} for at in range(40)]
    assert "labels  a-1, b-1\n" in printed(opened(tmp_path, rows))


def test_the_plan_names_some_of_many_labels(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": f"text {at}", "label": f"label{at % 25:02}"} for at in range(250)]
    line = next(line for line in printed(opened(tmp_path, rows)).splitlines() if line.startswith("labels"))
    assert line.endswith("label18, label19 and 5 more")


def test_metrics_are_those_of_what_the_rows_ask(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": f"text {at}", "score": at} for at in range(40)]
    opening = opened(tmp_path, rows)
    assert opening.config.metric == "spearman"
    assert "metric  spearman on dev" in printed(opening)


@pytest.mark.parametrize(("field", "metric"), [("score", "accuracy"), ("label", "micro_f1")])
def test_a_metric_of_another_question_is_refused(tmp_path: Path, field: str, metric: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"text {at}", field: at % 5}) for at in range(40)), encoding="utf-8")
    options = SearchOptions(task="classification", source=str(path), aims=AimOptions(metric=metric))
    with pytest.raises(ConfigError, match=f"--metric: unknown metric '{metric}'.* known: "):
        open_search(options)


def test_what_has_no_labels_shows_its_metrics() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(overall_table({"neg_rmse": -12.5, "pearson": 0.5, "f1.x": 1.0}, {"neg_rmse": -14.0}))
    lines = console.file.getvalue().split("\n")  # type: ignore[attr-defined]
    assert [line.split() for line in lines[3:5]] == [["neg_rmse", "-12.50", "-14.00"], ["pearson", "0.5000", "–"]]


def test_of_many_labels_the_common_ones_are_shown() -> None:
    best = {f"{name}.label{at:02}": value for at in range(77) for name, value in (("f1", 0.5), ("support", float(at)))}
    text = io.StringIO()
    Console(file=text, width=120).print(label_table(best, best))
    shown = [at for at in range(77) if f"label{at:02}" in text.getvalue()]
    assert shown == list(range(47, 77))
    assert "and 47 rarer labels, in report.html" in text.getvalue()


def test_a_notice_shows_its_examples_cut_to_the_terminal() -> None:
    example = "corpus.jsonl:7: a [red]text[/red] of\ntwo lines that is long"
    console = Console(file=io.StringIO(), width=40)
    print_notice(console, Notice("texts that occur more than once", 2, (example, "short")).lines)
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "note: texts that occur more than once ",
        "(2)",
        "  corpus.jsonl:7: a [red]text[/red] of …",
        "  short",
    ]


def test_validate_shows_the_place_of_a_text_that_train_has_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split, first in (("train", 0), ("dev", 39)):
        rows = [{"text": f"text {at}", "label": "ab"[at % 2]} for at in range(first, first + 40)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    save_tiny(tmp_path / "model", "bert")
    assert main(["validate", "classification", "--data", str(tmp_path), "--model", str(tmp_path / "model")]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("note: dev: texts that train has too make its score too good (1)")
    assert lines[start + 1] == "  dev.jsonl:1: text 39"
