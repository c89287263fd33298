"""Answers as text: exact match and token F1 as SQuAD scores them, the best over an example's references.

Equal to the official scripts of SQuAD 1.1 and 2.0, in fractions and not per cent, wherever words are parted by spaces.
Scripts that write no spaces (Chinese, Japanese, Thai and their kin) count characters, as CMRC and MLQA do.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ANSWERABLE, UNANSWERABLE = "answerable", "unanswerable"

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# Thai, Lao, Tibetan, Myanmar, Khmer; CJK radicals to Han (their punctuation, kana and bopomofo among them, Hangul not);
# compatibility ideographs; full-width punctuation and half-width kana; the ideographs beyond the first plane.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff"
    "\u2e80-\u312f\u31a0-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f\U0001aff0-\U0001b16f\U00020000-\U000323af"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_PIECES = re.compile(f"[{_UNSPACED}]|[^{_UNSPACED}]+")


@lru_cache(maxsize=1 << 16)
def answer_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens by which an answer is compared.

    Lower case, without ASCII punctuation and English articles, parted at white space; a token that holds a script
    without spaces is cut into its characters, without punctuation of any script, marks with their character.
    """
    words = _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()
    tokens: list[str] = []
    for word in words:
        if _HAS_UNSPACED.search(word):
            tokens += _characters(word)
        else:
            tokens.append(word)
    return tuple(tokens)


def is_unspaced(text: str) -> bool:
    """Say whether a text is mostly of a script that writes no spaces."""
    visible = sum(not character.isspace() for character in text)
    return 2 * len(_HAS_UNSPACED.findall(text)) > visible


def answer_scores(references: Sequence[Sequence[str]], predictions: Sequence[str]) -> dict[str, float]:
    """Return how well predicted answers match, over all questions.

    `f1` is the mean of the questions' token F1, `exact_match` the share of equal answers. Where some question has no
    answer, `f1.answerable`, `f1.unanswerable`, the same of `exact_match`, and `support` say it for each kind.

    Args:
        references: The right answers of each question, none where the text has no answer, [N][…].
        predictions: One answer a question, empty for none, [N].

    Raises:
        ValueError: If lengths differ.
    """
    f1, exact = each_answer(references, predictions)
    scores = {"f1": _mean(f1), "exact_match": _mean(exact)}
    answerable = np.array([bool(answers) for answers in references], dtype=bool)
    if answerable.all():
        return scores
    for name, which in ((ANSWERABLE, answerable), (UNANSWERABLE, ~answerable)):
        if which.any():
            scores[f"f1.{name}"] = _mean(f1[which])
            scores[f"exact_match.{name}"] = _mean(exact[which])
            scores[f"support.{name}"] = float(which.sum())
    return scores


def resampled_answer_scores(
    references: Sequence[Sequence[str]], predictions: Sequence[str], picks: IntArray
) -> dict[str, FloatArray]:
    """Return `f1` and `exact_match` over all questions for each resample of them, [R].

    Args:
        references: The right answers of each question, [N][…].
        predictions: One answer a question, [N].
        picks: Which questions each resample holds, [R, N].

    Raises:
        ValueError: As `answer_scores`.
    """
    scores = dict(zip(("f1", "exact_match"), each_answer(references, predictions), strict=True))
    if not picks.shape[1]:
        return {name: np.zeros(len(picks)) for name in scores}
    return {name: values[picks].mean(axis=1) for name, values in scores.items()}


def each_answer(references: Sequence[Sequence[str]], predictions: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return token F1 and exact match of each question, the best over its references, [N] each.

    A reference of which nothing is left (`the`, `%`) does not count, as in SQuAD 2.0; a question without any other
    is right where the prediction too has no token.

    Args:
        references: The right answers of each question, [N][…].
        predictions: One answer a question, [N].

    Raises:
        ValueError: If lengths differ.
    """
    if len(references) != len(predictions):
        raise ValueError(f"{len(references)} questions but {len(predictions)} predicted answers")
    f1, exact = np.zeros(len(predictions)), np.zeros(len(predictions))
    for at, (answers, prediction) in enumerate(zip(references, predictions, strict=True)):
        given = answer_tokens(prediction)
        wanted = {tokens for tokens in map(answer_tokens, answers) if tokens} or {()}
        exact[at] = given in wanted
        f1[at] = exact[at] or max(_token_f1(tokens, given) for tokens in wanted)
    return f1, exact


def _token_f1(wanted: tuple[str, ...], given: tuple[str, ...]) -> float:
    shared = (Counter(wanted) & Counter(given)).total()
    return 2 * shared / (len(wanted) + len(given)) if shared else 0.0


def _characters(word: str) -> list[str]:
    tokens: list[str] = []
    glued = False  # whether a mark would belong to the token before
    for piece in _PIECES.findall(word):
        kept = "".join(character for character in piece if not unicodedata.category(character).startswith("P"))
        if glued and kept and all(unicodedata.category(character).startswith("M") for character in kept):
            tokens[-1] += kept
        elif kept:
            tokens.append(kept)
            glued = len(piece) == 1 and _HAS_UNSPACED.match(piece) is not None
        else:
            glued = False
    return tokens


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else 0.0
