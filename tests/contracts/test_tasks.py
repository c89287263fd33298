"""Every registered task keeps the contract on each of its built-in samples, with every kind of tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from autoft.data import Row, read_data, sample_names
from autoft.tasks import TASKS, Task
from autoft.tasks.classification import TextAnswer
from autoft.tasks.qa import QaPrediction
from autoft.testing.tasks import TaskContract, as_asked
from autoft.testing.tiny import TOKENIZERS

REFERENCES: dict[str, Callable[[Any], Any]] = {
    "classification": lambda example: TextAnswer(example.target),
    "ner": lambda example: example.tags,
    "qa": lambda example: QaPrediction(*next(((one.start, one.end) for one in example.answers), ())),
    "relation": lambda example: example.relation,
}
# Sample -> a length whose windows overlap by a whole answer, of tokens that are letters or bytes.
SHORT = {"qa": 200, "qa-zh": 56}
CUTTING = frozenset({"classification", "relation"})
# What a task may be asked besides its samples; scores of mean 0 and deviation 1 are not rounded.
MORE: dict[str, list[dict[str, Any]]] = {
    "classification-pairs": [
        {"text": f"anna lives in {one}", "text_pair": f"anna works in {other} and in new york", "label": label}
        for one, other, label in (("paris", "paris", "yes"), ("berlin", "york", "no"), ("rome", "oslo", "no"))
    ],
    "classification-scores": [
        {"text": f"the {word} of the smith in new york", "score": score}
        for word, score in (("best", 1.0), ("worst", -1.0), ("new", 1.0), ("old", -1.0))
    ],
}
SAMPLES = [
    (name, sample)
    for name in TASKS.names()
    for sample in sample_names()
    if sample == name or sample.startswith(f"{name}-")
]
ASKED = [*SAMPLES, *((name.partition("-")[0], name) for name in MORE)]


class TestTasks(TaskContract):
    @pytest.fixture(params=ASKED, ids=lambda pair: pair[1])
    def pair(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        found: tuple[str, str] = request.param
        return found

    @pytest.fixture(autouse=True)
    def room(self, pair: tuple[str, str]) -> None:
        self.short = SHORT.get(pair[1], TaskContract.short)

    @pytest.fixture
    def task(self, pair: tuple[str, str], rows: Sequence[Row]) -> Task[Any, Any]:
        return as_asked(TASKS.get(pair[0])(), rows)

    @pytest.fixture
    def rows(self, pair: tuple[str, str]) -> Sequence[Row]:
        if pair[1] in MORE:
            return [Row(values, f"{pair[1]}.jsonl", number) for number, values in enumerate(MORE[pair[1]], 1)]
        return read_data(f"sample:{pair[1]}", dev_share=0.2, seed=0).splits["dev"][:20]

    @pytest.fixture
    def cuts(self, pair: tuple[str, str]) -> bool:
        return pair[0] in CUTTING

    @pytest.fixture
    def references(self, pair: tuple[str, str], examples: list[Any]) -> list[Any]:
        return [REFERENCES[pair[0]](example) for example in examples]

    @pytest.fixture(params=list(TOKENIZERS))
    def tokenizer(
        self, request: pytest.FixtureRequest, pair: tuple[str, str], task: Task[Any, Any], examples: list[Any]
    ) -> Any:
        made = TOKENIZERS[request.param]()
        if pair[1] == "qa-zh":
            # To Unigram unknown characters in a row are one token, and no answer can begin inside of one.
            made.add_tokens(sorted({letter for one in examples for letter in task.text(one) if not letter.isascii()}))
        made.add_tokens(list(task.tokens(examples)), special_tokens=True)
        return made


def test_every_task_has_a_sample() -> None:
    assert {name for name, _ in SAMPLES} == set(TASKS.names())
