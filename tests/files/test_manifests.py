"""A manifest finds whatever happened to the files of a folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError
from autoft.files import MANIFEST, check_manifest, sha256_of, write_manifest, write_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a manifest."""
    write_text(tmp_path / "weights.bin", "some weights")
    write_text(tmp_path / "deep" / "vocabulary.txt", "a\nb\n")
    write_manifest(tmp_path, {"task": "ner"})
    return tmp_path


def test_a_sound_folder_gives_its_facts_and_names_every_file(folder: Path) -> None:
    facts = check_manifest(folder)
    assert facts["task"] == "ner"
    names = ("deep/vocabulary.txt", "weights.bin")
    assert facts["files"] == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


@given(bit=st.integers(0, 8 * len("some weights") - 1))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, bit: int) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    write_text(folder / "weights.bin", "some weights")
    write_manifest(folder, {})
    content = bytearray((folder / "weights.bin").read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    (folder / "weights.bin").write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape("weights.bin: sha256 must equal the manifest's")):
        check_manifest(folder)


def test_a_missing_file_is_found(folder: Path) -> None:
    (folder / "deep" / "vocabulary.txt").unlink()
    with pytest.raises(ConfigError, match=r"vocabulary\.txt: the manifest names this file, found none"):
        check_manifest(folder)


def test_every_problem_is_named_at_once(folder: Path) -> None:
    (folder / "deep" / "vocabulary.txt").unlink()
    write_text(folder / "weights.bin", "other weights")
    with pytest.raises(ConfigError) as caught:
        check_manifest(folder)
    assert len(caught.value.problems) == 2


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"must hold {re.escape(MANIFEST)}, found none"):
        check_manifest(tmp_path)


def test_a_manifest_that_is_not_json_is_told(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"task": ', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"autoft\.json"):
        check_manifest(folder)


def test_a_file_longer_than_a_block_is_read_to_its_end(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192
    (tmp_path / "long").write_bytes(content + b"end")
    assert sha256_of(tmp_path / "long") == hashlib.sha256(content + b"end").hexdigest()
