"""Constrained decoding of whole sentences: windows joined, always valid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.tagging import to_iob2
from autoft.tasks.ner import Ner, NerExample
from autoft.testing.tasks import sure_scores
from autoft.testing.tiny import TOKENIZERS, tiny_tokenizer

LABELS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
CONSTRAINED = {"constrained": 1.0}
ZERO_WIDTH = "\u200b"  # WordPiece drops it: a word without a sub-token
LONG = NerExample(
    ("anna", "smith", "lives", "in", "new", "york", "and", "john", "visited", "paris"),
    ("B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O", "B-PER", "O", "B-LOC"),
)
MADE = {name: make() for name, make in TOKENIZERS.items()}
words = st.lists(st.sampled_from([*LONG.words, "smithington", ZERO_WIDTH, "北", "é"]), max_size=12)


@given(st.lists(words, max_size=3), st.sampled_from(sorted(TOKENIZERS)), st.integers(6, 32), st.integers(0, 99))
def test_tags_are_always_a_valid_sequence(sentences: list[list[str]], kind: str, width: int, seed: int) -> None:
    examples = [NerExample(tuple(sentence)) for sentence in sentences]
    features = Ner().encode(examples, MADE[kind], LABELS, width)
    random = np.random.default_rng(seed)
    outputs = [random.normal(size=(length, len(LABELS))).astype(np.float32) for length in features.lengths]
    found = Ner().decode(outputs, features, LABELS, CONSTRAINED)
    assert [len(tags) <= len(sentence) for tags, sentence in zip(found, sentences, strict=True)] == [True] * len(found)
    assert [to_iob2(tags, "IOB2") for tags in found] == [list(tags) for tags in found]


@pytest.mark.parametrize("width", [6, 8, 32])
def test_what_is_valid_already_stays(width: int) -> None:
    features = Ner().encode([LONG], tiny_tokenizer(), LABELS, width)
    sure = sure_scores(features, len(LABELS))
    assert Ner().decode(sure, features, LABELS, CONSTRAINED) == [LONG.tags]
    assert Ner().decode(sure, features, LABELS, {}) == [LONG.tags]


def test_an_entity_may_go_on_in_the_next_window() -> None:
    """Each window alone could not know whether its first I- continues something."""
    example = NerExample(("new",) * 12, ("B-LOC", *["I-LOC"] * 11))
    features = Ner().encode([example], tiny_tokenizer(), LABELS, 6)
    assert len(features) > 2
    assert Ner().decode(sure_scores(features, 5), features, LABELS, CONSTRAINED) == [example.tags]


def test_the_sentence_decides_where_argmax_breaks_the_law() -> None:
    example = NerExample(("new", "york"))
    features = Ner().encode([example], tiny_tokenizer(), LABELS, 32)
    scores = np.zeros((4, 5), np.float32)
    scores[1] = [2.0, 1.5, 0, 0, 0]
    scores[2] = [0, 0, 3.0, 0, 0]
    assert Ner().decode([scores], features, LABELS, {}) == [("O", "I-LOC")]
    assert Ner().decode([scores], features, LABELS, CONSTRAINED) == [("B-LOC", "I-LOC")]


def test_nothing_continues_over_a_word_without_sub_tokens() -> None:
    example = NerExample(("new", ZERO_WIDTH, "york"))
    features = Ner().encode([example], tiny_tokenizer(), LABELS, 32)
    scores = np.zeros((4, 5), np.float32)
    scores[1, 1], scores[2, 2], scores[2, 1] = 5.0, 5.0, 4.0
    assert Ner().decode([scores], features, LABELS, CONSTRAINED) == [("B-LOC", "O", "B-LOC")]


def test_the_markers_number_the_words_of_the_whole_sentence() -> None:
    features = Ner().encode([LONG], tiny_tokenizer(), LABELS, 6)
    seen = np.concatenate(features.columns["markers"])
    assert sorted(seen[seen > 0].tolist()) == list(range(1, len(LONG.words) + 1))
    for markers, decided in zip(features.columns["markers"], features.columns["words"], strict=True):
        assert (markers - 1).tolist() == decided.tolist()
