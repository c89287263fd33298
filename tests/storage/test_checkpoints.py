from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load_file

from autoft.storage.checkpoints import Checkpoint, CheckpointStore

STATE = Checkpoint({"weight": np.arange(6, dtype=np.float32).reshape(2, 3)}, {"step": 12})
ARRAYS = hnp.arrays(
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
META = st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.lists(st.integers()))


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


@settings(max_examples=25, deadline=None)
@given(arrays=st.dictionaries(st.text("abc.", min_size=1), ARRAYS, max_size=4), meta=META)
def test_what_is_saved_is_loaded_bit_for_bit(arrays: dict[str, NDArray[Any]], meta: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = CheckpointStore(Path(folder))
        store.save(3, 1, Checkpoint(arrays, meta))
        loaded = store.load(3, 1)
    assert loaded is not None
    assert loaded.meta == meta
    assert loaded.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert loaded.arrays[name].shape == array.shape
        assert loaded.arrays[name].tobytes() == array.tobytes()


def test_an_array_in_another_order_of_memory_is_kept(store: CheckpointStore) -> None:
    turned = np.arange(6.0).reshape(2, 3).T
    store.save(3, 1, Checkpoint({"turned": turned}, {}))
    loaded = store.load(3, 1)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.arrays["turned"], turned)


def test_there_is_none_before_it_is_saved(store: CheckpointStore) -> None:
    assert store.load(3, 1) is None
    assert store.stored() == ()
    assert store.size() == 0


def test_a_later_one_of_the_same_rung_replaces_it(store: CheckpointStore) -> None:
    store.save(3, 1, STATE)
    store.save(3, 1, Checkpoint({}, {"step": 99}))
    loaded = store.load(3, 1)
    assert loaded is not None
    assert loaded.meta == {"step": 99}
    assert len(store.stored()) == 1


def test_all_are_listed_with_their_bytes(store: CheckpointStore, tmp_path: Path) -> None:
    for number, rung in ((10, 1), (2, 3), (2, 1)):
        store.save(number, rung, STATE)
    assert [(one.number, one.rung) for one in store.stored()] == [(2, 1), (2, 3), (10, 1)]
    on_disk = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert store.size() == on_disk


def test_the_arrays_can_be_read_from_their_file(store: CheckpointStore) -> None:
    store.save(3, 1, STATE)
    file = store.arrays_file(3, 1)
    assert file is not None
    np.testing.assert_array_equal(load_file(file)["weight"], STATE.arrays["weight"])
    assert store.arrays_file(3, 3) is None


def test_what_a_killed_process_left_is_removed(store: CheckpointStore, tmp_path: Path) -> None:
    left, fresh = (tmp_path / "checkpoints" / f".making-{name}" for name in ("old", "new"))
    left.mkdir(parents=True)
    fresh.mkdir()
    os.utime(left, (0, 0))
    store.save(3, 1, STATE)
    assert not left.exists()
    assert fresh.exists()


def test_a_dropped_one_is_gone(store: CheckpointStore) -> None:
    store.save(3, 1, STATE)
    store.drop(3, 1)
    store.drop(3, 1)
    assert store.load(3, 1) is None


@pytest.mark.parametrize("name", ["arrays.safetensors", "meta.json"])
def test_a_flipped_bit_is_found(
    name: str, store: CheckpointStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.save(3, 1, STATE)
    file = tmp_path / "checkpoints" / "3-1" / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    assert store.load(3, 1) is None
    assert f"{name}: sha256 must equal the manifest's" in caplog.text


def test_a_save_that_fails_leaves_the_old_one(store: CheckpointStore, tmp_path: Path) -> None:
    store.save(3, 1, STATE)
    with pytest.raises(ValueError, match="JSON"):
        store.save(3, 1, Checkpoint({}, {"loss": float("nan")}))
    loaded = store.load(3, 1)
    assert loaded is not None
    assert loaded.meta == STATE.meta
    assert [place.name for place in (tmp_path / "checkpoints").iterdir()] == ["3-1"]


def test_nothing_stored_is_a_pickle(store: CheckpointStore, tmp_path: Path) -> None:
    store.save(3, 1, STATE)
    names = sorted(file.name for file in (tmp_path / "checkpoints" / "3-1").iterdir())
    assert names == ["arrays.safetensors", "autoft.json", "meta.json"]
