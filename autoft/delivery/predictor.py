"""The predictor: a delivered model, from raw input to answers in the user's world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from autoft.delivery.folder import read_model, read_task
from autoft.errors import DataError
from autoft.files import check_manifest
from autoft.models.assembly import TrialModel
from autoft.models.base import load_tokenizer
from autoft.tasks import Task
from autoft.training.batches import make_resident
from autoft.training.inference import run_model
from autoft.training.runtime import Runtime, find_device

Record = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A model that autoft delivered.

    Attributes:
        task: What it was trained for.
        labels: Its classes.
        facts: What its manifest says.
    """

    task: Task[Any, Any]
    labels: tuple[str, ...]
    facts: Mapping[str, Any]
    _model: TrialModel
    _tokenizer: Any
    _runtime: Runtime

    def predict(self, inputs: Sequence[Record]) -> list[dict[str, Any]]:
        """Answer each input: a text, or a JSON object such as `{"text": …}` or `{"tokens": […]}`.

        Raises:
            DataError: With every input that is neither, or other than what the model was trained on.
        """
        read = self._read(inputs)
        # An input without a single word has nothing that a model could read.
        examples = [example for example, _ in read if self.task.text(example).strip()]
        predictions = iter(self.decide(examples))
        return [
            self.task.answer(next(predictions) if self.task.text(example).strip() else self.task.nothing, context)
            for example, context in read
        ]

    def _read(self, inputs: Sequence[Record]) -> list[tuple[Any, Any]]:
        read, problems = [], []
        for index, record in enumerate(inputs):
            try:
                read.append(self.task.read_input(record))
            except DataError as error:
                problems += [f"inputs[{index}]: {problem.removeprefix('input: ')}" for problem in error.problems]
        if problems:
            raise DataError(*problems)
        return read

    def score(self, examples: Sequence[Any]) -> dict[str, float]:
        """Return every metric of the model on examples of its task."""
        return self.task.score(examples, self.decide(examples))

    def decide(self, examples: Sequence[Any]) -> list[Any]:
        """Return the model's prediction for each example of its task."""
        if not examples:
            return []
        features = self.task.encode(examples, self._tokenizer, self.labels, self.facts["max_length"])
        sequences = make_resident(features, self._runtime.device)
        outputs = run_model(self._model, sequences, self._runtime)
        return self.task.decode(outputs.scores, features, self.labels, self.facts.get("decision", {}))


def load_model(folder: str | Path, *, device: str = "auto") -> Predictor:
    """Load a model folder that autoft wrote, after comparing every file with its manifest.

    Raises:
        ConfigError: If the folder is no such model, or was changed.
    """
    path = Path(folder)
    facts = check_manifest(path)
    runtime = Runtime(device=find_device(device), micro_batch=1, threads=torch.get_num_threads())
    pristine, model = read_model(path, facts)
    model.module.to(runtime.device)
    tokenizer = load_tokenizer(pristine.source)
    return Predictor(read_task(facts), tuple(facts["labels"]), facts, model, tokenizer, runtime)
