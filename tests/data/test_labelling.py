from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoft.data import Row, read_labelled, read_rows
from autoft.data.labelling import TEXTS, LabelledSplits
from autoft.errors import DataError


def rows(*values: dict[str, Any], file: str = "train.jsonl") -> list[Row]:
    return [Row(value, file, number) for number, value in enumerate(values, 1)]


def read(*values: dict[str, Any], **others: list[Row]) -> LabelledSplits:
    return read_labelled({"train": rows(*values), **others})


def targets(found: LabelledSplits) -> list[Any]:
    return [row.values[found.field] for row in found.splits["train"]]


def problems(*values: dict[str, Any], **others: list[Row]) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        read(*values, **others)
    return caught.value.problems


@pytest.mark.parametrize(
    ("given", "label"), [("spam", "spam"), (" spam ", "spam"), (True, "true"), (False, "false"), (3, "3"), (-1, "-1")]
)
def test_a_label_is_the_name_of_a_class(given: Any, label: str) -> None:
    found = read({"text": "a", "label": given}, {"text": "b", "label": given})
    assert (found.field, targets(found)) == ("label", [label, label])


@pytest.mark.parametrize(
    ("given", "labels"), [([], []), (["x", "y"], ["x", "y"]), (["y", "y"], ["y"]), ([1, True], ["1", "true"]),
        ("", []), ("x", ["x"]), ("x|y", ["x", "y"]), (" x | y |", ["x", "y"])],
)  # fmt: skip
def test_labels_are_a_list_or_text_with_bars(given: Any, labels: list[str]) -> None:
    found = read({"text": "a", "labels": given})
    assert (found.field, targets(found)) == ("labels", [labels])


@pytest.mark.parametrize(("given", "score"), [(3, 3.0), (2.5, 2.5), ("1e-1", 0.1), ("-4", -4.0)])
def test_a_score_is_a_number(given: Any, score: float) -> None:
    found = read({"text": "a", "score": given})
    assert (found.field, targets(found)) == ("score", [score])


def test_numbers_with_a_decimal_point_in_label_are_scores() -> None:
    found = read({"text": "a", "label": 2.5}, {"text": "b", "label": 3})
    assert (found.field, targets(found)) == ("score", [2.5, 3.0])
    assert found.remarks == ("numbers with a decimal point in 'label' are read as scores to predict, not as classes",)


def test_many_whole_numbers_in_label_are_remarked() -> None:
    found = read(*({"text": f"text {number}", "label": number} for number in range(3)))
    assert found.field == "label"
    assert found.remarks == ("whole numbers in 'label' are read as classes; a field 'score' is predicted as a number",)


def test_a_column_of_decimal_numbers_as_text_is_refused() -> None:
    found = problems(*({"text": f"text {number}", "label": f"{number / 10}"} for number in range(30)))
    assert found == (
        "train.jsonl: 'label': names of classes expected, got 30 numbers as text, "
        "name the column 'score' to predict numbers",
    )


@pytest.mark.parametrize("names", TEXTS, ids=lambda names: names[0])
def test_other_names_of_texts_are_known(names: tuple[str, str]) -> None:
    values = {name: f"the {name}" for name in names if name}
    found = read({**values, "idx": 7, "label": "x"}).splits["train"][0].values
    expected = {"text": f"the {names[0]}", "label": "x"} | ({"text_pair": f"the {names[1]}"} if names[1] else {})
    assert found == expected


def test_one_field_of_several_is_read() -> None:
    found = read({"text": "a", "label": "x", "score": 0.3})
    assert found.field == "label"
    assert found.remarks == ("'score' is not read, because the rows have 'label'",)


@pytest.mark.parametrize("values", [{"label": None}, {"label": ""}, {"label": -1}, {}])
def test_a_test_split_of_secret_labels_is_left_out(values: dict[str, Any]) -> None:
    found = read({"text": "a", "label": "x"}, test=rows({"text": "b", **values}, file="test.jsonl"))
    assert list(found.splits) == ["train"]
    assert found.remarks == ("test: every label is missing, the split is not used",)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"label": "x"}, "'text' expected, got ['label']"),
        ({"text": "", "label": "x"}, "'text': some text expected, got ''"),
        ({"text": 3, "label": "x"}, "'text': some text expected, got 3"),
        ({"text": None, "label": "x"}, "'text': some text expected, got null"),
        ({"text": "a"}, "'label', 'labels' or 'score' expected, got ['text']"),
        ({"text": "a", "label": None}, "'label': the name of a class expected, got null"),
        ({"text": "a", "label": " "}, "'label': the name of a class expected, got ' '"),
        ({"text": "a", "label": ["x"]}, "'label': one label expected, got a list, several labels belong in 'labels'"),
        ({"text": "a", "labels": 3}, "'labels': a list of labels expected, got 3, one label belongs in 'label'"),
        ({"text": "a", "labels": [None]}, "'labels': the name of a class expected, got null"),
        (
            {"text": "a", "labels": [0, 1, 0]},
            "'labels': names of labels expected, got zeros and ones, [0, 1, 0], name those that are 1",
        ),
        ({"text": "a", "score": True}, "'score': a number expected, got True"),
        ({"text": "a", "score": float("nan")}, "'score': a number expected, got nan"),
        ({"text": "a", "score": "good"}, "'score': a number expected, got 'good'"),
        ({"text": "a", "text_pair": None, "label": "x"}, "'text_pair': some text expected, got null"),
    ],
)
def test_a_row_of_another_form_is_told_with_its_place(values: dict[str, Any], problem: str) -> None:
    assert problems(values) == (f"train.jsonl:1: {problem}",)


def test_rows_have_one_form_in_all_splits() -> None:
    found = problems(
        {"text": "a", "text_pair": "b", "label": 2.5},
        {"text": "a", "label": 1.5},
        {"text": "a", "text_pair": "b", "label": "x"},
        dev=rows({"text": "a", "text_pair": "b", "labels": ["x"]}, file="dev.jsonl"),
    )
    assert found == (
        "train.jsonl:2: 'text_pair' must stand in every row or in none, missing here",
        "train.jsonl:3: 'label': a number expected, got 'x', numbers with a decimal point are scores, whole numbers "
        "alone are classes",
        "dev.jsonl:1: 'label', 'labels' or 'score' expected, got ['labels', 'text', 'text_pair']",
    )


def test_tables_hold_several_labels_as_a_json_list_or_with_bars(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text('text,labels\none,"[""x"", ""y""]"\ntwo,y|x\nthree,\nfour,x\n')
    found = read_labelled({"train": read_rows(tmp_path / "train.csv")})
    assert targets(found) == [["x", "y"], ["x", "y"], [], ["x"]]


def test_tables_hold_scores_as_text(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("sentence\tscore\none\t3\ntwo\t-0.5\n")
    found = read_labelled({"train": read_rows(tmp_path / "train.tsv")})
    assert [row.values for row in found.splits["train"]] == [
        {"text": "one", "score": 3.0},
        {"text": "two", "score": -0.5},
    ]


def test_a_label_that_train_has_is_no_secret() -> None:
    found = read({"text": "a", "label": -1}, {"text": "b", "label": 1}, test=rows({"text": "c", "label": -1}, file="t"))
    assert list(found.splits) == ["train", "test"]


def test_a_sealed_split_does_not_say_what_is_asked() -> None:
    with pytest.raises(DataError, match=r"the name of a class expected, got 1\.5"):
        read({"text": "a", "label": 1}, {"text": "b", "label": 0}, test=rows({"text": "c", "label": 1.5}, file="t"))


def test_whole_numbers_among_others_as_text_are_refused_too() -> None:
    values = [{"text": f"text {number}", "label": f"{number / 4:g}"} for number in range(60)]
    with pytest.raises(DataError, match="60 numbers as text"):
        read(*values)
