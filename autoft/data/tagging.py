"""Tag schemes: found from the whole corpus, rewritten to IOB2, entities unchanged.

Schemes as in Ramshaw and Marcus (1995) for IOB1, Tjong Kim Sang and Veenstra (1999) for IOB2,
Ratinov and Roth (2009) for BILOU. Every scheme here reads alike: a letter begins an entity,
continues one, or ends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from autoft.data.problems import Problems
from autoft.data.rows import Row
from autoft.data.spans import align_spans, from_spans
from autoft.data.words import split_words
from autoft.errors import DataError
from autoft.registry import nearest

SCHEMES: Mapping[str, frozenset[str]] = {
    "IOB1": frozenset("IOB"),
    "IOB2": frozenset("IOB"),
    "IOBES": frozenset("IOBES"),
    "BILOU": frozenset("BILOU"),
    "BMES": frozenset("BMESO"),
    "BMEWO": frozenset("BMEWO"),
}
UNNAMED = "ENTITY"

_TAG = re.compile(r"([BIESLUMW])(?:-(.*\S.*))?")
_CONTINUES = frozenset("IMEL")
_STAYS_OPEN = frozenset("BIM")
_ENDS = frozenset("EL")
_PLACES_SHOWN = 5


@lru_cache(maxsize=4096)
def split_tag(tag: str) -> tuple[str, str]:
    """Return letter and label of a tag: of `B-PER` B and PER; a bare `B` has the label ENTITY.

    Raises:
        DataError: If the tag has no scheme's form.
    """
    if tag == "O":
        return "O", ""
    match = _TAG.fullmatch(tag)
    if match is None:
        raise DataError(f"tags without a scheme: O, B-LABEL or I-LABEL expected, got {tag!r}")
    return match[1], match[2] or UNNAMED


def recognise(sequences: Iterable[Sequence[str]]) -> str:
    """Return the scheme that all sequences together are written in, a key of `SCHEMES`.

    IOB1 is told only where some I- begins an entity and every B- parts two entities of one label,
    as IOB1 demands. Otherwise such an I- is a mistake within IOB2.

    Raises:
        DataError: If a tag has no scheme's form, or no scheme has all the letters.
    """
    rows = list(sequences)
    letters = {split_tag(tag)[0] for tag in set(chain.from_iterable(rows))}
    if letters <= SCHEMES["IOB2"]:
        return _iob_kind(rows)
    for name, known in SCHEMES.items():
        if letters <= known:
            return name
    got = ", ".join(sorted(letters))
    raise DataError(f"tags: letters of one scheme expected ({', '.join(SCHEMES)}), got {got}")


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """Return tags of a scheme as IOB2, [T]; an entity without its beginning gets one.

    Raises:
        DataError: If the scheme is unknown, or a tag has no scheme's form.
    """
    if scheme not in SCHEMES:
        raise DataError(f"unknown tag scheme {scheme!r}{nearest(scheme, SCHEMES) or ','} known: {', '.join(SCHEMES)}")
    return _rewrite(tags, scheme)[0]


@dataclass(frozen=True, slots=True)
class TaggedSplits:
    """Rows with `tokens` and IOB2 `tags`.

    Attributes:
        splits: The rows of each split.
        scheme: The scheme they were written in; IOB2 where entities were spans.
        repaired: How many tags broke the scheme's laws and were rewritten to the entity that they
            suggest.
        places: The first of them, `file:line`.
    """

    splits: Mapping[str, tuple[Row, ...]]
    scheme: str
    repaired: int
    places: tuple[str, ...]


def normalise_rows(splits: Mapping[str, Sequence[Row]]) -> TaggedSplits:
    """Rewrite rows of tagged tokens, or of texts with character spans, to IOB2.

    Rows have `tokens` and `tags` (or `ner_tags`), or `text` and `spans` (or `entities`). The scheme
    is one for all splits. Rows of text get the tokens of `split_words`.

    Raises:
        DataError: With every row that does not fit.
    """
    problems = Problems()
    read: dict[str, list[tuple[Row, _Tagged]]] = {name: [] for name in splits}
    for name, rows in splits.items():
        for row in rows:
            try:
                read[name].append((row, _tagged(row)))
            except DataError as error:
                for problem in error.problems:
                    problems.add(row.file, problem)
    everything = [pair for pairs in read.values() for pair in pairs]
    for row, problem in _wrong_tags(everything):
        problems.add(row.file, problem)
    problems.raise_if_any()
    scheme = recognise(tagged.tags for _, tagged in everything if not tagged.from_text)
    places: list[str] = []
    done = {name: tuple(_rewritten(row, tagged, scheme, places) for row, tagged in read[name]) for name in read}
    return TaggedSplits(done, scheme, len(places), tuple(places[:_PLACES_SHOWN]))


@dataclass(frozen=True, slots=True)
class _Tagged:
    tokens: list[str]
    tags: list[str]
    from_text: bool


def _tagged(row: Row) -> _Tagged:
    values = row.values
    tags = next((values[name] for name in ("tags", "ner_tags") if name in values), None)
    spans = next((values[name] for name in ("spans", "entities") if name in values), None)
    if "tokens" in values and tags is not None:
        tokens = _texts(values["tokens"], "token", row.place)
        tags = _texts(tags, "tag", row.place)
        if len(tokens) != len(tags):
            raise DataError(f"{row.place}: {len(tokens)} tokens but {len(tags)} tags")
        return _Tagged(tokens, tags, from_text=False)
    if "text" in values and spans is not None:
        text = values["text"]
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{row.place}: a text expected in 'text', got {text!r}")
        words = split_words(text)
        aligned = align_spans(text, spans, words, place=row.place)
        return _Tagged(
            [text[start:end] for start, end in words],
            from_spans(len(words), aligned),
            from_text=True,
        )
    fields = ", ".join(map(str, values)) or "none"
    raise DataError(f"{row.place}: fields tokens and tags, or text and spans, expected, got {fields}")


def _texts(values: object, noun: str, place: str) -> list[str]:
    if not isinstance(values, list | tuple) or not values:
        raise DataError(f"{place}: a list of {noun}s expected, got {str(values)[:60]}")
    wrong = [
        f"{place}: {noun} {number} must be text, got {value!r}"
        for number, value in enumerate(values, 1)
        if not isinstance(value, str) or not value
    ]
    if wrong:
        raise DataError(*wrong)
    return list(values)


def _wrong_tags(rows: Sequence[tuple[Row, _Tagged]]) -> Iterator[tuple[Row, str]]:
    named = any(len(tag) > 1 for tag in set(chain.from_iterable(tagged.tags for _, tagged in rows)))
    for row, tagged in rows:
        for index, tag in enumerate(tagged.tags):
            try:
                split_tag(tag)
            except DataError as error:
                yield row, f"{row.place_of(index)}: {error}"
                continue
            if named and tag != "O" and len(tag) == 1:
                yield (
                    row,
                    f"{row.place_of(index)}: a label expected as in the other tags, got {tag!r}",
                )


def _rewritten(row: Row, tagged: _Tagged, scheme: str, places: list[str]) -> Row:
    tags, repaired = tagged.tags, list[int]()
    if not tagged.from_text:
        tags, repaired = _rewrite(tagged.tags, scheme)
    places += [row.place_of(index) for index in repaired]
    kept = {name: value for name, value in row.values.items() if name != "ner_tags"}
    return Row({**kept, "tokens": tagged.tokens, "tags": tags}, row.file, row.line, row.lines)


def _rewrite(tags: Sequence[str], scheme: str) -> tuple[list[str], list[int]]:
    """Return IOB2 tags and the places of tags that break the scheme's laws."""
    has_ends = bool(SCHEMES[scheme] & _ENDS)
    rewritten: list[str] = []
    broken: list[int] = []
    open_label = ""
    for index, tag in enumerate(tags):
        letter, label = split_tag(tag)
        continues = letter in _CONTINUES and label == open_label
        if has_ends and open_label and not continues:
            broken.append(index - 1)
        if letter in _CONTINUES and not continues and scheme != "IOB1":
            broken.append(index)
        rewritten.append("O" if letter == "O" else f"{'I' if continues else 'B'}-{label}")
        open_label = label if letter in _STAYS_OPEN else ""
    if has_ends and open_label:
        broken.append(len(tags) - 1)
    return rewritten, sorted(set(broken))


def _iob_kind(rows: Sequence[Sequence[str]]) -> str:
    well_formed = True
    parts_only = True
    for tags in rows:
        before = ""
        for tag in tags:
            letter, label = split_tag(tag)
            well_formed &= letter != "I" or label == before
            parts_only &= letter != "B" or label == before
            before = label
    return "IOB1" if parts_only and not well_formed else "IOB2"
