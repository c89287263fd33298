"""Words of a text, for corpora that mark entities by character offsets.

Words follow the habits of CoNLL corpora: runs of letters and digits with inner hyphens and
apostrophes, punctuation on its own, English clitics (`London's`) and Romance elisions (`l'Italia`)
cut at the apostrophe. Scripts written without spaces give one word a character. An emoji is one
word, however many characters it is made of.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import Literal

Kind = Literal["space", "word", "character", "mark", "joiner", "sign"]

_APOSTROPHES = "'’ʼ"
# With the Hebrew geresh, which makes another letter of the one before; gershayim also serve as quotation marks.
_INNER = frozenset(_APOSTROPHES + "-‐‑\u00ad\u05f3")
_IN_NUMBERS = frozenset(".,\u066b\u066c")
_SKIN = ("\U0001f3fb", "\U0001f3ff")
_FLAG = ("\U0001f1e6", "\U0001f1ff")
_CLITIC = re.compile(rf"[{_APOSTROPHES}](?:s|re|ve|ll|d|m)", re.IGNORECASE)
_ELISION = re.compile(
    rf"(?:[cdjlmnst]|(?:jus|lors|puis)?qu|un|gl|sant|(?:a|be|co|da|de|ne|que|su)ll)"
    rf"[{_APOSTROPHES}](?=\w\w)",
    re.IGNORECASE,
)
# First and last code point of: Thai and Lao; Myanmar; Khmer; radicals, kana and Han with their
# extensions.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007),
    (0x3021, 0x3029), (0x3031, 0x303C), (0x3041, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip
_FIRSTS = [first for first, _ in _UNSPACED]


def split_words(text: str, language: str | None = None) -> list[tuple[int, int]]:
    """Return start and end of each word; only spaces and invisible characters lie outside of words.

    Args:
        text: Any text.
        language: Code such as `en`; decides which apostrophes part words. None takes the rules of
            English, French, Italian and Catalan together.
    """
    kinds = [_kind(character) for character in text]
    words: list[tuple[int, int]] = []
    position = 0
    while position < len(text):
        kind = kinds[position]
        end = position + 1
        if kind == "word":
            end = _end_of_word(text, kinds, position)
            words += _parts(text, position, end, language)
        elif kind not in ("space", "joiner"):
            end = _end_of_sign(text, kinds, position)
            words.append((position, end))
        position = end
    return words


def _end_of_word(text: str, kinds: list[Kind], start: int) -> int:
    end = start + 1
    while end < len(text):
        followed = end + 1 < len(text) and kinds[end + 1] == "word"
        number = followed and text[end - 1].isdigit() and text[end + 1].isdigit()
        if kinds[end] in ("word", "mark", "joiner"):
            end += 1
        elif (followed and text[end] in _INNER) or (number and text[end] in _IN_NUMBERS):
            end += 2
        else:
            break
    return end


def _end_of_sign(text: str, kinds: list[Kind], start: int) -> int:
    """Return the end of a sign or an unspaced character with its marks; what is shown as one emoji stays whole."""
    end = start + 1
    if _lies_in(text, start, _FLAG) and _lies_in(text, end, _FLAG):
        end += 1
    while end < len(text):
        glued = kinds[start] == "sign" and kinds[end] == "sign" and text[end - 1] == "\u200d"
        if kinds[end] not in ("mark", "joiner") and not glued and not _lies_in(text, end, _SKIN):
            break
        end += 1
    return end


def _lies_in(text: str, at: int, borders: tuple[str, str]) -> bool:
    return at < len(text) and borders[0] <= text[at] <= borders[1]


def _parts(text: str, start: int, end: int, language: str | None) -> list[tuple[int, int]]:
    for cut in range(end - 1, start, -1):
        if text[cut] in _APOSTROPHES:
            if language in (None, "en") and _CLITIC.fullmatch(text, cut, end):
                return [(start, cut), (cut, end)]
            break
    match = _ELISION.match(text, start, end)
    if match and language in (None, "fr", "it", "ca"):
        return [(start, match.end()), (match.end(), end)]
    return [(start, end)]


@lru_cache(maxsize=65536)
def _kind(character: str) -> Kind:
    category = unicodedata.category(character)
    # ʼ is a letter to Unicode; in words it is an apostrophe.
    if character in _APOSTROPHES:
        return "sign"
    if character in "\u200c\u200d":
        return "joiner"
    if category[0] in "ZC" and category not in ("Co", "Cn"):
        return "space"
    if category[0] == "M":
        return "mark"
    place = bisect_right(_FIRSTS, ord(character)) - 1
    if category[0] in "LN" and place >= 0 and ord(character) <= _UNSPACED[place][1]:
        return "character"
    return "word" if category[0] in "LN" or category == "Pc" else "sign"
