"""The loader: what the format means, and every problem of a file with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoft.errors import SpaceError
from autoft.space import (
    Categorical,
    Constant,
    Domain,
    Float,
    Integer,
    Scalar,
    Schema,
    SearchSpace,
    load_space,
    parse_space,
    space_from_json,
)

HEAD = "version: 1\ntask: ner\n"


def parsed(body: str, schema: Schema) -> SearchSpace:
    return parse_space(HEAD + body, schema, source="ner.yaml")


def refused(text: str, schema: Schema) -> tuple[str, ...]:
    with pytest.raises(SpaceError) as caught:
        parse_space(text, schema, source="ner.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("body", "path", "domain"),
    [
        ("train: {epochs: 3}", "train.epochs", Constant(3)),
        ("train: {dropout: 0}", "train.dropout", Constant(0.0)),
        ("train: {batch_size: [8, 16, 32]}", "train.batch_size", Categorical((8, 16, 32))),
        ("train: {batch_size: [8]}", "train.batch_size", Constant(8)),
        ("train: {epochs: {low: 2, high: 9}}", "train.epochs", Integer(2, 9)),
        ("train: {epochs: {low: 9, high: 9}}", "train.epochs", Constant(9)),
        ("freeze: {low: 0, high: 1, step: 0.25}", "freeze", Float(0.0, 1.0, step=0.25)),
        (
            "train: {weight_decay: {low: 1e-4, high: 0.3, log: true}}",
            "train.weight_decay",
            Float(1e-4, 0.3, log=True),
        ),
        ("model: [a/b, no, '1']", "model", Categorical(("a/b", "no", "1"))),
        (
            "method: {lora: {rslora: [true, false]}}",
            "method.lora.rslora",
            Categorical((True, False)),
        ),
        ("method: lora", "method", Constant("lora")),
        ("method: [lora, full]", "method", Categorical(("lora", "full"))),
        ("method: {lora: {rank: 4}, full: }", "method", Categorical(("lora", "full"))),
        ("method: {lora: {rank: 4}, full: }", "method.lora.rank", Constant(4)),
        ("method: [lora, full]", "method.lora.rank", Constant(8)),
        ("train:", "train.epochs", Constant(9)),
    ],
)
def test_the_format_means(body: str, path: str, domain: Domain, schema: Schema) -> None:
    assert parsed(body, schema).domains[path] == domain


def test_a_list_of_names_and_a_mapping_of_branches_mean_the_same(schema: Schema) -> None:
    listed = parsed("method: [lora, head]", schema)
    assert parsed("method: {lora: {}, head: {}}", schema) == listed


@pytest.mark.parametrize(
    "default",
    [
        "{method: {lora: {rank: 4}}, train: {epochs: 3}}",
        "{method: lora, method.lora.rank: 4, train.epochs: 3}",
        "{method: lora, method.lora: {rank: 4}, train: {epochs: 3}}",
    ],
)
def test_a_default_is_nested_or_by_path(default: str, schema: Schema) -> None:
    config = parsed(f"method: [full, lora]\ndefault: {default}", schema).default
    wanted: dict[str, Scalar] = {"method": "lora", "method.lora.rank": 4, "train.epochs": 3}
    assert {path: config[path] for path in wanted} == wanted


def test_every_problem_is_found_with_its_line(schema: Schema) -> None:
    text = """\
version: 2
task: 4
modle: x
train:
  epochs: {low: 1.0, high: 9}
  batch_size: [8, 16, 8]
  dropout: {low: 0, high: 1}
  weight_decay: {low: 0, high: 0.3, log: true}
  patience: abc
  patience: 0.2
  schedule: [linaer, no]
freeze:
  low: 0.5
  high: 1.5
  stpe: 3
  log: yes
method:
  full: {learning_rate: {low: 1e-3, high: 1e-5, log: true}}
  lora:
    rnak: 3
    rank: &r 0
    size: *r
  lroa: {}
  head: 3
optimizer:
default: {method: {head: {rank: 3}}, train.epochs: 3, train: {epochs: 0}, freeze: [0.0]}
<<: {a: 1}
"""
    assert refused(text, schema) == (
        "ner.yaml:1: version: 1 expected, got 2",
        "ner.yaml:2: task: the name of a task expected, got 4",
        "ner.yaml:3: modle: no such parameter, did you mean 'model'?",
        "ner.yaml:5: train.epochs: a range of whole numbers expected, got low=1.0, high=9.0",
        "ner.yaml:6: train.batch_size: a choice must stand once, got 8 twice",
        "ner.yaml:7: train.dropout: a range of real numbers expected, got low=0, high=1, write 0.0 and 1.0",
        "ner.yaml:8: train.weight_decay: `low > 0` must hold where `log` is true, got low=0",
        "ner.yaml:9: train.patience: a whole number expected, got 'abc'",
        "ner.yaml:10: train.patience: a key must stand once, line 9 has it already",
        "ner.yaml:11: train.schedule: one of linear, cosine, constant expected, got 'linaer', did you mean 'linear'?",
        "ner.yaml:11: train.schedule: one of linear, cosine, constant expected, got 'no'",
        "ner.yaml:12: freeze: a value of at most 1 expected, got 1.5",
        "ner.yaml:15: freeze.stpe: no such key of a range, did you mean 'step'?",
        "ner.yaml:16: freeze.log: true or false expected, got 'yes'",
        "ner.yaml:18: method.full.learning_rate: `low <= high` must hold, got low=0.001, high=1e-05",
        "ner.yaml:20: method.lora.rnak: no such parameter, did you mean 'rank'?",
        "ner.yaml:21: method.lora.rank: anchors have no place here, got &r",
        "ner.yaml:21: method.lora.rank: a value of at least 1 expected, got 0",
        "ner.yaml:22: method.lora.size: aliases have no place here, got *r",
        "ner.yaml:23: method: no such branch 'lroa', did you mean 'lora'?"
        " known: full, head, lora, adapter, ia3, bitfit",
        "ner.yaml:24: method.head: a mapping of parameters expected, got 3",
        "ner.yaml:25: optimizer: at least one branch expected, got nothing",
        "ner.yaml:26: default.method.head.rank: no such parameter, known: learning_rate",
        "ner.yaml:26: default.train.epochs: a value must stand once, line 26 has it already",
        "ner.yaml:26: default.freeze: one value expected, got a list",
        "ner.yaml:27: merge keys have no place here, got <<",
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("model: 4", "3: model: text expected, got 4, put it in quotes"),
        ("model:", "3: model: a value, a list of values or a range expected, got nothing"),
        ("model: [a, [b]]", "3: model: a list of values expected, got a list in it"),
        ("train:\n  epochs: {low: 1}", "4: train.epochs: a range must have `high`, got none"),
        ("train: {epochs: {low: a, high: 2}}", "3: train.epochs.low: a number expected, got 'a'"),
        ("train: 3", "3: train: a mapping of parameters expected, got 3"),
        ("freeze: []", "3: freeze: at least one choice must be listed, got none"),
        ("freeze: .inf", "3: freeze: a finite number expected, got inf"),
        ("method: []", "3: method: at least one branch expected, got nothing"),
        ("method: [lora, lora]", "3: method: a choice must stand once, got 'lora' twice"),
        (
            "default: {method: {lora: , full: }}",
            "3: default.method: one branch expected, got lora, full",
        ),
        ("default: 3", "3: default: a mapping of values expected, got 3"),
        (
            "default:\n  method.lroa.rank: 3",
            "4: default.method.lroa: no such branch, did you mean 'lora'?",
        ),
        (
            "default:\n  method: lroa",
            "4: default.method: no such branch 'lroa', did you mean 'lora'?"
            " known: full, head, lora, adapter, ia3, bitfit",
        ),
        (
            "default:\n  method.lora.rank: 3",
            "4: default.method.lora.rank: counts only with method = lora, got method = full",
        ),
        (
            "default:\n  train: {epochs: 3}\n  train.epochs: 4",
            "5: default.train.epochs: a value must stand once, line 4 has it already",
        ),
    ],
)
def test_a_problem_says_where_and_what(body: str, problem: str, schema: Schema) -> None:
    assert refused(HEAD + body, schema) == (f"ner.yaml:{problem}",)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ("ner.yaml:1: a mapping of parameters expected, got nothing",)),
        ("- 1", ("ner.yaml:1: a mapping of parameters expected, got a list",)),
        (
            "train: {}",
            (
                "ner.yaml:1: version: must be given, write `version: 1`",
                "ner.yaml:1: task: must be given, write `task: ner`",
            ),
        ),
        ("version: true\ntask: ner", ("ner.yaml:1: version: 1 expected, got true",)),
    ],
)
def test_a_document_must_be_a_space(text: str, problems: tuple[str, ...], schema: Schema) -> None:
    assert refused(text, schema) == problems


def test_a_file_is_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: Schema) -> None:
    path = tmp_path / "spaces" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(HEAD + "modle: x\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpaceError, match=r"^spaces/mine\.yaml:3: modle: no such parameter"):
        load_space(path, schema)


def test_a_file_with_a_byte_order_mark_loads(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD, encoding="utf-8-sig")
    assert load_space(path, schema).task == "ner"


@pytest.mark.parametrize(
    ("content", "law"),
    [(None, "must be a readable file"), (b"a: \xff", "UTF-8 text expected, got the byte 0xff")],
)
def test_a_file_must_be_text(tmp_path: Path, content: bytes | None, law: str, schema: Schema) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpaceError, match=law):
        load_space(path, schema)


def test_stored_values_have_no_lines(schema: Schema) -> None:
    with pytest.raises(SpaceError) as caught:
        space_from_json({"version": 1, "task": "ner", "freeze": 2}, schema)
    assert caught.value.problems == ("study.json: freeze: a value of at most 1 expected, got 2",)


def test_the_example_of_the_readme_loads(schema: Schema) -> None:
    readme = Path(__file__).parents[2] / "search_spaces" / "README.md"
    example = readme.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    space = parse_space(example, schema)
    assert space.domains["method"] == Categorical(("full", "lora", "bitfit"))
    assert space.default["train.epochs"] == 12
