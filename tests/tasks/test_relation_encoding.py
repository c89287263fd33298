from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.entity_pairs import EntityPair, Mention
from autoft.data.features import Features
from autoft.tasks.relation import Relation, RelationExample
from autoft.testing.tiny import TOKENIZERS, tiny_tokenizer

LABELS = ("no_relation", "visited", "works_for")
WORDS = ("anna", "john", "visited", "google", "acme", "paris", "yesterday", "the", "of", "in", "new", "york")
ROOMY = 512


def pair(text: str, head: tuple[int, int], tail: tuple[int, int], types: tuple[str, str] = ("", "")) -> EntityPair:
    return EntityPair(text, Mention(*head, types[0]), Mention(*tail, types[1]))


def with_markers(make: Callable[[], Any], *examples: RelationExample) -> Any:
    tokenizer = make()
    tokenizer.add_tokens(list(Relation().tokens(examples)), special_tokens=True)
    return tokenizer


def encode(example: EntityPair, tokenizer: Any, max_length: int = ROOMY) -> Features:
    return Relation().encode([RelationExample(example, "visited")], tokenizer, LABELS, max_length)


def tokens(features: Features, tokenizer: Any) -> list[str]:
    found: list[str] = tokenizer.convert_ids_to_tokens(features.columns["input_ids"][0].tolist())
    return found


SHORT = pair("anna visited acme.", (13, 17), (0, 4))


def test_markers_stand_around_the_entities_and_the_column_tells_the_opening_ones() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    features = encode(SHORT, tokenizer)
    assert tokens(features, tokenizer) == [
        "[CLS]", "[TAIL]", "anna", "[/TAIL]", "visited", "[HEAD]", "acme", "[/HEAD]", ".", "[SEP]",
    ]  # fmt: skip
    assert features.columns["markers"][0].tolist() == [0, 2, 0, 0, 0, 1, 0, 0, 0, 0]
    assert features.targets["labels"].tolist() == [1]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_entities_inside_a_word_are_marked_with_every_kind_of_tokenizer(kind: str) -> None:
    tokenizer = with_markers(TOKENIZERS[kind])
    features = encode(pair("inparisnew", (2, 7), (7, 10)), tokenizer)
    found = tokens(features, tokenizer)
    opened, closed = found.index("[HEAD]"), found.index("[/HEAD]")
    assert "".join(found[opened + 1 : closed]).replace("##", "").strip("Ġ▁") == "paris"
    assert found[closed + 1] == "[TAIL]"
    assert features.columns["markers"][0].tolist() == [{"[HEAD]": 1, "[TAIL]": 2}.get(token, 0) for token in found]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_swapped_entities_swap_the_markers_alone(kind: str) -> None:
    tokenizer = with_markers(TOKENIZERS[kind])
    there, back = encode(SHORT, tokenizer), encode(pair(SHORT.text, (0, 4), (13, 17)), tokenizer)
    swap = {"[HEAD]": "[TAIL]", "[TAIL]": "[HEAD]", "[/HEAD]": "[/TAIL]", "[/TAIL]": "[/HEAD]"}
    assert [swap.get(token, token) for token in tokens(there, tokenizer)] == tokens(back, tokenizer)
    assert tokens(there, tokenizer) != tokens(back, tokenizer)


def test_tokens_of_a_row_are_encoded_as_the_text_they_make() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    task = Relation()
    spans = {"head": {"start": 2, "end": 3}, "tail": {"start": 0, "end": 1}}
    example, _ = task.read_input({"tokens": ["anna", "visited", "acme", "."], **spans})
    assert tokens(task.encode([example], tokenizer, LABELS, ROOMY), tokenizer) == tokens(
        encode(SHORT, tokenizer), tokenizer
    )


def test_text_that_looks_like_a_marker_marks_nothing() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    features = encode(pair("[HEAD] anna [/TAIL] visited acme", (7, 11), (28, 32)), tokenizer)
    assert sorted(features.columns["markers"][0].tolist())[-3:] == [0, 1, 2]
    assert sum(token in tokenizer.get_added_vocab() and token[1:5] in ("HEAD", "/HEA", "TAIL", "/TAI")
               for token in tokens(features, tokenizer)) == 4  # fmt: skip


@st.composite
def long_pairs(draw: st.DrawFn) -> EntityPair:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=4, max_size=40))
    borders, start = [], 0
    for word in words:
        borders.append((start, start + len(word)))
        start += len(word) + 1
    first, second = draw(st.lists(st.integers(0, len(words) - 1), min_size=2, max_size=2, unique=True))
    wide = draw(st.integers(first, len(words) - 1))
    head = borders[first][0], borders[wide][1]
    crossed = not (wide < second or second < first or first <= second <= wide)
    assert not crossed
    return pair(" ".join(words), head, borders[second])


@given(long_pairs(), st.integers(6, 24), st.sampled_from(sorted(TOKENIZERS)))
def test_cut_texts_keep_their_markers_their_order_and_what_surrounds_them(
    example: EntityPair, max_length: int, kind: str
) -> None:
    tokenizer = with_markers(TOKENIZERS[kind])
    if (example.head.start, example.head.end) == (example.tail.start, example.tail.end):
        return
    whole, cut = encode(example, tokenizer), encode(example, tokenizer, max_length)
    every, kept = tokens(whole, tokenizer), tokens(cut, tokenizer)
    assert len(kept) == min(len(every), max_length)
    assert (kept[0], kept[-1]) == (every[0], every[-1])
    marks = [token for token in every if token in ("[HEAD]", "[/HEAD]", "[TAIL]", "[/TAIL]")]
    assert [token for token in kept if token in marks] == marks
    assert [number for number in cut.columns["markers"][0] if number] == [
        number for number in whole.columns["markers"][0] if number
    ]
    rest = iter(every)
    assert all(token in rest for token in kept)
    code = int(cut.columns["cut"][0][0])
    assert (code == 0) == (len(every) <= max_length)
    first, last = every.index(marks[0]), every.index(marks[-1])
    fits = last - first + 1 <= max_length - 2
    assert (code == 2) == (code > 0 and not fits)
    if code == 1:
        between = every[first : last + 1]
        at = kept.index(marks[0])
        assert kept[at : at + len(between)] == between


def test_a_window_has_its_entities_in_the_middle() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    text = "the " * 20 + "anna visited acme" + " of" * 20
    features = encode(pair(text, (80, 84), (93, 97)), tokenizer, 17)
    assert " ".join(tokens(features, tokenizer)[1:-1]) == (
        "the the the the [HEAD] anna [/HEAD] visited [TAIL] acme [/TAIL] of of of of"
    )


def test_a_window_at_the_end_of_the_text_uses_all_its_room() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    features = encode(pair("the " * 20 + "anna visited acme", (80, 84), (93, 97)), tokenizer, 17)
    assert tokens(features, tokenizer)[1:9] == ["the"] * 8


def test_entities_too_far_apart_keep_what_is_nearest() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    features = encode(pair("anna visited" + " the" * 40 + " in acme", (0, 4), (176, 180)), tokenizer, 12)
    assert tokens(features, tokenizer) == [
        "[CLS]", "[HEAD]", "anna", "[/HEAD]", "visited", "the", "the", "in", "[TAIL]", "acme", "[/TAIL]", "[SEP]",
    ]  # fmt: skip


def test_no_room_for_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="max_length: room for 4 markers expected, got 5"):
        encode(SHORT, with_markers(tiny_tokenizer), 5)


def test_a_tokenizer_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="got one without markers"):
        encode(SHORT, tiny_tokenizer())


def test_cut_texts_are_told_with_their_counts() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    task = Relation()
    far = pair("anna visited" + " the" * 40 + " in acme", (0, 4), (176, 180))
    near = pair("the " * 20 + "anna visited acme", (80, 84), (93, 97))
    examples = [RelationExample(one, "visited") for one in (SHORT, far, near)]
    features = task.encode(examples, tokenizer, LABELS, 14)
    assert [(one.text, one.count) for one in task.inspect(examples, features, tokenizer)] == [
        ("texts longer than the model reads at once are cut around their entities", 2),
        ("texts whose entities are too far apart lose the middle between them", 1),
    ]


def test_unknown_tokens_are_told() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    examples = [RelationExample(pair("语 中 文 anna acme", (6, 10), (11, 15)), "visited")]
    features = Relation().encode(examples, tokenizer, LABELS, ROOMY)
    (notice,) = Relation().inspect(examples, features, tokenizer)
    assert notice.text.startswith("27% of the tokens are unknown to the tokenizer")
    assert notice.count == 3


TYPED = RelationExample(pair(SHORT.text, (0, 4), (13, 17), ("PER", "EducationalOrg")), "works_for")


def test_markers_name_types_where_train_has_them() -> None:
    tokenizer = with_markers(tiny_tokenizer, TYPED)
    assert tokens(encode(TYPED.pair, tokenizer), tokenizer)[1:8] == [
        "[HEAD:PER]", "anna", "[/HEAD:PER]", "visited", "[TAIL:EducationalOrg]", "acme", "[/TAIL:EducationalOrg]",
    ]  # fmt: skip
    assert encode(TYPED.pair, tokenizer).columns["markers"][0].tolist() == [0, 1, 0, 0, 0, 2, 0, 0, 0, 0]


def test_types_that_train_does_not_have_get_markers_without_type_and_are_told() -> None:
    tokenizer = with_markers(tiny_tokenizer, TYPED)
    strange = RelationExample(pair(SHORT.text, (0, 4), (13, 17), ("ROBOT", "PER")), "works_for")
    features = encode(strange.pair, tokenizer)
    assert [token for token in tokens(features, tokenizer) if "EAD" in token or "AIL" in token] == [
        "[HEAD]", "[/HEAD]", "[TAIL:PER]", "[/TAIL:PER]",
    ]  # fmt: skip
    (notice,) = Relation().inspect([TYPED, strange], features, tokenizer)
    assert (notice.count, notice.examples) == (1, ("ROBOT",))


def test_types_of_input_are_left_out_where_train_had_none() -> None:
    tokenizer = with_markers(tiny_tokenizer)
    assert tokens(encode(TYPED.pair, tokenizer), tokenizer)[1:4] == ["[HEAD]", "anna", "[/HEAD]"]
    assert Relation().inspect([TYPED], encode(TYPED.pair, tokenizer), tokenizer) == []


def test_each_marker_has_words_of_its_own() -> None:
    plain, named = Relation().tokens([RelationExample(SHORT)]), Relation().tokens([TYPED])
    assert list(plain) == ["[HEAD]", "[/HEAD]", "[TAIL]", "[/TAIL]"]
    assert named["[HEAD:PER]"] == "subject person"
    assert named["[/TAIL:EducationalOrg]"] == "end object educational org"
    assert plain.items() <= named.items()
    assert len({*named.values()}) == len(named) == 12


def test_encoding_is_what_the_tokenizer_makes_of_the_marked_text() -> None:
    """So that whoever loads the model with plain transformers asks the same."""
    tokenizer = with_markers(tiny_tokenizer)
    ids = tokenizer("[TAIL]anna[/TAIL] visited[HEAD] acme[/HEAD].")["input_ids"]
    assert np.array_equal(encode(SHORT, tokenizer).columns["input_ids"][0], ids)
