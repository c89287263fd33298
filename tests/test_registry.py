"""Look-up by name: lazy values, plug-ins, and the nearest right name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import ConfigError, UnknownNameError
from autoft.registry import Registry, nearest


@pytest.fixture
def things() -> Registry[int]:
    """A registry of two."""
    registry: Registry[int] = Registry("thing")
    registry.add("second", 2)
    registry.add("first", 1)
    return registry


def plug_in(folder: Path, *lines: str) -> None:
    """Write what an installed package with entry points leaves in site-packages."""
    (folder / "autoft_plug.py").write_text("VALUE = 40\nOTHER = 41\n", encoding="utf-8")
    info = folder / "autoft_plug-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autoft-plug\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("\n".join(["[autoft.things]", *lines]) + "\n", encoding="utf-8")


def test_names_are_sorted(things: Registry[int]) -> None:
    assert things.names() == ("first", "second")


def test_gives_what_was_added(things: Registry[int]) -> None:
    assert things.get("second") == 2


def test_an_unknown_name_is_told_with_the_nearest_and_all_that_are_known(things: Registry[int]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        things.get("frist")
    assert caught.value.problems == ("unknown thing 'frist', did you mean 'first'? known: first, second",)


def test_a_name_like_none_gets_no_hint(things: Registry[int]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        things.get("xyz")
    assert caught.value.problems == ("unknown thing 'xyz', known: first, second",)


def test_a_name_is_taken_once(things: Registry[int]) -> None:
    with pytest.raises(ValueError, match="thing 'first' is registered already"):
        things.add("first", 3)


def test_a_text_is_imported_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    lazy: Registry[int] = Registry("thing")
    lazy.add("late", "autoft_plug:VALUE")
    assert lazy.names() == ("late",)
    assert "autoft_plug" not in sys.modules
    assert lazy.get("late") == 40
    monkeypatch.delitem(sys.modules, "autoft_plug")


def test_installed_packages_add_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path, "plugged = autoft_plug:VALUE")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[int] = Registry("thing", group="autoft.things")
    registry.add("own", 1)
    assert registry.names() == ("own", "plugged")
    assert registry.get("plugged") == 40
    monkeypatch.delitem(sys.modules, "autoft_plug")


def test_installed_packages_replace_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path, "own = autoft_plug:OTHER")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[int] = Registry("thing", group="autoft.things")
    registry.add("own", 1)
    assert registry.get("own") == 1


@pytest.mark.parametrize("place", ["autoft_absent.task:Task", "autoft_plug:ABSENT"])
def test_a_package_that_cannot_be_imported_is_told(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path, f"broken = {place}")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry: Registry[int] = Registry("thing", group="autoft.things")
    with pytest.raises(ConfigError, match=f"^thing 'broken': {place} expected to be imported, got "):
        registry.get("broken")


@given(st.text(), st.lists(st.text()))
def test_any_name_has_a_hint_or_none(name: str, known: list[str]) -> None:
    hint = nearest(name, known)
    assert hint == "" or hint.startswith(", did you mean ")


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_known_name_is_its_own_nearest(known: list[str]) -> None:
    assert nearest(known[0], known) == f", did you mean {known[0]!r}?"
