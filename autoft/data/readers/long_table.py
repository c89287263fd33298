"""Tables with one token a row: a token, a tag and a sentence column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoft.data.problems import Problems
from autoft.data.rows import Row

_IDS = ("sentence_id", "sentence id", "sentence_idx", "sentence #", "sentence_no", "sent_id")
_TOKENS = ("token", "word")
_TAGS = ("tag", "ner_tag", "ner")


@dataclass(frozen=True, slots=True)
class LongColumns:
    """Names of the columns; `sentence` is empty where blank lines part sentences."""

    sentence: str
    token: str
    tag: str


def long_columns(header: Sequence[str]) -> LongColumns | None:
    """Return what the columns mean if the header is one of a table with one token a row, else None.

    A column named `sentence` alone is no proof (it may be a text to classify), nor are `words` and
    `labels` without an id.
    """
    names = {name.lower(): name for name in header}
    ids = [names[name] for name in _IDS if name in names]
    tokens: tuple[str, ...] = _TOKENS
    tags: tuple[str, ...] = _TAGS
    if ids:
        tokens, tags = (
            (*_TOKENS, "words", "tokens"),
            (*_TAGS, "tags", "ner_tags", "label", "labels"),
        )
    elif "sentence" in names:
        ids = [names["sentence"]]
    token = [names[name] for name in tokens if name in names]
    tag = [names[name] for name in tags if name in names]
    if not token or not tag:
        return None
    return LongColumns(ids[0] if ids else "", token[0], tag[0])


def long_rows(
    body: Sequence[tuple[int, Mapping[str, str]]],
    columns: LongColumns,
    file: str,
    problems: Problems,
) -> list[Row]:
    """Join the tokens of each sentence into a row.

    Args:
        body: Line and cells of each record; a record without cells is a blank line.
        columns: What the columns mean.
        file: The file as messages name it.
        problems: Where problems go.
    """
    rows: list[Row] = []
    group: list[tuple[str, str, int]] = []
    seen: set[str] = set()
    current = ""

    def end() -> None:
        if group:
            tokens, tags, lines = zip(*group, strict=True)
            rows.append(Row({"tokens": list(tokens), "tags": list(tags)}, file, lines[0], lines))
            group.clear()

    for number, cells in body:
        if not cells:
            end()
            continue
        # An empty id continues the sentence: some corpora name it at its first token only.
        sentence = cells[columns.sentence] if columns.sentence else ""
        if sentence and sentence != current:
            end()
            current = sentence
            if sentence in seen:
                problems.add(
                    file,
                    f"{file}:{number}: a sentence must stand together, got {sentence!r} again",
                )
            seen.add(sentence)
        if not cells[columns.token] or not cells[columns.tag]:
            problems.add(file, f"{file}:{number}: a token and a tag expected, got an empty cell")
            continue
        group.append((cells[columns.token], cells[columns.tag], number))
    end()
    if not columns.sentence and len(body) > 1 and all(cells for _, cells in body):
        problems.add(
            file,
            f"{file}: a column 'sentence_id', or blank lines, expected between sentences",
        )
    return rows
