"""Class folders: one folder a label, one text file an example."""

from __future__ import annotations

from pathlib import Path

from autoft.data.problems import Problems
from autoft.data.readers.lines import read_lines
from autoft.data.rows import Row
from autoft.errors import DataError

_SUFFIX = ".txt"


def has_class_folders(path: Path) -> bool:
    """Say whether a folder holds folders with text files."""
    return path.is_dir() and any(any(one.glob(f"*{_SUFFIX}")) for one in _visible(path) if one.is_dir())


def read_class_folders(path: Path) -> tuple[Row, ...]:
    """Read `LABEL/*.txt` into rows with `text` and `label`, in the order of labels and names.

    Raises:
        DataError: With every file that is no text file, is empty, or is not UTF-8.
    """
    problems = Problems()
    rows = []
    for folder in _visible(path):
        files = _visible(folder) if folder.is_dir() else []
        if not folder.is_dir():
            problems.add(str(path), f"{folder}: a folder for each label expected, got a file")
        elif not files:
            problems.add(str(path), f"{folder}: at least one {_SUFFIX} file expected, got none")
        for file in files:
            if not file.is_file() or file.suffix.lower() != _SUFFIX:
                got = "a folder" if file.is_dir() else f"a file {file.suffix or 'without a suffix'}"
                problems.add(str(path), f"{file}: a {_SUFFIX} file expected, got {got}")
                continue
            try:
                rows.append(Row({"text": "\n".join(read_lines(file)), "label": folder.name}, str(file), 1))
            except DataError as error:
                for problem in error.problems:
                    problems.add(str(path), problem)
    problems.raise_if_any()
    if not rows:
        raise DataError(f"{path}: a folder for each label expected, got none")
    return tuple(rows)


def _visible(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if not one.name.startswith("."))
