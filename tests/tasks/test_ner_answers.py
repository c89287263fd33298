"""Raw input and answers: character offsets that point at the entities, in any script."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data import Row
from autoft.data.spans import from_spans
from autoft.errors import DataError
from autoft.metrics import iob2_spans
from autoft.tasks.ner import Ner
from autoft.testing.tasks import read_examples
from autoft.testing.tiny import TOKENIZERS

LABELS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
MADE = {name: make() for name, make in TOKENIZERS.items()}
scripts = st.one_of(
    st.text(max_size=60),
    st.text("北京大学的湖面，。 Anna's l'Italia-", max_size=60),
    st.text("aé́ \t\n\u200b\u200d\u00a0नमस्ते👩‍👩‍👧สวัสดี", max_size=60),
)
tokens = st.lists(st.text(min_size=1, max_size=6), max_size=12)
classes = st.sampled_from(LABELS)


def check(answer: dict[str, Any], tags: tuple[str, ...]) -> None:
    """Every entity is what the text says at its offsets, in order and apart from each other."""
    ends = 0
    for entity in answer["entities"]:
        assert answer["text"][entity["start"] : entity["end"]] == entity["text"]
        assert ends <= entity["start"] < entity["end"] <= len(answer["text"])
        ends = entity["end"]
    assert [entity["label"] for entity in answer["entities"]] == [label for _, _, label in iob2_spans(tags)]


@given(scripts, st.data())
def test_offsets_of_a_text_give_the_entities_text(text: str, data: st.DataObject) -> None:
    example, context = Ner().read_input(text)
    tags = tuple(data.draw(st.lists(classes, min_size=len(example.words), max_size=len(example.words))))
    answer = Ner().answer(tags, context)
    assert answer["text"] == text
    check(answer, tags)


@given(tokens, st.data())
def test_offsets_of_tokens_give_the_entities_text(words: list[str], data: st.DataObject) -> None:
    example, context = Ner().read_input({"tokens": words})
    assert example.words == tuple(words)
    tags = tuple(data.draw(st.lists(classes, min_size=len(words), max_size=len(words))))
    answer = Ner().answer(tags, context)
    assert answer["text"] == " ".join(words)
    check(answer, tags)
    assert [entity["text"] for entity in answer["entities"]] == [
        " ".join(words[first:last]) for first, last, _ in iob2_spans(tags)
    ]


@given(scripts, st.sampled_from(sorted(TOKENIZERS)), st.integers(4, 32), st.integers(0, 9))
def test_any_text_can_be_answered(text: str, kind: str, width: int, seed: int) -> None:
    example, context = Ner().read_input({"text": text})
    features = Ner().encode([example], MADE[kind], LABELS, width)
    random = np.random.default_rng(seed)
    outputs = [random.random((length, len(LABELS)), np.float32) for length in features.lengths]
    [tags] = Ner().decode(outputs, features, LABELS, {})
    assert len(tags) <= len(example.words)
    answer = Ner().answer(tags, context)
    check(answer, tags)
    assert json.loads(json.dumps(answer)) == answer


def test_chinese_offsets_count_characters() -> None:
    example, context = Ner().read_input("北京大学的湖面结了冰。")
    tags = tuple(from_spans(len(example.words), [(0, 4, "ORG")]))
    assert Ner().answer(tags, context)["entities"] == [{"start": 0, "end": 4, "label": "ORG", "text": "北京大学"}]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("我住在北京。", "北京"),
        ("東京タワーへ行く", "東京タワー"),
        ("ผมอยู่กรุงเทพฯ ครับ", "กรุงเทพฯ"),
        ("يعيش محمد في القاهرة، مصر.", "القاهرة"),
        ("\u202bأنا في \u200fالقاهرة\u200f.\u202c", "القاهرة"),
        ("אני גר בתל-אביב, ליד \u200fחיפה\u200f.", "חיפה"),
        ("une e\u0301cole a\u0300 Be\u0301ziers", "Be\u0301ziers"),
        ("go 👩‍👩‍👧 to 🇫🇷 now", "🇫🇷"),
        ("𠮷野家で𠮷田が", "𠮷田"),
    ],
)
def test_a_span_that_was_learned_comes_back_with_its_offsets(text: str, entity: str) -> None:
    """The words of training and of prediction are the same ones, in every script."""
    start = text.index(entity)
    span = {"start": start, "end": start + len(entity), "label": "LOC"}
    [example] = read_examples(Ner(), [Row({"text": text, "spans": [span]}, "x.jsonl", 1)])
    unlabelled, context = Ner().read_input(text)
    assert unlabelled.words == example.words
    assert Ner().answer(example.tags, context) == {"text": text, "entities": [{**span, "text": entity}]}


def test_offsets_count_code_points_not_bytes() -> None:
    example, context = Ner().read_input("👩‍👧 Zoë Nyström")
    tags = tuple(from_spans(len(example.words), [(len(example.words) - 2, len(example.words), "PER")]))
    assert Ner().answer(tags, context)["entities"] == [{"start": 4, "end": 15, "label": "PER", "text": "Zoë Nyström"}]


def test_an_inside_tag_without_its_beginning_is_no_entity() -> None:
    _, context = Ner().read_input("Anna sings")
    assert Ner().answer(("I-PER", "O"), context)["entities"] == []


def test_missing_tags_at_the_end_are_outside() -> None:
    _, context = Ner().read_input("Anna sings")
    assert [entity["text"] for entity in Ner().answer(("B-PER",), context)["entities"]] == ["Anna"]
    assert Ner().answer((), context)["entities"] == []


def test_text_and_object_are_read_alike() -> None:
    assert Ner().read_input("Anna sings") == Ner().read_input({"text": "Anna sings"})


@pytest.mark.parametrize("record", [{}, {"txt": "Anna"}, {"text": 7}, {"tokens": "Anna"}, {"text": None, "id": 3}])
def test_input_of_another_form_is_an_error_with_its_fields(record: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"^input: 'text' or 'tokens' expected, got \["):
        Ner().read_input(record)
