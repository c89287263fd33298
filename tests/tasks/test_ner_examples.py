"""Sentences and tags: read, counted, encoded without loss, and judged."""

from __future__ import annotations

import numpy as np
import pytest

from autoft.data import Row, split_words
from autoft.errors import DataError
from autoft.models.heads import IGNORED
from autoft.tasks.ner import Ner, NerExample
from autoft.testing.tasks import read_examples, sure_scores
from autoft.testing.tiny import tiny_byte_tokenizer, tiny_tokenizer

LABELS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
ZERO_WIDTH = "\u200b"  # WordPiece drops it: a word without a sub-token
ANNA = NerExample(("anna", "smith", "visited", "paris"), ("B-PER", "I-PER", "O", "B-LOC"))


def row(**values: object) -> Row:
    return Row(values, "corpus.jsonl", 3)


def encode(*examples: NerExample, labels: tuple[str, ...] = LABELS) -> list[list[int]]:
    features = Ner().encode(examples, tiny_tokenizer(), labels, 32)
    return [targets.tolist() for targets in features.columns["labels"]]


def test_row_of_tokens_and_tags_is_an_example() -> None:
    assert read_examples(Ner(), [row(tokens=["anna", "lives"], tags=["B-PER", "O"])]) == [
        NerExample(("anna", "lives"), ("B-PER", "O"))
    ]


def test_row_of_text_and_spans_is_an_example() -> None:
    spans = [{"start": 0, "end": 10, "label": "PER"}]
    assert read_examples(Ner(), [row(text="Anna Smith's dog", spans=spans)]) == [
        NerExample(("Anna", "Smith", "'s", "dog"), ("B-PER", "I-PER", "O", "O"))
    ]


def test_unequal_numbers_of_tokens_and_tags_are_an_error() -> None:
    with pytest.raises(DataError, match=r"^corpus\.jsonl:3: 5 tokens but 4 tags$"):
        read_examples(Ner(), [row(tokens=list("abcde"), tags=["O"] * 4)])


def test_row_that_was_never_normalised_is_an_error() -> None:
    with pytest.raises(DataError, match=r"^corpus\.jsonl:3: 'tokens' and 'tags', or 'text' and 'spans' expected, got"):
        Ner().parse(row(words=["a"]))


def test_other_schemes_are_rewritten_with_a_notice() -> None:
    splits, notices = Ner().normalise({"train": [row(tokens=list("abc"), tags=["B-PER", "E-PER", "S-LOC"])]})
    assert splits["train"][0].values["tags"] == ["B-PER", "I-PER", "B-LOC"]
    assert [notice.text for notice in notices] == ["tags read as IOBES and rewritten as IOB2"]


def test_broken_tags_are_repaired_with_a_notice_that_counts_and_places_them() -> None:
    rows = [row(tokens=list("abcd"), tags=["B-PER", "O", "I-PER", "B-LOC"])]
    splits, notices = Ner().normalise({"train": rows})
    assert splits["train"][0].values["tags"] == ["B-PER", "O", "B-PER", "B-LOC"]
    assert [(notice.count, notice.examples) for notice in notices] == [(1, ("corpus.jsonl:3",))]


def test_classes_are_outside_then_begin_and_inside_of_each_type() -> None:
    assert Ner().labels([ANNA]) == LABELS


def test_entities_are_counted_not_words() -> None:
    assert Ner().label_counts([ANNA, ANNA]) == {"LOC": 2, "PER": 2}


def test_text_is_the_words_joined() -> None:
    assert Ner().text(ANNA) == "anna smith visited paris"


def test_the_label_sits_on_the_first_sub_token() -> None:
    # `smiths` is `smith` and `##s`.
    sentence = NerExample(("smiths", "lives"), ("B-PER", "O"))
    assert encode(sentence) == [[IGNORED, 3, IGNORED, 0, IGNORED]]


def test_label_that_only_test_has_is_not_trained_on() -> None:
    sentence = NerExample(("anna", "acme"), ("B-PER", "B-ORG"))
    assert encode(sentence) == [[IGNORED, 3, IGNORED, IGNORED]]


def test_example_without_tags_has_no_targets() -> None:
    assert encode(NerExample(("anna", "lives"))) == [[IGNORED] * 4]


def test_padding_is_the_tokenizers_own() -> None:
    features = Ner().encode([ANNA], tiny_byte_tokenizer(), LABELS, 32)
    assert features.padding == {"input_ids": 1, "attention_mask": 0, "labels": IGNORED, "markers": 0}


def test_sentence_without_words_is_one_empty_sequence() -> None:
    features = Ner().encode([NerExample(()), ANNA], tiny_tokenizer(), LABELS, 32)
    assert features.owner.tolist() == [0, 1]
    assert Ner().decode(sure_scores(features, 5), features, LABELS, {}) == [(), ANNA.tags]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_word_that_tokenises_to_nothing_is_outside(place: int) -> None:
    words, tags = list(ANNA.words), list(ANNA.tags)
    words[place], tags[place] = ZERO_WIDTH, "B-LOC"
    features = Ner().encode([NerExample(tuple(words), tuple(tags))], tiny_tokenizer(), LABELS, 32)
    [predicted] = Ner().decode(sure_scores(features, 5), features, LABELS, {})
    wanted = [*tags[:place], "O", *tags[place + 1 :]]
    assert [*predicted, *["O"] * (4 - len(predicted))] == wanted


def test_score_takes_missing_words_at_the_end_as_outside() -> None:
    assert Ner().score([ANNA], [ANNA.tags[:3]])["recall"] == 0.5
    assert Ner().score([ANNA], [()])["accuracy"] == 0.25


def test_sentence_of_dropped_words_alone_scores() -> None:
    sentence = NerExample((ZERO_WIDTH, ZERO_WIDTH), ("O", "O"))
    features = Ner().encode([sentence], tiny_tokenizer(), LABELS, 32)
    predictions = Ner().decode(sure_scores(features, 5), features, LABELS, {})
    assert Ner().score([sentence], predictions)["accuracy"] == 1.0


def test_more_predictions_than_examples_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        Ner().score([ANNA], [ANNA.tags, ANNA.tags])


def notices_of(*sentences: NerExample, max_length: int = 32) -> dict[str, int]:
    features = Ner().encode(sentences, tiny_tokenizer(), LABELS, max_length)
    return {notice.text: notice.count for notice in Ner().inspect(sentences, features, tiny_tokenizer())}


def test_ordinary_sentences_raise_no_notice() -> None:
    assert notices_of(ANNA) == {}


def test_unknown_tokens_are_noticed_with_their_share() -> None:
    # [CLS] [UNK] [UNK] the [SEP]
    [(text, count)] = notices_of(NerExample(("語", "語", "the"))).items()
    assert text.startswith("40% of the tokens are unknown to the tokenizer: take a base model")
    assert count == 2


SENTENCES = ("我住在北京", "私は東京に住む", "ผมอยู่กรุงเทพ", "أنا أعيش في القاهرة", "אני גר בחיפה")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_other_scripts_are_unknown_to_a_vocabulary_of_english(sentence: str) -> None:
    words = tuple(sentence[start:end] for start, end in split_words(sentence))
    [text] = notices_of(NerExample(words))
    assert "xlm-roberta-base" in text


def test_few_unknown_tokens_are_not_worth_a_notice() -> None:
    assert notices_of(NerExample(("語", *["the"] * 20))) == {}


def test_dropped_words_are_noticed() -> None:
    notice = "words that the tokenizer turns into nothing are always outside entities"
    assert notices_of(NerExample((ZERO_WIDTH, "the", ZERO_WIDTH))) == {notice: 2}


def test_added_windows_are_noticed() -> None:
    notice = "windows added for sentences longer than the model reads at once"
    assert notices_of(NerExample(("the",) * 10), max_length=8) == {notice: 1}


def test_dropped_words_are_counted_once_for_all_windows() -> None:
    sentence = NerExample(("the", *["the"] * 10, ZERO_WIDTH))
    assert list(notices_of(sentence, max_length=8).values()) == [2, 1]


def test_a_byte_level_tokenizer_knows_every_word() -> None:
    features = Ner().encode([NerExample(("語", "Ünï"))], tiny_byte_tokenizer(), LABELS, 32)
    assert Ner().inspect([NerExample(("語", "Ünï"))], features, tiny_byte_tokenizer()) == []
    assert np.unique(features.columns["words"][0]).tolist() == [-1, 0, 1]
