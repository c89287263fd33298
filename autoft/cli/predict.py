"""autoft predict: answers for raw text."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from autoft.cli.options import STUDIES_DIR, Device, Storage, StudiesDir
from autoft.errors import DataError

_AT_ONCE = 64


def predict_command(
    model: Annotated[str, typer.Argument(help="A study's name, or a model folder.", metavar="STUDY|FOLDER")],
    source: Annotated[
        str,
        typer.Argument(
            help="Text file, one text a line; .jsonl with the task's fields, such as `text`; - is standard input."
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
    for batch in _batches(records):
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


def _records(source: str) -> Iterator[str | dict[str, Any]]:
    if source == "-":
        return _parsed(sys.stdin.buffer, "standard input", as_json=False)
    path = Path(source)
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(f"{source}: a readable file expected, {error.strerror}") from error
    # Only line feeds part lines: an answer a line, whatever other separators a text holds.
    return _parsed(io.BytesIO(content), source, as_json=path.suffix == ".jsonl")


def _parsed(lines: Iterable[bytes], name: str, *, as_json: bool) -> Iterator[str | dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            got = f"{error.object[error.start]:#04x}"
            raise DataError(f"{name}:{number}: UTF-8 expected, got the byte {got} at {error.start}") from error
        if not as_json:
            yield text
        elif text.strip():
            yield _json_record(text, f"{name}:{number}")


def _json_record(text: str, place: str) -> str | dict[str, Any]:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{place}: JSON expected, {error.msg}") from error
    if isinstance(record, str | dict):
        return record
    raise DataError(f"{place}: a text or an object expected, got {type(record).__name__}")


def _batches(records: Iterator[str | dict[str, Any]]) -> Iterator[list[str | dict[str, Any]]]:
    batch: list[str | dict[str, Any]] = []
    for record in records:
        batch.append(record)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
