from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval import scheme as seqeval_scheme

from autoft.data.rows import Row
from autoft.data.spans import Span, from_spans
from autoft.data.tagging import SCHEMES, normalise_rows, recognise, split_tag, to_iob2
from autoft.errors import DataError
from autoft.metrics import iob2_spans

# Letters of the first, inner, last and only token of an entity.
LETTERS = {"IOBES": "BIES", "BILOU": "BILU", "BMES": "BMES", "BMEWO": "BMEW", "IOB2": "BIIB"}


def write(length: int, spans: Sequence[Span], scheme: str) -> list[str]:
    """Write entities in a scheme, as its definition says."""
    tags = ["O"] * length
    for start, end, label in spans:
        if scheme == "IOB1":
            touches = start > 0 and tags[start - 1].endswith(f"-{label}")
            tags[start:end] = [f"I-{label}"] * (end - start)
            tags[start] = f"{'B' if touches else 'I'}-{label}"
            continue
        first, inner, last, only = tuple(LETTERS[scheme])
        letters = only if end - start == 1 else first + inner * (end - start - 2) + last
        tags[start:end] = [f"{letter}-{label}" for letter in letters]
    return tags


@st.composite
def entities(draw: st.DrawFn) -> tuple[int, list[Span]]:
    spans: list[Span] = []
    position = 0
    for _ in range(draw(st.integers(0, 5))):
        start = position + draw(st.integers(0, 2))
        position = start + draw(st.integers(1, 3))
        spans.append((start, position, draw(st.sampled_from(["PER", "creative-work"]))))
    return position + draw(st.integers(0, 2)), spans


@given(entities())
def test_tags_give_their_spans_back(made: tuple[int, list[Span]]) -> None:
    length, spans = made
    assert iob2_spans(from_spans(length, spans)) == spans


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@given(made=entities())
def test_every_scheme_becomes_iob2_with_the_same_entities(scheme: str, made: tuple[int, list[Span]]) -> None:
    length, spans = made
    assert to_iob2(write(length, spans, scheme), scheme) == from_spans(length, spans)


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "IOBES", "BILOU"])
@given(made=entities())
def test_entities_are_those_that_seqeval_finds(scheme: str, made: tuple[int, list[Span]]) -> None:
    length, spans = made
    tags = write(length, spans, scheme)
    # seqeval's IOB1 ends nothing at a B- of another label, which IOB1 never writes.
    found = seqeval_scheme.Tokens(tags, getattr(seqeval_scheme, scheme)).entities
    assert [(one.start, one.end, one.tag) for one in found] == iob2_spans(to_iob2(tags, scheme))


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_a_scheme_is_recognised(scheme: str) -> None:
    spans = [(0, 1, "X"), (1, 4, "X"), (5, 8, "Y")]
    assert recognise([write(9, spans, scheme), ["O"]]) == scheme


@given(entities())
def test_a_recognised_scheme_loses_no_entity(made: tuple[int, list[Span]]) -> None:
    length, spans = made
    for scheme in SCHEMES:
        tags = write(length, spans, scheme)
        assert iob2_spans(to_iob2(tags, recognise([tags]))) == spans


@pytest.mark.parametrize(
    ("sequences", "scheme"),
    [
        ([["O", "O"]], "IOB2"),
        ([], "IOB2"),
        ([["B-X", "I-X", "B-X"]], "IOB2"),
        ([["I-X", "I-X", "O"], ["I-X", "B-X"]], "IOB1"),
        ([["I-X", "O"], ["O", "B-X"]], "IOB2"),
        ([["B-X", "O", "I-X"]], "IOB2"),
        ([["S-X", "O"]], "IOBES"),
        ([["U-X", "O"]], "BILOU"),
    ],
)
def test_what_decides_the_scheme(sequences: list[list[str]], scheme: str) -> None:
    assert recognise(sequences) == scheme


def test_letters_of_several_schemes_are_told() -> None:
    with pytest.raises(DataError, match=r"letters of one scheme expected .* got E, L, O"):
        recognise([["E-X", "L-X", "O"]])


def test_an_unknown_scheme_is_told() -> None:
    with pytest.raises(DataError, match="unknown tag scheme 'BILUO', did you mean 'BILOU'"):
        to_iob2(["O"], "BILUO")


@pytest.mark.parametrize("tag", ["PER", "B-", "B- ", "b-PER", "X-PER", "0", "", "B_PER"])
def test_a_tag_without_a_scheme_is_told(tag: str) -> None:
    with pytest.raises(DataError, match="tags without a scheme"):
        split_tag(tag)


def row(tags: object, line: int = 1, field: str = "tags") -> Row:
    count = len(tags) if isinstance(tags, list) else 1
    lines = tuple(range(line, line + count))
    return Row({"tokens": ["w"] * count, field: tags}, "corpus.conll", line, lines)


def tags_of(rows: Sequence[Row]) -> list[list[str]]:
    return [row.values["tags"] for row in rows]


def test_one_scheme_is_found_for_all_splits() -> None:
    done = normalise_rows({"train": [row(["I-X", "I-X"])], "dev": [row(["I-X", "B-X"])]})
    assert (done.scheme, done.repaired) == ("IOB1", 0)
    assert tags_of(done.splits["train"]) == [["B-X", "I-X"]]
    assert tags_of(done.splits["dev"]) == [["B-X", "B-X"]]


def test_repairs_within_iob2_are_counted_with_their_places() -> None:
    done = normalise_rows({"train": [row(["B-X", "O", "I-X", "I-Y", "I-Y"], line=4)]})
    assert tags_of(done.splits["train"]) == [["B-X", "O", "B-X", "B-Y", "I-Y"]]
    assert (done.scheme, done.repaired) == ("IOB2", 2)
    assert done.places == ("corpus.conll:6", "corpus.conll:7")


def test_repairs_within_iobes_are_counted() -> None:
    done = normalise_rows({"train": [row(["B-X", "O", "E-X", "S-X", "I-X"])]})
    assert tags_of(done.splits["train"]) == [["B-X", "O", "B-X", "B-X", "B-X"]]
    assert done.places == ("corpus.conll:1", "corpus.conll:3", "corpus.conll:5")


def test_rows_keep_their_places_and_other_fields() -> None:
    given_row = Row({"tokens": ["a"], "ner_tags": ["B-X"], "id": 7}, "c.jsonl", 3)
    (done,) = normalise_rows({"train": [given_row]}).splits["train"]
    assert done.values == {"tokens": ["a"], "tags": ["B-X"], "id": 7}
    assert done.place == "c.jsonl:3"


def test_tags_without_labels_get_one() -> None:
    done = normalise_rows({"train": [row(["B", "I", "O"])]})
    assert tags_of(done.splits["train"]) == [["B-ENTITY", "I-ENTITY", "O"]]


def problems_of(*rows: Row) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        normalise_rows({"train": rows})
    return caught.value.problems


def test_plain_labels_are_told_with_their_lines() -> None:
    assert problems_of(row(["PER", "PER", "O"], line=7)) == (
        "corpus.conll:7: tags without a scheme: O, B-LABEL or I-LABEL expected, got 'PER'",
        "corpus.conll:8: tags without a scheme: O, B-LABEL or I-LABEL expected, got 'PER'",
    )


def test_a_tag_that_lost_its_label_is_told() -> None:
    assert problems_of(row(["B-PER", "I"])) == ("corpus.conll:2: a label expected as in the other tags, got 'I'",)


def test_rows_without_text_are_told() -> None:
    rows = [
        row([1, "O"]),
        Row({"tokens": ["a", ""], "tags": ["O", "O"]}, "corpus.conll", 4),
        Row({"tokens": [], "tags": []}, "corpus.conll", 5),
        Row({"tokens": "a b", "tags": ["O"]}, "corpus.conll", 6),
        Row({"tokens": ["a"], "tags": ["O", "O"]}, "corpus.conll", 7),
        Row({"words": ["a"], "tags": ["O"]}, "corpus.conll", 8),
    ]
    assert problems_of(*rows) == (
        "corpus.conll:1: tag 1 must be text, got 1",
        "corpus.conll:4: token 2 must be text, got ''",
        "corpus.conll:5: a list of tokens expected, got []",
        "corpus.conll:6: a list of tokens expected, got a b",
        "corpus.conll:7: 1 tokens but 2 tags",
        "corpus.conll:8: fields tokens and tags, or text and spans, expected, got words, tags",
    )


def test_a_text_with_spans_becomes_tagged_words() -> None:
    spans = [{"start": 0, "end": 8, "label": "LOC"}]
    given_row = Row({"text": "New York's bagels", "entities": spans}, "c.jsonl", 1)
    done = normalise_rows({"train": [given_row]})
    (made,) = done.splits["train"]
    assert made.values["tokens"] == ["New", "York", "'s", "bagels"]
    assert made.values["tags"] == ["B-LOC", "I-LOC", "O", "O"]
    assert made.values["text"] == "New York's bagels"
    assert done.scheme == "IOB2"


def test_spans_beside_iob1_tags_are_not_mistaken() -> None:
    spans = [{"start": 0, "end": 1, "label": "X"}]
    rows = [Row({"text": "a b", "spans": spans}, "c.jsonl", 1), row(["I-X", "I-X"])]
    done = normalise_rows({"train": rows})
    assert done.scheme == "IOB1"
    assert tags_of(done.splits["train"]) == [["B-X", "O"], ["B-X", "I-X"]]


def test_spans_that_miss_words_are_told() -> None:
    spans = [{"start": 0, "end": 7, "label": "LOC"}]
    (problem,) = problems_of(Row({"text": "New York", "spans": spans}, "c.jsonl", 2))
    assert problem.startswith("c.jsonl:2: spans must begin and end with words, got 0:7 'New Yor'")
