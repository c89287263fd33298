"""Encoded features come from the disk where they are sound, and are made again where they are not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoft.data.features import Features, Targets
from autoft.study.features import FeatureCache, encode_cached
from autoft.tasks.ner import Ner, NerExample
from autoft.testing.tiny import LABELS, tiny_tokenizer

EXAMPLES = (
    NerExample(("anna", "lives", "in", "paris"), ("B-PER", "O", "O", "B-LOC")),
    NerExample(tuple(["john", "visited", "berlin"] * 8), tuple(["B-PER", "O", "B-LOC"] * 8)),
)
OLD = 1_000_000_000


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where encoded features are kept; no such folder yet."""
    return tmp_path / ".cache" / "features"


def encoded(cache: Path, **changes: Any) -> Features:
    options = {
        "examples": EXAMPLES,
        "tokenizer": tiny_tokenizer(),
        "labels": LABELS,
        "max_length": 16,
        "fingerprint": "aa",
        **changes,
    }
    places = [options.pop(name) for name in ("examples", "tokenizer", "labels", "max_length")]
    store = FeatureCache(cache)
    store.keep()
    return encode_cached(Ner(), *places, cache=store, **options)


def only_file(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def assert_equal(one: Features, other: Features) -> None:
    assert np.array_equal(one.owner, other.owner)
    assert dict(one.padding) == dict(other.padding)
    assert set(one.columns) == set(other.columns)
    for name in one.columns:
        pairs = zip(one.columns[name], other.columns[name], strict=True)
        assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)
    assert set(one.targets) == set(other.targets)
    for name in one.targets:
        assert np.array_equal(one.targets[name], other.targets[name])
        assert one.targets[name].dtype == other.targets[name].dtype


def test_warm_equals_cold_equals_uncached(cache: Path) -> None:
    cold, warm = encoded(cache), encoded(cache)
    assert_equal(cold, Ner().encode(EXAMPLES, tiny_tokenizer(), LABELS, 16))
    assert_equal(warm, cold)
    assert len(warm) > len(EXAMPLES)


def test_a_sound_file_is_not_written_again(cache: Path) -> None:
    encoded(cache)
    os.utime(only_file(cache), (OLD, OLD))
    encoded(cache)
    assert only_file(cache).stat().st_mtime == OLD


def test_nothing_is_written_until_the_search_goes_on(cache: Path) -> None:
    store = FeatureCache(cache)
    encode_cached(Ner(), EXAMPLES, tiny_tokenizer(), LABELS, 16, cache=store, fingerprint="aa")
    assert not cache.exists()
    store.keep()
    assert only_file(cache).is_file()


def test_the_order_of_splits_does_not_change_their_files(cache: Path) -> None:
    tokenizer = tiny_tokenizer()
    encoded(cache, tokenizer=tokenizer)
    encoded(cache, tokenizer=tokenizer)
    encoded(cache, tokenizer=tiny_tokenizer())
    assert only_file(cache).is_file()


def test_no_examples_have_no_features(cache: Path) -> None:
    assert len(encoded(cache, examples=())) == 0
    assert_equal(encoded(cache, examples=()), Ner().encode((), tiny_tokenizer(), LABELS, 16))


def emptied(content: bytes) -> bytes:
    return content[:0]


def cut(content: bytes) -> bytes:
    return content[:-9]


def cut_in_the_header(content: bytes) -> bytes:
    return content[:40]


def overwritten(content: bytes) -> bytes:
    return b"\xff" * len(content)


def flipped_in_the_numbers(content: bytes) -> bytes:
    return content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]


def flipped_in_the_padding(content: bytes) -> bytes:
    return content.replace(b"-100", b"-101")


@pytest.mark.parametrize(
    "damage", [emptied, cut, cut_in_the_header, overwritten, flipped_in_the_numbers, flipped_in_the_padding]
)
def test_a_damaged_file_is_made_again(
    cache: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    cold = encoded(cache)
    path = only_file(cache)
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    assert path.read_bytes() != sound
    assert_equal(encoded(cache), cold)
    assert "encoding again" in caplog.text
    caplog.clear()
    assert_equal(encoded(cache), cold)
    assert caplog.text == ""


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "bb"},
        {"labels": LABELS[:3]},
        {"max_length": 20},
    ],
)
def test_whatever_they_depend_on_has_a_file_of_its_own(cache: Path, change: dict[str, Any]) -> None:
    encoded(cache)
    encoded(cache, **change)
    assert len(list(cache.iterdir())) == 2


def test_another_tokenizer_has_a_file_of_its_own(cache: Path) -> None:
    encoded(cache)
    other = tiny_tokenizer()
    other.add_tokens(["visited-berlin"])
    encoded(cache, tokenizer=other)
    assert len(list(cache.iterdir())) == 2


class Whole(Ner):
    """Targets of whole sentences, besides those of words."""

    def encode(self, *given: Any) -> Features:
        features = super().encode(*given)
        count = len(features)
        targets: dict[str, Targets] = {
            "classes": np.arange(count),
            "shares": np.linspace(0, 1, 2 * count, dtype=np.float32).reshape(-1, 2),
        }
        return replace(features, targets=targets)


def test_targets_of_sequences_come_back_as_they_were(cache: Path) -> None:
    store = FeatureCache(cache)
    store.keep()
    given = (EXAMPLES, tiny_tokenizer(), LABELS, 16)
    made = [encode_cached(Whole(), *given, cache=store, fingerprint="aa") for _ in range(2)]
    assert only_file(cache).is_file()
    assert set(made[0].targets) == {"classes", "shares"}
    assert_equal(*made)


def test_a_task_whose_file_has_changed_encodes_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plug-in's author sees what a change of `encode` does, without removing caches."""
    encoded(cache)
    other = tmp_path / "ner.py"
    other.write_text("# another ner", encoding="utf-8")
    monkeypatch.setattr("inspect.getfile", lambda _: str(other))
    encoded(cache)
    encoded(cache)
    assert len(list(cache.iterdir())) == 2
