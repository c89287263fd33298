"""A lock file has one holder at a time."""

from __future__ import annotations

from pathlib import Path

from autoft.files import lock_file


def test_a_second_holder_is_told_so(tmp_path: Path) -> None:
    with lock_file(tmp_path / "new" / "lock") as first, lock_file(tmp_path / "new" / "lock") as second:
        assert (first, second) == (True, False)


def test_it_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_file(tmp_path / "lock") as held:
            assert held
