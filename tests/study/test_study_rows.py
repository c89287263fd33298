"""The study's rows: every problem is found before anything is trained, and what is doubtful is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoft.errors import DataError
from autoft.study.config import DataConfig
from autoft.study.rows import POOL, StudyData, load_rows, small_data_notices
from autoft.tasks.ner import Ner

PLAIN = {
    "train": "anna B-PER\nlives O\n\n" * 5 + "in O\nparis B-LOC\n\n" * 5,
    "dev": "john B-PER\n\nberlin B-LOC\n\n",
}
Load = Callable[..., StudyData]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load splits that are given as text."""

    def made(
        train_limit: int | None = None,
        dev_limit: int | None = None,
        folds: int | None = None,
        seed: int = 0,
        **splits: str,
    ) -> StudyData:
        for split, text in splits.items():
            (tmp_path / f"{split}.conll").write_text(text, encoding="utf-8")
        config = DataConfig(source=str(tmp_path), train_limit=train_limit, dev_limit=dev_limit, folds=folds)
        return load_rows(Ner(), config, seed=seed)

    return made


def problems(load: Load, **splits: str) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        load(**splits)
    return caught.value.problems


def notices(data: StudyData) -> list[tuple[str, int]]:
    return [(notice.text, notice.count) for notice in data.notices]


def test_splits_become_examples(load: Load) -> None:
    data = load(**PLAIN)
    assert data.counts == {"train": 10, "dev": 2, "test": 0}
    assert data.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert data.notices == ()


def test_a_label_that_train_has_not_is_told_with_its_first_place(load: Load, tmp_path: Path) -> None:
    found = problems(load, **{**PLAIN, "dev": "john B-PER\n\nin O\nacme B-ORG\n\ngoogle B-ORG\n\nmonday B-DATE\n"})
    assert [problem.removeprefix(f"{tmp_path}/") for problem in found] == [
        "dev.conll:8: label 'DATE' is in dev, train must have it too, correct it or add train rows with it",
        "dev.conll:3: label 'ORG' is in dev, train must have it too, correct it or add train rows with it",
    ]


def test_a_label_that_only_test_has_is_a_warning(load: Load) -> None:
    data = load(**PLAIN, test="acme B-ORG\nacme B-ORG\n")
    assert notices(data) == [("test: label 'ORG' is in neither train nor dev and is never predicted", 2)]


def test_a_rare_label_is_a_warning(load: Load) -> None:
    data = load(**{**PLAIN, "train": PLAIN["train"] + "acme B-ORG\n"})
    assert ("train: label 'ORG' has very few examples", 1) in notices(data)


def test_a_label_that_dev_has_not_is_a_warning(load: Load) -> None:
    data = load(**{**PLAIN, "dev": "john B-PER\n"})
    assert notices(data) == [("dev: label 'LOC' of train does not occur, its score says nothing", 0)]


def test_texts_that_train_has_too_are_noticed_with_examples(load: Load) -> None:
    data = load(**{**PLAIN, "dev": PLAIN["dev"] + "in O\nparis B-LOC\n"}, test="anna B-PER\nlives O\n")
    assert notices(data) == [
        ("dev: texts that train has too make its score too good", 1),
        ("test: texts that train has too make its score too good", 1),
    ]
    assert data.notices[0].examples == ("dev.conll:5: in paris",)


def test_train_without_labels_is_refused(load: Load) -> None:
    (problem,) = problems(load, train="anna O\n\njohn O\n", dev="john O\n")
    assert "the train split must hold at least one label, found none" in problem


def test_limits_take_a_share_and_keep_every_label(load: Load) -> None:
    train = "anna B-PER\n\n" * 30 + "acme B-ORG\n\n" + "paris B-LOC\n\n"
    data = load(**{**PLAIN, "train": train}, train_limit=4, dev_limit=2)
    assert data.counts["train"] == 4
    assert set(Ner().label_counts(data.examples["train"])) == {"LOC", "ORG", "PER"}


def test_a_limit_that_cannot_keep_every_label_is_refused(load: Load) -> None:
    with pytest.raises(DataError, match="1 rows cannot keep all 2 labels, 2 rows can"):
        load(**PLAIN, train_limit=1)


def test_labels_and_their_judgement_come_from_the_whole_train_split(load: Load) -> None:
    """A limited train split once made its labels look rare."""
    whole, limited = load(**PLAIN), load(**PLAIN, train_limit=2, dev_limit=2)
    assert limited.labels == whole.labels
    assert limited.notices == whole.notices


def test_a_limit_is_another_data_set(load: Load) -> None:
    assert load(**PLAIN).fingerprint != load(**PLAIN, train_limit=5).fingerprint


def test_a_limit_beyond_the_rows_is_none(load: Load) -> None:
    assert load(**PLAIN).fingerprint == load(**PLAIN, train_limit=500).fingerprint


def test_the_seed_decides_which_rows_a_limit_keeps(load: Load) -> None:
    train = "".join(f"name{index} B-PER\n\n" for index in range(40)) + "paris B-LOC\n"
    kept = [load(**{**PLAIN, "train": train}, train_limit=10, seed=seed).fingerprint for seed in (0, 0, 1)]
    assert kept[0] == kept[1] != kept[2]


def test_many_problems_are_cut_short(load: Load, tmp_path: Path) -> None:
    lines = ['{"words": ["anna"]}'] * 60
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load()
    assert len(caught.value.problems) <= 51
    assert "train.jsonl:1" in caught.value.problems[0]


def test_folds_are_dealt_from_all_rows_of_train_and_dev_as_limited(load: Load) -> None:
    data = load(**PLAIN, train_limit=7, folds=3, test="anna B-PER\n")
    assert data.counts == {"train": 7, "dev": 2, "test": 1}
    assert sorted(row for fold in data.folds for row in fold) == list(range(9))
    assert data.rows(POOL) == data.scored == (*data.examples["train"], *data.examples["dev"])
    assert data.delivered_on == tuple(data.rows(POOL)[row] for row in data.folds[0])
    assert data.fingerprint == load(**PLAIN, train_limit=7, test="anna B-PER\n").fingerprint


def test_the_seed_decides_the_folds(load: Load) -> None:
    assert load(**PLAIN, folds=3).folds == load(**PLAIN, folds=3).folds != load(**PLAIN, folds=3, seed=1).folds


def test_without_folds_dev_is_what_is_scored(load: Load) -> None:
    data = load(**PLAIN)
    assert data.folds == ()
    assert data.scored == data.delivered_on == data.examples["dev"]


def test_over_folds_a_label_of_dev_alone_is_a_label_like_any_other(load: Load) -> None:
    dev = PLAIN["dev"] + "acme B-ORG\n\ngoogle B-ORG\n"
    data = load(**{**PLAIN, "dev": dev}, folds=4)
    assert "B-ORG" in data.labels
    assert ("train: label 'ORG' has very few examples", 2) in notices(data)


def test_a_label_that_one_model_never_sees_is_named(load: Load) -> None:
    data = load(**{**PLAIN, "train": PLAIN["train"] + "acme B-ORG\n"}, folds=4)
    assert ("folds: label 'ORG' lies in one fold alone, whose model never sees it", 1) in notices(data)


def test_texts_that_occur_twice_are_noticed_over_all_folds(load: Load) -> None:
    data = load(**{**PLAIN, "dev": "john B-PER\n\nin O\nparis B-LOC\n"}, folds=2, test="john B-PER\n")
    assert ("folds: texts that occur more than once make the score too good", 2) in notices(data)
    assert ("test: texts that train has too make its score too good", 1) in notices(data)


def test_small_data_is_told_of_folds(load: Load) -> None:
    (words,) = small_data_notices(load(**PLAIN))
    assert words == "dev: 2 rows say little, --folds 5 scores every configuration on all 12 rows of train and dev"
    assert small_data_notices(load(**PLAIN, folds=2)) == []
    assert small_data_notices(load(**{**PLAIN, "dev": "john B-PER\n\n" * 200})) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_dev_that_was_made_leaves_train_every_label(load: Load, seed: int) -> None:
    """No user parted these rows, so none is told to mend it."""
    rare = "".join(f"word{number} B-RARE{number}\n\n" for number in range(12))
    data = load(train=PLAIN["train"] + rare, seed=seed)
    assert {f"RARE{number}" for number in range(12)} <= set(data.task.label_counts(data.examples["train"]))
    assert data.counts["train"] + data.counts["dev"] == 22
