"""Finding spaces: by path, by name, in a wheel, a checkout or a plug-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoft.errors import UnknownNameError
from autoft.space import find, find_space, space_names


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed autoft elsewhere, with no space yet."""
    package = tmp_path / "site" / "autoft"
    package.mkdir(parents=True)
    monkeypatch.setattr(find, "_PACKAGE", package)
    return package


def put(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text("version: 1\ntask: ner\n", encoding="utf-8")
    return path


def test_this_checkout_has_the_space_of_ner() -> None:
    assert "ner" in space_names()
    assert find_space("ner").name == "ner.yaml"


def test_a_checkout_keeps_spaces_beside_the_package(package: Path) -> None:
    path = put(package.parent / "search_spaces", "mine")
    assert find_space("mine") == path


def test_a_wheel_keeps_spaces_inside_the_package(package: Path) -> None:
    put(package.parent / "search_spaces", "stray")
    path = put(package / "_spaces", "mine")
    assert find_space("mine") == path
    assert "stray" not in space_names()


def test_a_plug_in_keeps_spaces_in_its_package(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(package / "_spaces", "ner")
    plugin = tmp_path / "plugins"
    path = put(plugin / "autoft_probe_plugin" / "search_spaces", "probe")
    (plugin / "autoft_probe_plugin" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    facts = plugin / "autoft_probe_plugin-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: autoft-probe-plugin\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[autoft.tasks]\nprobe = autoft_probe_plugin.task:Probe\n")
    monkeypatch.syspath_prepend(str(plugin))
    assert find_space("probe") == path
    assert space_names() == ("ner", "probe")


def test_a_path_to_a_file_wins(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(package / "_spaces", "mine.yaml")
    path = put(tmp_path, "mine")
    monkeypatch.chdir(tmp_path)
    assert find_space("mine.yaml") == Path("mine.yaml")
    assert find_space(str(path)) == path


def test_an_unknown_name_gets_the_nearest(package: Path) -> None:
    put(package / "_spaces", "ner")
    put(package / "_spaces", "summary")
    with pytest.raises(UnknownNameError) as caught:
        find_space("nre")
    assert caught.value.problems == ("unknown search space 'nre', did you mean 'ner'? known: ner, summary",)
