"""The lines of a UTF-8 text file; wrong bytes are told with line and offset."""

from __future__ import annotations

import codecs
from pathlib import Path

from autoft.data.problems import Problems
from autoft.errors import DataError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HINT = "save the file as UTF-8"


def read_lines(path: Path) -> list[str]:
    """Return the lines without their ends; a byte order mark is dropped.

    Only line feeds (with or without carriage return) end a line: U+2028, U+0085 and the like occur
    inside real tokens.

    Raises:
        DataError: If the file cannot be read, is empty, or is not UTF-8: each line that is wrong,
            with its byte offset.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read, {error.strerror}") from error
    if raw.startswith(_UTF_16):
        raise DataError(f"{path}:1: UTF-8 expected, got UTF-16 by its byte order mark, {_HINT}")
    mark = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    try:
        text = raw[mark:].decode("utf-8")
    except UnicodeDecodeError:
        _raise_wrong_bytes(path, raw)
    if not text.strip():
        raise DataError(f"{path}: at least one row expected, the file is empty")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{path}:{line}: text expected, got a zero byte (UTF-16, or not text), {_HINT}")
    end = "\n" if "\n" in text else "\r"
    lines = [line.removesuffix("\r") for line in text.split(end)]
    if not lines[-1]:
        lines.pop()
    return lines


def _raise_wrong_bytes(path: Path, raw: bytes) -> None:
    problems = Problems()
    start = 0
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            offset = start + error.start
            byte = raw[offset]
            law = f"UTF-8 expected, got byte {byte:#04x} at offset {offset}"
            problems.add(str(path), f"{path}:{number}: {law}, {_HINT}")
        start += len(line) + 1
    problems.raise_if_any()
