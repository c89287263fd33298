"""Prefixes: computed once a study, kept on disk within a budget, the same bits wherever they come from."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoft.files import lock_file
from autoft.models.base import Pristine
from autoft.testing.fits import tiny_data, tiny_runtime
from autoft.testing.tiny import save_tiny, tiny_pristine
from autoft.training.prefix import run_prefix
from autoft.training.prefix_cache import PrefixCounts, Prefixes
from autoft.training.prefix_store import PrefixStore

ROOM = 10**6


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Pristine:
    return tiny_pristine(tmp_path_factory.mktemp("prefix") / "bert", "bert")


@pytest.fixture
def store(tmp_path: Path) -> PrefixStore:
    return opened(tmp_path)


def opened(folder: Path, budget: int = ROOM) -> PrefixStore:
    made = PrefixStore(folder / "prefixes", budget)
    made.keep()
    return made


def taken(prefixes: Prefixes, boundary: int = 3) -> tuple[Tensor, tuple[int, int]]:
    counts = PrefixCounts()
    hidden = prefixes.sequences(boundary, tiny_runtime(), counts).hidden
    assert hidden is not None
    assert counts.bytes == hidden.nbytes
    return hidden, (counts.hits, counts.computed)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "prefixes").glob("*.npy")) if (folder / "prefixes").is_dir() else []


def test_the_second_trial_finds_what_the_first_computed(pristine: Pristine, store: PrefixStore) -> None:
    prefixes = Prefixes(pristine, tiny_data(9), store)
    first, said = taken(prefixes)
    assert said == (0, 1)
    again, said = taken(prefixes)
    assert said == (1, 0)
    assert torch.equal(first, again)


def test_another_worker_reads_the_file(pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    monkeypatch.setattr("autoft.training.prefix_cache.run_prefix", None)
    again, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    assert said == (1, 0)
    assert torch.equal(first, again)


def test_models_that_start_from_tokens_have_no_prefix(pristine: Pristine, store: PrefixStore) -> None:
    data, counts = tiny_data(4), PrefixCounts()
    assert Prefixes(pristine, data, store).sequences(0, tiny_runtime(), counts) is data
    assert counts == PrefixCounts()


def test_a_deeper_boundary_starts_from_a_lower_one(
    pristine: Pristine, store: PrefixStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold, _ = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path / "cold")), 4)
    prefixes = Prefixes(pristine, tiny_data(9), store)
    taken(prefixes, 2)
    taken(prefixes, 3)
    starts: list[int] = []

    def watched(*args: Any, start: int, **words: Any) -> Tensor:
        starts.append(start)
        return run_prefix(*args, start=start, **words)

    monkeypatch.setattr("autoft.training.prefix_cache.run_prefix", watched)
    warm, _ = taken(prefixes, 4)
    assert starts == [3]
    assert torch.equal(cold, warm)


@pytest.mark.parametrize("what", ["data", "model", "boundary", "threads"])
def test_whatever_its_bits_depend_on_makes_another_prefix(pristine: Pristine, tmp_path: Path, what: str) -> None:
    data, boundary, runtime = tiny_data(9), 3, tiny_runtime()
    taken(Prefixes(pristine, data, opened(tmp_path)))
    match what:
        case "data":
            data = tiny_data(9, seed=1)
        case "model":
            pristine = tiny_pristine(tmp_path / "other", "bert")
            with torch.no_grad():
                next(iter(pristine.model.bert.parameters())).add_(1e-7)
        case "boundary":
            boundary = 4
        case "threads":
            runtime = replace(runtime, threads=2)
    counts = PrefixCounts()
    Prefixes(pristine, data, opened(tmp_path)).sequences(boundary, runtime, counts)
    assert (counts.hits, counts.computed) == (0, 1)


def test_a_copy_of_the_model_in_another_folder_has_the_same_prefix(pristine: Pristine, tmp_path: Path) -> None:
    taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    pristine.model.save_pretrained(tmp_path / "copy")
    save_tiny(tmp_path / "tokenizer", "bert")
    copy = replace(pristine, model=type(pristine.model).from_pretrained(tmp_path / "copy"))
    _, said = taken(Prefixes(copy, tiny_data(9), opened(tmp_path)))
    assert said == (1, 0)


@pytest.mark.parametrize("damage", ["flipped", "cut", "no digest", "another shape"])
def test_a_damaged_file_is_computed_again(
    pristine: Pristine, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    first = first.clone()
    [path] = (tmp_path / "prefixes").glob("*.npy")
    content = bytearray(path.read_bytes())
    match damage:
        case "flipped":
            content[-5] ^= 1
            path.write_bytes(content)
        case "cut":
            path.write_bytes(content[:-8])
        case "no digest":
            path.with_suffix(".sha256").unlink()
        case "another shape":
            wrong = opened(tmp_path)
            wrong.add(path.stem, torch.zeros(2, 2))
    again, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    assert said == (0, 1)
    assert torch.equal(first, again)
    assert "computed again" in caplog.text


def test_nothing_is_written_before_the_search_goes_on(pristine: Pristine, tmp_path: Path) -> None:
    store = PrefixStore(tmp_path / "prefixes", ROOM)
    prefixes = Prefixes(pristine, tiny_data(9), store)
    _, said = taken(prefixes)
    assert said == (0, 1)
    assert not (tmp_path / "prefixes").exists()
    store.keep()
    taken(prefixes)
    assert len(files(tmp_path)) == 1


def test_what_is_over_the_budget_is_computed_for_each_trial(pristine: Pristine, tmp_path: Path) -> None:
    kept, _ = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path / "kept")))
    prefixes = Prefixes(pristine, tiny_data(9), opened(tmp_path, budget=kept.nbytes - 1))
    for _ in range(2):
        again, said = taken(prefixes)
        assert said == (0, 1)
        assert torch.equal(kept, again)
    assert files(tmp_path) == []


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    size = 4 * 100 * 16
    store = opened(tmp_path, budget=3 * (size + 200))
    for age, name in enumerate("abc"):
        store.add(name, torch.full((100, 16), float(age)))
        os.utime(tmp_path / "prefixes" / f"{name}.npy", (age, age))
    # Whoever reads it keeps it.
    assert opened(tmp_path).find("a", (100, 16)) is not None
    held = store.find("b", (100, 16))
    store.add("d", torch.zeros(100, 16))
    assert files(tmp_path) == ["a.npy", "c.npy", "d.npy"]
    assert held is not None
    assert held.eq(1.0).all()
    assert store.find("b", (100, 16)) is None
    assert not (tmp_path / "prefixes" / "b.sha256").exists()


def test_a_full_disk_costs_the_file_and_not_the_trial(
    pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: Any, **words: Any) -> None:
        del args, words
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    _, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    assert said == (0, 1)
    assert "cannot be kept" in caplog.text
    assert [path for path in (tmp_path / "prefixes").iterdir() if not path.name.endswith(".lock")] == []


def test_what_another_worker_computes_at_this_moment_is_waited_for(
    pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, _ = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    theirs = theirs.clone()
    [path] = (tmp_path / "prefixes").glob("*.npy")
    name, digest = path.stem, path.with_suffix(".sha256").read_text()
    path.with_suffix(".sha256").unlink()
    kept = path.rename(path.with_suffix(".kept"))
    waiting = threading.Event()

    def other() -> None:
        with lock_file(path.parent / f".{name}.lock") as held:
            assert held
            locked.set()
            waiting.wait(10)
            path.with_suffix(".sha256").write_text(digest)
            kept.rename(path)

    locked = threading.Event()
    thread = threading.Thread(target=other)
    thread.start()
    locked.wait(10)
    monkeypatch.setattr("autoft.training.prefix_cache.run_prefix", None)
    counts = PrefixCounts()
    runtime = replace(tiny_runtime(), tick=waiting.set)
    found = Prefixes(pristine, tiny_data(9), opened(tmp_path)).sequences(3, runtime, counts)
    thread.join()
    assert found.hidden is not None
    assert torch.equal(found.hidden, theirs)
