from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.entity_pairs import EntityPair, Mention, mark, read_pair
from autoft.errors import DataError

HEAD, TAIL = ("[HEAD]", "[/HEAD]"), ("[TAIL]", "[/TAIL]")
MARKERS = (*HEAD, *TAIL)


def span(start: Any, end: Any, **others: Any) -> dict[str, Any]:
    return {"start": start, "end": end, **others}


def read(values: dict[str, Any]) -> EntityPair:
    return read_pair(values, place="pairs.jsonl:3")


@st.composite
def pairs(draw: st.DrawFn) -> EntityPair:
    """Pairs of entities that lie apart, touch, or lie one within the other, spaces and brackets around them."""
    text = draw(st.text("ab 中[]", min_size=2, max_size=14))
    spots = [
        (start, end)
        for start in range(len(text))
        for end in range(start + 1, len(text) + 1)
        if text[start:end] == text[start:end].strip()
    ]
    legal = [
        (one, other)
        for one in spots
        for other in spots
        if one != other and not (one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1])
    ]
    if not legal:
        return EntityPair("a b", Mention(0, 1), Mention(2, 3))
    head, tail = draw(st.sampled_from(legal))
    return EntityPair(text, Mention(*head), Mention(*tail))


@given(pairs())
def test_marked_text_without_markers_is_the_text(pair: EntityPair) -> None:
    marked = mark(pair, HEAD, TAIL)
    for marker in MARKERS:
        assert marked.count(marker) == 1
        marked = marked.replace(marker, "")
    assert marked == pair.text


@given(pairs())
def test_markers_hold_their_entity_and_lie_apart_or_within_each_other(pair: EntityPair) -> None:
    marked = mark(pair, HEAD, TAIL)
    for mention, (opening, closing) in ((pair.head, HEAD), (pair.tail, TAIL)):
        inside = marked[marked.index(opening) + len(opening) : marked.index(closing)]
        for marker in MARKERS:
            inside = inside.replace(marker, "")
        assert inside.lstrip(" ") == pair.words(mention)
    order = sorted(MARKERS, key=marked.index)
    inner = [order[1], order[2]]
    assert inner in ([*HEAD], [*TAIL], ["[/HEAD]", "[TAIL]"], ["[/TAIL]", "[HEAD]"])


@given(pairs())
def test_direction_is_kept(pair: EntityPair) -> None:
    turned = mark(EntityPair(pair.text, pair.tail, pair.head), TAIL, HEAD)
    assert turned == mark(pair, HEAD, TAIL)


@pytest.mark.parametrize(
    ("head", "tail", "marked"),
    [
        ((0, 4), (8, 12), "[HEAD]Anna[/HEAD] of[TAIL] Acme[/TAIL]."),
        ((8, 12), (0, 4), "[TAIL]Anna[/TAIL] of[HEAD] Acme[/HEAD]."),
        ((0, 12), (8, 12), "[HEAD]Anna of[TAIL] Acme[/TAIL][/HEAD]."),
        ((0, 4), (0, 12), "[TAIL][HEAD]Anna[/HEAD] of Acme[/TAIL]."),
        ((5, 7), (8, 12), "Anna[HEAD] of[/HEAD][TAIL] Acme[/TAIL]."),
        ((2, 4), (10, 11), "An[HEAD]na[/HEAD] of Ac[TAIL]m[/TAIL]e."),
    ],
)
def test_golden_marked_texts(head: tuple[int, int], tail: tuple[int, int], marked: str) -> None:
    assert mark(EntityPair("Anna of Acme.", Mention(*head), Mention(*tail)), HEAD, TAIL) == marked


@pytest.mark.parametrize("fake", ["[HEAD]", "[/HEAD]", "[TAIL]", "[/tail]", "[HEAD:PER]"])
def test_a_marker_of_the_text_itself_is_none(fake: str) -> None:
    text = f"{fake} Anna of {fake} Acme"
    start, end = text.index("Anna"), text.index("Acme")
    marked = mark(EntityPair(text, Mention(start, start + 4), Mention(end, end + 4)), HEAD, TAIL)
    assert sum(marked.count(marker) for marker in MARKERS) == 4
    assert marked.count("[ " + fake[1:]) == 2


def test_tokens_give_the_text_that_characters_give() -> None:
    tokens = {"tokens": ["Anna", "Lee", "of", "Acme", "."], "head": span(0, 2), "tail": span(3, 4)}
    text = {"text": "Anna Lee of Acme .", "head": span(0, 8), "tail": span(12, 16)}
    assert read(tokens) == read(text)
    assert read(text).words(read(text).head) == "Anna Lee"


def test_types_are_kept_and_nothing_is_none() -> None:
    pair = read({"text": "Anna of Acme", "head": span(0, 4, type="PER"), "tail": span(8, 12, type=None)})
    assert (pair.head.type, pair.tail.type) == ("PER", "")


def test_spaces_at_the_ends_are_no_part_of_an_entity() -> None:
    pair = read({"text": "Anna  of Acme ", "head": span(0, 6), "tail": span(8, 14)})
    assert [pair.words(one) for one in (pair.head, pair.tail)] == ["Anna", "Acme"]


def test_a_field_without_value_is_none_that_was_given() -> None:
    values = {"text": "Anna of Acme", "tokens": None, "head": span(0, 4), "tail": span(8, 12)}
    assert read(values).words(read(values).tail) == "Acme"


GOOD = {"text": "Anna of Acme", "head": span(0, 4), "tail": span(8, 12)}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"head": span(0, 13)}, "'head': 0 <= start < end <= 12 characters must hold, got start=0, end=13"),
        ({"head": span(-1, 4)}, "'head': 0 <= start < end <= 12 characters must hold, got start=-1, end=4"),
        ({"tail": span(8, 8)}, "'tail': 0 <= start < end <= 12 characters must hold, got start=8, end=8"),
        ({"tail": span(4, 5)}, "'tail': an entity expected at 4:5, got only spaces"),
        ({"tail": span("8", 12)}, "'tail': whole numbers expected as start and end, got '8'"),
        ({"tail": span(8, True)}, "'tail': whole numbers expected as start and end, got True"),
        ({"tail": span(8, 12.0)}, "'tail': whole numbers expected as start and end, got 12.0"),
        ({"tail": [8, 12]}, '\'tail\': {"start", "end"} in characters expected, got [8, 12]'),
        ({"tail": {"start": 8}}, "'tail': {\"start\", \"end\"} in characters expected, got {'start': 8}"),
        ({"head": span(0, 4, type=3)}, "'head': a text expected as type, got 3"),
        ({"tail": span(0, 4)}, "'head' and 'tail' must be two entities, got 0:4 'Anna' and 0:4 'Anna'"),
        ({"tail": span(0, 5)}, "'head' and 'tail' must be two entities, got 0:4 'Anna' and 0:4 'Anna'"),
        (
            {"head": span(0, 7), "tail": span(5, 12)},
            "'head' and 'tail' must lie apart or one within the other, got 0:7 'Anna of' and 5:12 'of Acme'",
        ),
        ({"text": " "}, "'text' or 'tokens' with 'head' and 'tail' expected, got ' '"),
        ({"text": None}, "'text' or 'tokens' with 'head' and 'tail' expected, got None"),
        (
            {"tokens": ["Anna"]},
            "'text' or 'tokens' expected, got both, which of them do 'head' and 'tail' count?",
        ),
        ({"text": None, "tokens": ["Anna", 3]}, "'tokens': a list of words expected, got ['Anna', 3]"),
        (
            {"text": None, "tokens": ["Anna", "of"], "head": span(0, 1), "tail": span(1, 3)},
            "'tail': 0 <= start < end <= 2 tokens must hold, got start=1, end=3",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError) as caught:
        read({**GOOD, **changed})
    assert caught.value.problems == (f"pairs.jsonl:3: {problem}",)


def test_a_missing_field_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DataError, match=r"'tail' is missing, got text, head, tial, did you mean 'tial'\?"):
        read({"text": "Anna of Acme", "head": span(0, 4), "tial": span(8, 12)})


def test_every_problem_of_a_row_is_told_at_once() -> None:
    with pytest.raises(DataError) as caught:
        read({"text": "Anna of Acme", "head": span(0, 40), "tail": 7})
    assert [problem.split(": ")[1] for problem in caught.value.problems] == ["'head'", "'tail'"]
