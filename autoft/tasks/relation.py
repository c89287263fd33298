"""Relation extraction: which relation leads from one marked entity of a text to another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autoft.data.entity_pairs import OPENS_HEAD, OPENS_TAIL, EntityPair, Mention, mark, read_pair
from autoft.data.features import IGNORED, Features, IntArray
from autoft.data.rows import Row
from autoft.errors import DataError
from autoft.metrics import is_no_relation, relation_scores, resampled_relation_scores
from autoft.tasks.base import Notice, Task, unknown_tokens

_MEANINGS = {"HEAD": "subject", "TAIL": "object"}
_ABBREVIATIONS = {
    "PER": "person",
    "ORG": "organization",
    "LOC": "location",
    "GPE": "country",
    "FAC": "building",
    "MISC": "thing",
    "PROD": "product",
}
_WORDS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|[^\W_A-Za-z]+")


@dataclass(frozen=True, slots=True)
class RelationExample:
    """A pair of entities in their text, and the relation from head to tail where it is known."""

    pair: EntityPair
    relation: str = ""


class Relation(Task[RelationExample, str]):
    """Tell the relation between two entities that are marked in a text; scored by F1 without the class of none."""

    name: ClassVar[str] = "relation"
    heads: ClassVar[tuple[str, ...]] = ("sequence-classification",)
    metric = "f1"
    metrics = ("f1", "precision", "recall", "macro_f1", "accuracy", "semeval_f1")

    def normalise(self, splits: Mapping[str, Sequence[Row]]) -> tuple[dict[str, tuple[Row, ...]], list[Notice]]:
        """Leave out the types of entities unless every row gives both: a marker names the type in all rows or none."""
        rows = [row for some in splits.values() for row in some]
        untyped = sum(not all(_typed(row, name) for name in ("head", "tail")) for row in rows)
        some_typed = any(_typed(row, name) for row in rows for name in ("head", "tail"))
        if not untyped or not some_typed:
            return {name: tuple(some) for name, some in splits.items()}, []
        notice = Notice("types of entities are not used, since some rows do not give both", untyped)
        return {name: tuple(map(_without_types, some)) for name, some in splits.items()}, [notice]

    def parse(self, row: Row) -> RelationExample:
        """Build the example of one row: `text` or `tokens` with `head` and `tail`, and `relation` (or `label`)."""
        field = "label" if row.values.get("relation") is None and "label" in row.values else "relation"
        if not {"head", "tail", field} <= set(row.values):
            got = ", ".join(map(str, row.values)) or "nothing"
            raise DataError(f"{row.place}: 'text' or 'tokens', 'head', 'tail' and 'relation' expected, got {got}")
        relation, problems = row.values[field], []
        if not isinstance(relation, str) or not relation.strip():
            problems.append(f"{row.place}: {field!r}: the name of a relation expected, got {relation!r}")
        try:
            pair = read_pair(row.values, place=row.place)
        except DataError as error:
            problems += error.problems
        if problems:
            raise DataError(*problems)
        return RelationExample(pair, str(relation).strip())

    def text(self, example: RelationExample) -> str:
        """Return the text without markers: the same one in train gives an example away, whatever is marked."""
        return example.pair.text

    def label_counts(self, examples: Sequence[RelationExample]) -> dict[str, int]:
        """Return the number of examples of each relation, that of none among them."""
        return dict(sorted(Counter(example.relation for example in examples).items()))

    def labels(self, examples: Sequence[RelationExample]) -> tuple[str, ...]:
        """Return what stands for no relation first, then the relations in alphabetical order.

        Raises:
            DataError: If there is nothing to tell apart.
        """
        found = self.label_counts(examples)
        if len(found) == 1 or (found and all(map(is_no_relation, found))):
            got = " and ".join(map(repr, found))
            raise DataError(f"train: two relations expected, or one and 'no_relation', got only {got}")
        return tuple(sorted(found, key=lambda label: (not is_no_relation(label), label)))

    def tokens(self, examples: Sequence[RelationExample]) -> dict[str, str]:
        """Return the four markers, and those that name a type where all examples have types.

        Those without type are for types that train does not have.
        """
        mentions = [mention for example in examples for mention in (example.pair.head, example.pair.tail)]
        kinds = sorted({mention.type for mention in mentions})
        found = {}
        for kind in ("", *(kinds if all(kinds) else ())):
            for role, meaning in _MEANINGS.items():
                opening, closing = _markers(role, kind)
                found[opening] = f"{meaning} {_meaning(kind)}".strip()
                found[closing] = f"end {found[opening]}"
        return found

    def encode(
        self, examples: Sequence[RelationExample], tokenizer: Any, labels: Sequence[str], max_length: int
    ) -> Features:
        """Encode the marked texts; long ones are cut around their entities, and no marker is ever lost.

        What stands between the entities is kept whole where it fits, else what is nearest to a marker is kept. The
        column `markers` says which tokens open head (1) and tail (2), `cut` whether a text was cut at its ends (1) or
        between its entities too (2).
        """
        numbers = {label: number for number, label in enumerate(labels)}
        columns: dict[str, list[IntArray]] = {"input_ids": [], "attention_mask": [], "markers": [], "cut": []}
        known = tokenizer.get_added_vocab()
        markers = _marker_codes(known)
        edges = _edges(tokenizer, known)
        texts = [mark(example.pair, *_chosen(example.pair, known)) for example in examples]
        for ids in tokenizer(texts, verbose=False)["input_ids"] if texts else ():
            whole = np.array(ids, dtype=np.int64)
            kept, cut = _fit(whole, np.isin(whole, list(markers)), edges, max_length)
            columns["input_ids"].append(kept)
            columns["attention_mask"].append(np.ones_like(kept))
            columns["markers"].append(np.array([markers.get(token, 0) for token in kept.tolist()], dtype=np.int64))
            columns["cut"].append(np.array([cut], dtype=np.int64))
        return Features(
            {name: tuple(arrays) for name, arrays in columns.items()},
            {"input_ids": int(tokenizer.pad_token_id or 0), "attention_mask": 0, "markers": 0},
            np.arange(len(examples), dtype=np.int64),
            {"labels": np.array([numbers.get(one.relation, IGNORED) for one in examples], dtype=np.int64)},
        )

    def decode(
        self,
        outputs: Sequence[npt.NDArray[np.float32]],
        features: Features,
        labels: Sequence[str],
        decision: Mapping[str, float],
    ) -> list[str]:
        """Take the best class of each example.

        Args:
            outputs: Scores of each example, [C].
            features: What was encoded.
            labels: The model's classes.
            decision: Nothing.
        """
        del features, decision
        return [labels[int(scores.argmax())] for scores in outputs]

    def score(self, examples: Sequence[RelationExample], predictions: Sequence[str]) -> dict[str, float]:
        """Return precision, recall and F1 without the class of none, over all and for each relation."""
        return relation_scores([example.relation for example in examples], predictions)

    def resampled_scores(
        self, examples: Sequence[RelationExample], predictions: Sequence[str], picks: npt.NDArray[np.int64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Return precision, recall, F1 and its means over relations for each resample of the examples, [R]."""
        return resampled_relation_scores([example.relation for example in examples], predictions, picks)

    def floor(self, metric: str, examples: Sequence[RelationExample]) -> float:
        """Return what the best answer that is the same for all of the examples scores."""
        given = {example.relation for example in examples}
        return max((self.score(examples, [one] * len(examples))[metric] for one in given), default=0.0)

    def inspect(self, examples: Sequence[RelationExample], features: Features, tokenizer: Any) -> list[Notice]:
        """Warn about tokens that the tokenizer does not know, texts that were cut, and types without a marker."""
        notices = unknown_tokens(features, tokenizer)
        cut = np.array([int(values[0]) for values in features.columns["cut"]], dtype=np.int64)
        if cut.any():
            text = "texts longer than the model reads at once are cut around their entities"
            notices.append(Notice(text, int((cut > 0).sum())))
        if (cut == _BETWEEN).any():
            text = "texts whose entities are too far apart lose the middle between them"
            notices.append(Notice(text, int((cut == _BETWEEN).sum())))
        return notices + _types_without_marker(examples, tokenizer)

    def read_input(self, record: Mapping[str, Any] | str) -> tuple[RelationExample, Any]:
        """Read an object as a row has it, without relation; the answer needs the text and its entities."""
        if isinstance(record, str):
            raise DataError(f"input: an object with 'text', 'head' and 'tail' expected, got {record[:60]!r}")
        pair = read_pair(record, place="input")
        return RelationExample(pair), pair

    def answer(self, prediction: str, context: Any) -> dict[str, Any]:
        """Return the text, the words of head and tail, and the relation from one to the other."""
        pair: EntityPair = context
        return {
            "text": pair.text,
            "head": pair.words(pair.head),
            "tail": pair.words(pair.tail),
            "relation": prediction,
        }


_ENDS, _BETWEEN = 1, 2
_MARKER = re.compile(r"\[(?P<closing>/?)(?P<role>HEAD|TAIL)(?::.+)?\]", re.DOTALL)


def _typed(row: Row, name: str) -> bool:
    span = row.values.get(name)
    kind = span.get("type") if isinstance(span, Mapping) else None
    return isinstance(kind, str) and bool(kind.strip())


def _without_types(row: Row) -> Row:
    """Return a row without the types that are texts; others are a mistake, which parsing tells."""
    bare = {
        name: {key: value for key, value in row.values[name].items() if key != "type"}
        for name in ("head", "tail")
        if _typed(row, name)
    }
    return replace(row, values={**row.values, **bare})


def _markers(role: str, kind: str) -> tuple[str, str]:
    name = f"{role}:{kind}" if kind else role
    return f"[{name}]", f"[/{name}]"


def _meaning(kind: str) -> str:
    return _ABBREVIATIONS.get(kind.upper()) or " ".join(_WORDS.findall(kind)).lower() or kind


def _marker_of(mention: Mention, role: str, known: Mapping[str, int]) -> tuple[str, str]:
    typed = _markers(role, mention.type)
    return typed if typed[0] in known else _markers(role, "")


def _chosen(pair: EntityPair, known: Mapping[str, int]) -> tuple[tuple[str, str], tuple[str, str]]:
    return _marker_of(pair.head, "HEAD", known), _marker_of(pair.tail, "TAIL", known)


def _marker_codes(known: Mapping[str, int]) -> dict[int, int]:
    """Return what each marker of a tokenizer stands for in the column `markers`, 0 if it closes an entity.

    Raises:
        ValueError: If the tokenizer does not have the markers.
    """
    found = {number: match for token, number in known.items() if (match := _MARKER.fullmatch(token))}
    if not found:
        raise ValueError("a tokenizer with the tokens of the task expected, got one without markers")
    opened = {"HEAD": OPENS_HEAD, "TAIL": OPENS_TAIL}
    return {number: 0 if match["closing"] else opened[match["role"]] for number, match in found.items()}


def _edges(tokenizer: Any, known: Mapping[str, int]) -> tuple[int, int]:
    """Return how many tokens a tokenizer puts before and behind a text."""
    marker = _markers("HEAD", "")[0]
    ids = tokenizer(marker)["input_ids"]
    before = ids.index(known[marker])
    return before, len(ids) - before - 1


def _fit(ids: IntArray, markers: npt.NDArray[np.bool_], edges: tuple[int, int], longest: int) -> tuple[IntArray, int]:
    """Return at most `longest` tokens, the markers among them, and how they were cut: 0, `_ENDS` or `_BETWEEN`.

    Args:
        ids: All tokens, [T].
        markers: Which of them are markers, [T].
        edges: How many tokens at both ends are none of the text.
        longest: At least the edges and the markers.

    Raises:
        ValueError: If not even the markers fit.
    """
    if len(ids) <= longest:
        return ids, 0
    before, behind = edges
    end = len(ids) - behind
    room = longest - before - behind
    at = np.flatnonzero(markers)
    if room < len(at):
        raise ValueError(f"max_length: room for {len(at)} markers expected, got {longest}")
    first, last = int(at[0]), int(at[-1])
    if last - first < room:
        start = min(max(first - (room - (last - first + 1)) // 2, before), end - room)
        kept, cut = np.arange(start, start + room), _ENDS
    else:
        inside = np.arange(before, end)
        distance = np.abs(inside[:, None] - at).min(1)
        kept, cut = np.sort(inside[np.argsort(distance, kind="stable")[:room]]), _BETWEEN
    return np.concatenate([ids[:before], ids[kept], ids[end:]]), cut


def _types_without_marker(examples: Sequence[RelationExample], tokenizer: Any) -> list[Notice]:
    known = tokenizer.get_added_vocab()
    if not any(token.startswith("[HEAD:") for token in known):
        return []
    strange = sorted(
        {
            mention.type
            for example in examples
            for mention, role in ((example.pair.head, "HEAD"), (example.pair.tail, "TAIL"))
            if mention.type and _markers(role, mention.type)[0] not in known
        }
    )
    if not strange:
        return []
    count = sum(example.pair.head.type in strange or example.pair.tail.type in strange for example in examples)
    return [Notice("examples have types that train does not have, marked without type", count, tuple(strange[:3]))]
