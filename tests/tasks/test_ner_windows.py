"""Long sentences: overlapping windows in which each word is decided exactly once, where most is seen around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.models.heads import IGNORED
from autoft.tasks.ner import Ner, NerExample
from autoft.testing.tasks import sure_scores
from autoft.testing.tiny import TOKENIZERS

LABELS = ("O", "B-PER", "I-PER")
SPECIAL = 2  # one special token at either end
# One sub-token, several, one that is unknown, and digits that WordPiece cuts one by one.
WORDS = ("the", "of", "anna", "zq", "abcdefg", "語", "1984", "x-ray", "ü")
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40)
widths = st.integers(3, 24)
tokenizers = st.sampled_from(sorted(TOKENIZERS))
MADE = {name: make() for name, make in TOKENIZERS.items()}


def tagged(sentence: list[str]) -> NerExample:
    """An example whose tags are all of the classes in turn."""
    return NerExample(tuple(sentence), tuple(LABELS[i % 3] for i in range(len(sentence))))


def contexts(sentence: list[str], tokenizer: Any, width: int) -> list[int]:
    """The most context that any window has around the first sub-token of each word, from the definition alone."""
    owners = tokenizer([sentence], is_split_into_words=True).word_ids(0)[1:-1]
    inside, overlap = width - SPECIAL, width // 4
    best = []
    for word in range(len(sentence)):
        token = owners.index(word)
        found = 0
        for start in range(0, len(owners), inside - overlap):
            end = min(start + inside, len(owners))
            if start <= token < end:
                found = max(found, min(token - start, end - 1 - token) + 1)
            if end == len(owners):
                break
        best.append(found)
    return best


@given(words, widths, tokenizers)
def test_each_word_is_decided_once_where_most_is_seen_around_it(sentence: list[str], width: int, kind: str) -> None:
    features = Ner().encode([tagged(sentence)], MADE[kind], LABELS, width)
    decided: dict[int, int] = {}
    for column in features.columns["words"]:
        for position in np.flatnonzero(column >= 0):
            word = int(column[position])
            assert word not in decided
            decided[word] = min(int(position), len(column) - 1 - int(position))
    assert [decided[word] for word in range(len(sentence))] == contexts(sentence, MADE[kind], width)


@given(words, widths, tokenizers)
def test_a_word_is_decided_at_its_first_sub_token(sentence: list[str], width: int, kind: str) -> None:
    tokenizer = MADE[kind]
    whole = tokenizer([sentence], is_split_into_words=True)
    first = {word: whole["input_ids"][0][whole.word_ids(0).index(word)] for word in range(len(sentence))}
    features = Ner().encode([tagged(sentence)], tokenizer, LABELS, width)
    for ids, column in zip(features.columns["input_ids"], features.columns["words"], strict=True):
        for position in np.flatnonzero(column >= 0):
            assert ids[position] == first[int(column[position])]


@given(words, widths, tokenizers)
def test_targets_stand_exactly_where_words_are_decided(sentence: list[str], width: int, kind: str) -> None:
    example = tagged(sentence)
    features = Ner().encode([example], MADE[kind], LABELS, width)
    for targets, column in zip(features.columns["labels"], features.columns["words"], strict=True):
        wanted = [LABELS.index(example.tags[word]) if word >= 0 else IGNORED for word in column]
        assert targets.tolist() == wanted


@given(st.lists(words, min_size=1, max_size=5), widths, tokenizers)
def test_windows_are_joined_again(sentences: list[list[str]], width: int, kind: str) -> None:
    examples = [tagged(sentence) for sentence in sentences]
    features = Ner().encode(examples, MADE[kind], LABELS, width)
    assert features.lengths.max() <= width
    assert Ner().decode(sure_scores(features, len(LABELS)), features, LABELS, {}) == [
        example.tags for example in examples
    ]


def test_a_sentence_that_fits_is_one_window() -> None:
    features = Ner().encode([tagged(["the"] * 6)], MADE["wordpiece"], LABELS, 8)
    assert [column.tolist() for column in features.columns["words"]] == [[-1, 0, 1, 2, 3, 4, 5, -1]]


def test_windows_share_a_quarter_of_their_length() -> None:
    features = Ner().encode([tagged(["the"] * 10)], MADE["wordpiece"], LABELS, 8)
    # Windows show words 0-5 and 4-9: 4 is nearer the border of the second one, 5 that of the first.
    assert [column.tolist() for column in features.columns["words"]] == [
        [-1, 0, 1, 2, 3, 4, -1, -1],
        [-1, -1, 5, 6, 7, 8, 9, -1],
    ]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_what_other_windows_say_of_a_word_does_not_count(kind: str) -> None:
    example = tagged(list(WORDS) * 4)
    features = Ner().encode([example], MADE[kind], LABELS, 12)
    outputs = sure_scores(features, len(LABELS))
    for scores, column in zip(outputs, features.columns["words"], strict=True):
        scores[column < 0] = np.array([0.0, 9.0, 0.0])
    assert Ner().decode(outputs, features, LABELS, {}) == [example.tags]
