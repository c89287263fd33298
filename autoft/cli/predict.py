"""autoft predict: answers for raw text."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autoft.cli.options import STUDIES_DIR, Device, Storage, StudiesDir
from autoft.data.readers.checks import half_surrogates
from autoft.errors import DataError

if TYPE_CHECKING:
    from autoft.tasks import Task

Record = str | dict[str, Any]
_AT_ONCE = 64


def predict_command(
    model: Annotated[str, typer.Argument(help="A study's name, or a model folder.", metavar="STUDY|FOLDER")],
    source: Annotated[
        str,
        typer.Argument(
            help="Text file or - for standard input: a line is a text, or a JSON object with the task's fields."
        ),
    ] = "-",
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
    device: Device = "auto",
) -> None:
    """Answer each line of a text; prints JSON lines.

    Example: echo "Ada Lovelace met Charles Babbage in London." | autoft predict ner-1
    """
    from autoft.delivery.predictor import load_model

    folder = _folder(model, studies_dir, storage)
    records = _records(source)
    predictor = load_model(folder, device=device)
    for batch in _batches(records, predictor.task):
        for answer in predictor.predict(batch):
            print(json.dumps(answer, ensure_ascii=False))


def _folder(model: str, studies_dir: Path, storage: str | None) -> Path:
    if (Path(model) / "autoft.json").is_file():
        return Path(model)
    from autoft.api.delivering import deliver_best
    from autoft.api.studies import load_study
    from autoft.errors import StudyError

    view = load_study(model, studies_dir=studies_dir, storage=storage)
    folder = deliver_best(view.config, view.files, view.facts, view.records)
    if folder is None:
        raise StudyError(f"study {model!r}: a complete trial expected, found none, search longer")
    return folder


def _records(source: str) -> Iterator[tuple[str, Record]]:
    if source == "-":
        return _parsed(sys.stdin.buffer, "standard input", as_json=False)
    path = Path(source)
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(f"{source}: a readable file expected, {error.strerror}") from error
    # Only line feeds part lines: an answer a line, whatever other separators a text holds.
    return _parsed(io.BytesIO(content), source, as_json=path.suffix == ".jsonl")


def _parsed(lines: Iterable[bytes], name: str, *, as_json: bool) -> Iterator[tuple[str, Record]]:
    """Yield the place of each line and what it says: a text, or the fields of a JSON object."""
    for number, line in enumerate(lines, start=1):
        place = f"{name}:{number}"
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            got = f"{error.object[error.start]:#04x}"
            raise DataError(f"{place}: UTF-8 expected, got the byte {got} at {error.start}") from error
        if as_json and text.strip():
            yield place, _json_record(text, place)
        elif not as_json:
            yield place, _object(text, place) or text


def _json_record(text: str, place: str) -> Record:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{place}: JSON expected, {error.msg}") from error
    if not isinstance(record, str | dict):
        raise DataError(f"{place}: a text or an object expected, got {type(record).__name__}")
    found = list(half_surrogates(record if isinstance(record, dict) else {"text": record}))
    if found:
        raise DataError(*(f"{place}: {problem}" for problem in found))
    return record


def _object(text: str, place: str) -> Record | None:
    """Return the fields where a line of text is a JSON object, which no sentence is."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return _json_record(text, place) if isinstance(found, dict) else None


def _batches(records: Iterator[tuple[str, Record]], task: Task[Any, Any]) -> Iterator[list[Record]]:
    """Yield records; what cannot be read is told with its place, after those before it."""
    batch: list[Record] = []
    for place, record in records:
        try:
            task.read_input(record)
        except DataError as error:
            yield batch
            raise DataError(*(f"{place}: {problem.removeprefix('input: ')}" for problem in error.problems)) from error
        batch.append(record)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    yield batch
