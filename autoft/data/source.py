"""Where data comes from: a folder of splits, a file, a saved set, the hub, a built-in sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autoft.data.hub import is_saved_folder, looks_like_hub_id, read_hub, read_saved
from autoft.data.readers import READERS, read_rows
from autoft.data.readers.class_folders import has_class_folders, read_class_folders
from autoft.data.rows import DataSet, Row
from autoft.data.splits import split_rows
from autoft.errors import DataError
from autoft.registry import nearest

SAMPLE = "sample:"
SPLITS: Mapping[str, tuple[str, ...]] = {
    "train": ("train",),
    "dev": ("dev", "validation", "valid"),
    "test": ("test",),
}

_SAMPLES = Path(__file__).parent / "samples"

Rows = Mapping[str, tuple[Row, ...]]


def sample_names() -> tuple[str, ...]:
    """Return the names of the built-in samples, sorted."""
    if not _SAMPLES.is_dir():
        return ()
    return tuple(sorted(path.name for path in _SAMPLES.iterdir() if any(path.glob("train.*"))))


def read_data(reference: str, *, dev_share: float, seed: int) -> DataSet:
    """Read a data set; a dev split that is missing is made from train.

    Args:
        reference: `sample:NAME`; a folder with `train.*`, `dev.*` (or `validation.*`, `valid.*`)
            and optionally `test.*`, each a file or a folder of class folders; a folder of class folders; a file; a
            folder saved by `datasets`; or a hub id.
        dev_share: Share of train that becomes dev where there is none.
        seed: Which rows that share gets.

    Raises:
        DataError: With every problem of every file.
    """
    splits, origin = _read(reference)
    if "dev" in splits:
        return DataSet(splits, origin)
    try:
        train, dev = split_rows(splits["train"], dev_share, seed)
    except DataError as error:
        raise DataError(*(f"{reference}: {problem}" for problem in error.problems)) from error
    made = {
        "train": train,
        "dev": dev,
        **{name: rows for name, rows in splits.items() if name == "test"},
    }
    return DataSet(made, f"{origin} (dev is {len(dev)} of its {len(splits['train'])} train rows)", made_dev=True)


def _read(reference: str) -> tuple[Rows, str]:
    if reference.startswith(SAMPLE):
        name = reference.removeprefix(SAMPLE)
        return _read_folder(_sample_folder(name)), f"built-in sample {name!r}"
    path = Path(reference).expanduser()
    if path.is_dir() and is_saved_folder(path):
        return _renamed(read_saved(path), reference), f"saved data set {reference}"
    if path.is_dir():
        return _read_folder(path), f"folder {reference}"
    if path.exists():
        return {"train": read_rows(path)}, f"file {reference}"
    if looks_like_hub_id(reference) and path.suffix.lower() not in READERS.names():
        return _renamed(read_hub(reference), reference), f"hub data set {reference}"
    around = [found.name for found in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"{reference}: no such file or folder{nearest(path.name, around)}")


def _sample_folder(name: str) -> Path:
    if name not in sample_names():
        known = ", ".join(sample_names())
        raise DataError(f"unknown built-in sample {name!r}{nearest(name, sample_names()) or ','} known: {known}")
    return _SAMPLES / name


def _read_folder(folder: Path) -> Rows:
    names = sorted(path.name for path in folder.iterdir() if _may_be_split(path))
    if not any(Path(name).stem in SPLITS["train"] for name in names) and has_class_folders(folder):
        return {"train": read_class_folders(folder)}
    found: dict[str, Path] = {}
    problems: list[str] = []
    for split, stems in SPLITS.items():
        files = [name for name in names if Path(name).stem in stems]
        # Beside a file that can be read, others of the same name (train.py, train.log) are no
        # candidates.
        readable = (name for name in files if Path(name).suffix.lower() in READERS.names() or (folder / name).is_dir())
        files = [*readable] or files
        if len(files) > 1:
            problems.append(f"{folder}: one file for {split} expected, got {', '.join(files)}")
        elif files:
            found[split] = folder / files[0]
        elif split == "train":
            problems.append(f"{folder}: a file train.* expected, got {', '.join(names[:10]) or 'no files'}")
    if problems:
        raise DataError(*problems)
    return _read_all({split: _reader_of(path) for split, path in found.items()})


def _may_be_split(path: Path) -> bool:
    return not path.name.startswith(".") and (path.is_file() or has_class_folders(path))


def _reader_of(path: Path) -> Callable[[], tuple[Row, ...]]:
    return lambda: read_class_folders(path) if path.is_dir() else read_rows(path)


def _read_all(readers: Mapping[str, Callable[[], tuple[Row, ...]]]) -> Rows:
    splits: dict[str, tuple[Row, ...]] = {}
    problems: list[str] = []
    for split, read in readers.items():
        try:
            splits[split] = read()
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(*problems)
    return splits


def _renamed(loaded: Rows, reference: str) -> Rows:
    splits: dict[str, tuple[Row, ...]] = {}
    problems: list[str] = []
    for split, names in SPLITS.items():
        present: Sequence[str] = [name for name in names if name in loaded]
        if len(present) > 1:
            problems.append(f"{reference}: one split for {split} expected, got {', '.join(present)}")
        elif present and not loaded[present[0]]:
            problems.append(f"{reference}: at least one row expected in split {present[0]!r}, got none")
        elif present:
            splits[split] = loaded[present[0]]
        elif split == "train":
            problems.append(f"{reference}: a split 'train' expected, got {', '.join(loaded)}")
    if problems:
        raise DataError(*problems)
    return splits
