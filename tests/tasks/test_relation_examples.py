from __future__ import annotations

from typing import Any

import pytest

from autoft.data import Row, read_data
from autoft.errors import DataError
from autoft.tasks.relation import Relation

VALUES: dict[str, Any] = {
    "text": "Anna of Acme",
    "head": {"start": 0, "end": 4},
    "tail": {"start": 8, "end": 12},
    "relation": "works_for",
}


def row(**changed: Any) -> Row:
    return Row({**VALUES, **changed}, "pairs.jsonl", 3)


def typed(head: str | None, tail: str | None) -> Row:
    return row(head={**VALUES["head"], "type": head}, tail={**VALUES["tail"], "type": tail})


def test_a_row_becomes_an_example() -> None:
    example = Relation().parse(row())
    assert example.relation == "works_for"
    assert (example.pair.words(example.pair.head), example.pair.words(example.pair.tail)) == ("Anna", "Acme")


def test_the_relation_may_be_called_label() -> None:
    values = {name: value for name, value in VALUES.items() if name != "relation"}
    assert Relation().parse(Row({**values, "label": "works_for"}, "pairs.jsonl", 3)) == Relation().parse(row())
    assert Relation().parse(row(label="another")).relation == "works_for"


@pytest.mark.parametrize(
    ("changed", "problems"),
    [
        ({"relation": None}, ["'relation': the name of a relation expected, got None"]),
        ({"relation": 3}, ["'relation': the name of a relation expected, got 3"]),
        ({"relation": " "}, ["'relation': the name of a relation expected, got ' '"]),
        ({"relation": None, "label": 4}, ["'label': the name of a relation expected, got 4"]),
        (
            {"relation": 3, "head": None},
            [
                "'relation': the name of a relation expected, got 3",
                '\'head\': {"start", "end"} in characters expected, got None',
            ],
        ),
    ],
)
def test_every_problem_of_a_row_is_told_with_its_place(changed: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        Relation().parse(row(**changed))
    assert list(caught.value.problems) == [f"pairs.jsonl:3: {problem}" for problem in problems]


def test_classes_begin_with_the_one_of_no_relation() -> None:
    task = Relation()
    names = ["works_for", "Other", "born_in", "works_for"]
    examples = [task.parse(row(relation=name)) for name in names]
    assert task.labels(examples) == ("Other", "born_in", "works_for")
    assert task.label_counts(examples) == {"Other": 1, "born_in": 1, "works_for": 2}


def test_one_relation_alone_is_nothing_to_tell_apart() -> None:
    task = Relation()
    with pytest.raises(DataError, match="two relations expected, or one and 'no_relation', got only 'works_for'"):
        task.labels([task.parse(row())] * 3)


def test_rows_that_hold_no_relation_at_all_are_nothing_to_tell_apart() -> None:
    task = Relation()
    examples = [task.parse(row(relation=name)) for name in ("Other", "no_relation", "Other")]
    with pytest.raises(DataError, match=r"two relations expected, or one and 'no_relation', got only 'Other' and 'no_"):
        task.labels(examples)


@pytest.mark.parametrize("field", ["head", "tail", "relation"])
def test_a_row_of_another_format_is_one_problem(field: str) -> None:
    values = {name: value for name, value in VALUES.items() if name != field}
    with pytest.raises(DataError) as caught:
        Relation().parse(Row(values, "pairs.jsonl", 3))
    assert caught.value.problems == (
        "pairs.jsonl:3: 'text' or 'tokens', 'head', 'tail' and 'relation' expected, got " + ", ".join(values),
    )


def test_types_that_every_row_has_are_kept() -> None:
    splits, notices = Relation().normalise({"train": [typed("PER", "ORG")], "dev": [typed("LOC", "ORG")]})
    assert notices == []
    assert [Relation().parse(one).pair.head.type for some in splits.values() for one in some] == ["PER", "LOC"]


@pytest.mark.parametrize("other", [row(), typed("PER", None), typed(None, "ORG")])
def test_types_that_some_rows_do_not_have_are_left_out_of_all(other: Row) -> None:
    task = Relation()
    splits, notices = task.normalise({"train": [typed("PER", "ORG")], "dev": [typed("LOC", "ORG"), other]})
    examples = [task.parse(one) for some in splits.values() for one in some]
    assert {(one.pair.head.type, one.pair.tail.type) for one in examples} == {("", "")}
    assert [(notice.text, notice.count) for notice in notices] == [
        ("types of entities are not used, since some rows do not give both", 1)
    ]


def test_rows_without_any_type_need_no_notice() -> None:
    splits, notices = Relation().normalise({"train": [row()]})
    assert (splits["train"], notices) == ((row(),), [])


def test_a_wrong_type_of_entity_is_told() -> None:
    task = Relation()
    wrong = row(head={**VALUES["head"], "type": 3})
    splits, _ = task.normalise({"train": [typed("PER", "ORG"), wrong]})
    with pytest.raises(DataError, match="'head': a text expected as type, got 3"):
        task.parse(splits["train"][1])


def test_raw_input_has_no_relation_and_is_answered_with_words() -> None:
    task = Relation()
    example, context = task.read_input({name: value for name, value in VALUES.items() if name != "relation"})
    assert example.relation == ""
    assert task.answer("works_for", context) == {
        "text": "Anna of Acme",
        "head": "Anna",
        "tail": "Acme",
        "relation": "works_for",
    }


@pytest.mark.parametrize("text", ["Anna of Acme", "", "3", '{"text": '])
def test_a_bare_text_is_no_input(text: str) -> None:
    with pytest.raises(DataError, match=r"^input: an object with 'text', 'head' and 'tail' expected, got '"):
        Relation().read_input(text)


@pytest.mark.parametrize("sample", ["relation", "relation-zh"])
def test_samples_are_without_mistakes(sample: str) -> None:
    """Opposite labels are asked of the same pair in both directions, and no sentence stands in two splits."""
    task = Relation()
    splits, notices = task.normalise(read_data(f"sample:{sample}", dev_share=0.2, seed=0).splits)
    examples = {name: [task.parse(one) for one in rows] for name, rows in splits.items()}
    assert notices == []
    opposite = {"parent_of": "child_of", "child_of": "parent_of", "cause_of": "effect_of", "effect_of": "cause_of"}
    asked = {(one.pair.text, one.pair.head, one.pair.tail): one.relation for some in examples.values() for one in some}
    assert len(asked) == sum(map(len, examples.values()))
    for (text, head, tail), relation in asked.items():
        back = asked.get((text, tail, head))
        if relation in opposite:
            assert back in (None, opposite[relation])
        else:
            assert back in (None, "no_relation")
    texts = [{task.text(one) for one in some} for some in examples.values()]
    assert len(set.union(*texts)) == sum(map(len, texts))
    assert len({frozenset(task.label_counts(some)) for some in examples.values()}) == 1
