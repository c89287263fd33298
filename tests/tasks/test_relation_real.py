"""SemEval-2010 task 8 as it is: directed labels, one of them with a single row."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from autoft.data import read_data
from autoft.tasks.relation import Relation
from autoft.testing.tiny import tiny_tokenizer

FOLDER = Path(os.environ.get("AUTOFT_DATA", "")) / "relation-extraction" / "semeval2010-task8"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="AUTOFT_DATA has no semeval2010-task8")
def test_semeval_is_read_marked_and_scored() -> None:
    task = Relation()
    splits, notices = task.normalise(read_data(str(FOLDER), dev_share=0.1, seed=0).splits)
    examples = {name: [task.parse(row) for row in rows] for name, rows in splits.items()}
    assert notices == []
    assert {name: len(some) for name, some in examples.items()} == {"train": 7201, "dev": 799, "test": 2717}
    labels = task.labels(examples["train"])
    assert (len(labels), labels[0]) == (19, "Other")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(list(task.tokens(examples["train"])), special_tokens=True)
    features = task.encode(examples["dev"], tokenizer, labels, 64)
    for markers in features.columns["markers"]:
        assert sorted(markers[markers > 0].tolist()) == [1, 2]
    cut = sum(int(code[0]) > 0 for code in features.columns["cut"])
    assert cut > 100
    assert cut in [notice.count for notice in task.inspect(examples["dev"], features, tokenizer)]
    # Whoever turns all relations around finds no relation in its direction.
    turned = [
        label.replace("e1,e2", "x").replace("e2,e1", "e1,e2").replace("x", "e2,e1")
        for label in (one.relation for one in examples["test"])
    ]
    scores = task.score(examples["test"], turned)
    assert (scores["semeval_f1"], scores["f1"]) == (0.0, 0.0)
    assert scores["accuracy"] == pytest.approx(454 / 2717)
    right = np.array([one.relation for one in examples["test"]])
    assert task.score(examples["test"], right.tolist())["semeval_f1"] == 1.0
