"""Files are written whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from autoft.files import replace_folder, write_bytes, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_makes_the_folders_above(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "é\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "é\n".encode()


def test_replaces_an_older_file_and_leaves_no_neighbour(tmp_path: Path) -> None:
    write_bytes(tmp_path / "one", b"old and longer")
    write_bytes(tmp_path / "one", b"new")
    assert (tmp_path / "one").read_bytes() == b"new"
    assert names(tmp_path) == ["one"]


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / "one", b"")
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o644


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "one", "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "one", "new")
    assert (tmp_path / "one").read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["one"]


def test_json_is_indented_unicode_and_ends_with_a_line(tmp_path: Path) -> None:
    write_json(tmp_path / "one.json", {"Straße": [1, None]})
    text = (tmp_path / "one.json").read_text(encoding="utf-8")
    assert text == '{\n  "Straße": [\n    1,\n    null\n  ]\n}\n'


def test_json_without_nan_or_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "one.json", {"value": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "one.json", {"value": float("nan")})
    assert json.loads((tmp_path / "one.json").read_text(encoding="utf-8")) == {"value": 1}


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    write_text(tmp_path / "best" / "old.txt", "old")
    write_text(tmp_path / "made" / "new.txt", "new")
    replace_folder(tmp_path / "made", tmp_path / "best")
    assert names(tmp_path) == ["best"]
    assert names(tmp_path / "best") == ["new.txt"]


def test_a_folder_takes_an_empty_place(tmp_path: Path) -> None:
    write_text(tmp_path / "made" / "new.txt", "new")
    replace_folder(tmp_path / "made", tmp_path / "best")
    assert names(tmp_path) == ["best"]


def test_what_a_killed_replacement_left_is_removed(tmp_path: Path) -> None:
    write_text(tmp_path / ".best.old" / "left.txt", "left")
    write_text(tmp_path / "best" / "old.txt", "old")
    write_text(tmp_path / "made" / "new.txt", "new")
    replace_folder(tmp_path / "made", tmp_path / "best")
    assert names(tmp_path) == ["best"]
    assert names(tmp_path / "best") == ["new.txt"]
