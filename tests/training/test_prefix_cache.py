"""Prefixes: computed once a study, kept on disk within a budget, the same bits wherever they come from."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

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

    def watched(*args: Any, start: int, **words: Any) -> None:
        starts.append(start)
        run_prefix(*args, start=start, **words)

    monkeypatch.setattr("autoft.training.prefix_cache.run_prefix", watched)
    warm, _ = taken(prefixes, 4)
    assert starts == [3]
    assert torch.equal(cold, warm)


@pytest.mark.parametrize("what", ["data", "model", "boundary", "threads", "processor"])
def test_whatever_its_bits_depend_on_makes_another_prefix(
    pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
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
        case "processor":
            monkeypatch.setattr("autoft.training.prefix_cache._processor", lambda: "another")
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
            opened(tmp_path).add(path.stem, (2, 2), Tensor.zero_)
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


def put(store: PrefixStore, name: str, value: float = 0.0) -> Tensor | None:
    def fill(out: Tensor) -> None:
        out.fill_(value)

    return store.add(name, (100, 16), fill)


@pytest.mark.parametrize("reads", ["the same worker", "another worker"])
def test_the_least_recently_used_goes_first(tmp_path: Path, reads: str) -> None:
    store = opened(tmp_path, budget=3 * (4 * 100 * 16 + 200))
    for age, name in enumerate("abc"):
        put(store, name, float(age))
        os.utime(tmp_path / "prefixes" / f"{name}.npy", (age, age))
    held = store.find("b", (100, 16))
    os.utime(tmp_path / "prefixes" / "b.npy", (1, 1))
    # Whoever reads it keeps it.
    assert (store if reads == "the same worker" else opened(tmp_path)).find("a", (100, 16)) is not None
    put(store, "d")
    assert files(tmp_path) == ["a.npy", "c.npy", "d.npy"]
    assert held is not None
    assert held.eq(1.0).all()
    assert store.find("b", (100, 16)) is None
    assert not (tmp_path / "prefixes" / "b.sha256").exists()


def test_what_was_removed_is_let_go(tmp_path: Path) -> None:
    """A file that is held open takes its room on the disk, though nobody sees it."""
    store = opened(tmp_path)
    put(store, "a")
    (tmp_path / "prefixes" / "a.npy").unlink()
    assert store.find("a", (100, 16)) is None
    assert store._open == {}


def test_what_a_killed_worker_left_behind_is_swept(tmp_path: Path) -> None:
    store = opened(tmp_path)
    put(store, "a")
    old, fresh = (tmp_path / "prefixes" / f".unfinished-{name}" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    put(store, "b")
    assert (old.exists(), fresh.exists()) == (False, True)


def test_without_a_budget_nothing_is_read(pristine: Pristine, tmp_path: Path) -> None:
    taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    _, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path, budget=0)))
    assert said == (0, 1)


def test_a_full_disk_costs_the_file_and_not_the_trial(
    pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found full before anything is computed: writing into a mapped file would end the process."""

    def full(*args: Any) -> None:
        del args
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    _, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    assert said == (0, 1)
    assert "cannot be kept" in caplog.text
    assert [path for path in (tmp_path / "prefixes").iterdir() if not path.name.endswith(".lock")] == []


def test_caches_that_are_removed_meanwhile_cost_the_file_and_not_the_trial(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def removed(out: Tensor) -> None:
        out.zero_()
        shutil.rmtree(tmp_path / "prefixes")

    assert opened(tmp_path).add("a", (2, 2), removed) is None
    assert "cannot be kept" in caplog.text


def test_what_ends_the_computation_is_no_fault_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose time is over does not compute it again."""
    monkeypatch.setattr("autoft.training.prefix_store._LARGE", 0)
    calls: list[None] = []

    def over(out: Tensor) -> None:
        del out
        calls.append(None)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        opened(tmp_path).lend((2, 2), over)
    assert len(calls) == 1


def test_where_nothing_can_be_locked_it_is_computed_all_the_same(
    pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(path: Path) -> None:
        raise OSError(errno.ENOLCK, "No locks available", str(path))

    monkeypatch.setattr("autoft.training.prefix_cache.lock_file", refused)
    _, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path)))
    assert said == (0, 1)
    assert "no lock can be had" in caplog.text


@pytest.mark.parametrize("large", [False, True])
def test_what_a_single_trial_needs_leaves_no_file(
    pristine: Pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    kept, _ = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path / "kept")))
    monkeypatch.setattr("autoft.training.prefix_store._LARGE", 0 if large else 10**9)
    lent, said = taken(Prefixes(pristine, tiny_data(9), opened(tmp_path, budget=1)))
    assert said == (0, 1)
    assert torch.equal(lent, kept)
    assert not (tmp_path / "prefixes").is_dir() or list((tmp_path / "prefixes").iterdir()) == []


def test_what_is_too_much_for_any_disk_starts_from_tokens(
    pristine: Pristine, store: PrefixStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoft.training.prefix_cache._MOST", 100)
    data = tiny_data(9)
    assert Prefixes(pristine, data, store).sequences(3, tiny_runtime(), PrefixCounts()) is data


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
