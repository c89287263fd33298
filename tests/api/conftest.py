"""What searches are opened on: a tiny base model and a few rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoft.testing.tiny import save_tiny

ROWS = "anna B-PER\nlives O\n\nin O\nparis B-LOC\n\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny base model."""
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny", "bert")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which holds `corpus`."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for split, times in (("train", 8), ("dev", 2)):
        (corpus / f"{split}.conll").write_text(ROWS * times, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path
