"""A text and the two entities in it that a relation is asked of: read from a row, and written with markers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from autoft.errors import DataError
from autoft.registry import nearest

OPENS_HEAD, OPENS_TAIL = 1, 2
"""What the column `markers` of encoded pairs says of the tokens that open their entities."""

# A bracket that would make a marker of the user's own text.
_LOOKS_LIKE_MARKER = re.compile(r"\[(?=/?(?:head|tail)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """Where an entity stands in a text.

    Attributes:
        start: Its first character.
        end: The character behind it.
        type: What kind of thing it is; empty where nobody says.
    """

    start: int
    end: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class EntityPair:
    """A text and the two entities that a relation is asked of; one may lie within the other.

    Attributes:
        text: Where they stand.
        head: What the relation starts from.
        tail: What it leads to.
    """

    text: str
    head: Mention
    tail: Mention

    def words(self, mention: Mention) -> str:
        """Return the text of one of the entities."""
        return self.text[mention.start : mention.end]


def read_pair(values: Mapping[str, Any], *, place: str) -> EntityPair:
    """Read `text` and `head`, `tail` in characters, or `tokens` and `head`, `tail` in tokens.

    Both are `{"start", "end"}`, end exclusive, with `"type"` where the kind of entity is known. Tokens are joined by
    spaces. Spaces at the ends of an entity are not part of it.

    Args:
        values: Of a row.
        place: `file:line`, how each problem starts.

    Raises:
        DataError: With every problem: fields that are missing or of a wrong type, spans outside of the text, without
            a letter, equal, or crossing each other.
    """
    text, borders = _text(values, place)
    unit = "characters" if values.get("tokens") is None else "tokens"
    found: list[Mention] = []
    problems: list[str] = []
    for name in ("head", "tail"):
        try:
            mention = _mention(values, name, len(borders), unit)
            start, end = borders[mention.start][0], borders[mention.end - 1][1]
            found.append(_stripped(text, replace(mention, start=start, end=end), name))
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise DataError(*problems)
    pair = EntityPair(text, *found)
    _check_places(pair, place)
    return pair


def mark(pair: EntityPair, head: tuple[str, str], tail: tuple[str, str]) -> str:
    """Return the text with markers around its entities.

    An opening marker stands before the one space that parts its entity from the word before, so that tokenizers that
    write this space into their tokens read the entity as they would without markers. What looks like a marker in the
    text itself gets a space behind its bracket.

    Args:
        pair: What is marked.
        head: Opening and closing marker of the head.
        tail: The same for the tail.
    """
    inserts: list[tuple[int, int, int, str]] = []
    for mention, (opening, closing) in ((pair.head, head), (pair.tail, tail)):
        length = mention.end - mention.start
        before = mention.start - (pair.text[mention.start - 1 : mention.start] == " ")
        # At one place entities end before others begin, inner ones end first, and outer ones begin first.
        inserts += [(before, 1, -length, opening), (mention.end, 0, length, closing)]
    parts, done = [], 0
    for position, *_, marker in sorted(inserts):
        parts += [_LOOKS_LIKE_MARKER.sub("[ ", pair.text[done:position]), marker]
        done = position
    return "".join([*parts, _LOOKS_LIKE_MARKER.sub("[ ", pair.text[done:])])


def _text(values: Mapping[str, Any], place: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text, and the borders of the units that the row counts in: its tokens, or its characters."""
    text, tokens = values.get("text"), values.get("tokens")
    if text is not None and tokens is not None:
        raise DataError(f"{place}: 'text' or 'tokens' expected, got both, which of them do 'head' and 'tail' count?")
    if tokens is not None:
        if not isinstance(tokens, list) or not tokens or not all(isinstance(one, str) and one for one in tokens):
            raise DataError(f"{place}: 'tokens': a list of words expected, got {str(tokens)[:60]}")
        borders, start = [], 0
        for token in tokens:
            borders.append((start, start + len(token)))
            start += len(token) + 1
        return " ".join(tokens), borders
    if not isinstance(text, str) or not text.strip():
        got = repr(text) if "text" in values else ", ".join(map(str, values)) or "nothing"
        raise DataError(f"{place}: 'text' or 'tokens' with 'head' and 'tail' expected, got {got}")
    return text, [(at, at + 1) for at in range(len(text))]


def _mention(values: Mapping[str, Any], name: str, length: int, unit: str) -> Mention:
    """Return a field in units of the row.

    Raises:
        ValueError: With what is wrong.
    """
    if name not in values:
        raise ValueError(f"{name!r} is missing, got {', '.join(map(str, values))}{nearest(name, map(str, values))}")
    span = values[name]
    if not isinstance(span, Mapping) or not {"start", "end"} <= set(span):
        raise ValueError(f'{name!r}: {{"start", "end"}} in {unit} expected, got {str(span)[:60]}')
    start, end, kind = span["start"], span["end"], span.get("type")
    for offset in (start, end):
        if not isinstance(offset, int) or isinstance(offset, bool):
            raise ValueError(  # noqa: TRY004 - a user's mistake
                f"{name!r}: whole numbers expected as start and end, got {offset!r}"
            )
    if not 0 <= start < end <= length:
        raise ValueError(f"{name!r}: 0 <= start < end <= {length} {unit} must hold, got start={start}, end={end}")
    if kind is not None and (not isinstance(kind, str) or not kind.strip()):
        raise ValueError(f"{name!r}: a text expected as type, got {kind!r}")
    return Mention(start, end, (kind or "").strip())


def _stripped(text: str, mention: Mention, name: str) -> Mention:
    words = text[mention.start : mention.end]
    if not words.strip():
        raise ValueError(f"{name!r}: an entity expected at {mention.start}:{mention.end}, got only spaces")
    start = mention.start + len(words) - len(words.lstrip())
    return Mention(start, start + len(words.strip()), mention.type)


def _check_places(pair: EntityPair, place: str) -> None:
    head, tail = pair.head, pair.tail
    got = " and ".join(f"{one.start}:{one.end} {pair.words(one)!r}" for one in (head, tail))
    if (head.start, head.end) == (tail.start, tail.end):
        raise DataError(f"{place}: 'head' and 'tail' must be two entities, got {got}")
    first, second = sorted((head, tail), key=lambda one: (one.start, -one.end))
    if first.start < second.start < first.end < second.end:
        raise DataError(f"{place}: 'head' and 'tail' must lie apart or one within the other, got {got}")
