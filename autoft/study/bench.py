"""The bench: everything that is made once a study and shared by the trials of one worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autoft.data.features import Features
from autoft.models.assembly import TrialModel
from autoft.models.base import (
    Pristine,
    count_layers,
    load_pristine,
    load_tokenizer,
    meanings,
    resolve_model,
    share_tensors,
)
from autoft.models.heads import Head
from autoft.study.config import StudyConfig
from autoft.study.features import FeatureCache, encode_cached
from autoft.study.folds import Fold, folds_of, halved, ninths_of
from autoft.study.memory import MemoryForecast
from autoft.study.room import disk_room
from autoft.study.rows import POOL, StudyData
from autoft.study.trial_config import TrialConfig
from autoft.study.wall_time import WallTime
from autoft.tasks import Task
from autoft.training.batches import Sequences, make_resident
from autoft.training.inference import Outputs, run_model
from autoft.training.prefix_cache import PrefixCounts, Prefixes
from autoft.training.prefix_store import PrefixStore
from autoft.training.runtime import Runtime
from autoft.training.trainer import Scores

_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Split:
    """One split, encoded for one base model.

    Attributes:
        examples: What the task parsed.
        features: Encoded sequences.
        sequences: The same as resident tensors.
    """

    examples: tuple[Any, ...]
    features: Features
    sequences: Sequences


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the models of a trial score together.

    Attributes:
        scores: Of all rows, each as the model says that has not seen it.
        values: The metric of each model on its own rows.
        decision: What decoding must know: of the head, and what was tuned on all rows.
    """

    scores: Scores
    values: tuple[float, ...]
    decision: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """One base model with the splits encoded for it.

    Attributes:
        task: What is asked.
        metric: What is optimised.
        labels: The model's classes.
        pristine: The base model as it was loaded; trials copy what they train and share the rest.
        tokenizer: Belongs to the base model.
        max_length: Most tokens of one sequence.
        splits: `train` and `dev`, or `POOL` where they are dealt into folds; `test` only where it was asked for.
        prefixes: What frozen layers hand on, of each split.
        folds: What each model of a trial sees; one where train and dev stay apart.
        ninths: When trials are evaluated.
        time: Where the worker's time goes.
    """

    task: Task[Any, Any]
    metric: str
    labels: tuple[str, ...]
    pristine: Pristine
    tokenizer: Any
    max_length: int
    splits: Mapping[str, Split]
    prefixes: Mapping[str, Prefixes]
    folds: tuple[Fold, ...]
    ninths: tuple[int, ...]
    time: WallTime

    @property
    def train_size(self) -> int:
        """Sequences that a model is trained on, of the fold that has fewest."""
        return min(len(fold.train.members) for fold in self.folds)

    def halved(self, seed: int) -> Bench:
        """Return a bench whose models are trained on half of their rows, and evaluated as often.

        Args:
            seed: Which half.
        """
        split = self.splits[self.folds[0].train.split]
        halves = (halved(fold, split.features, self.task, split.examples, seed) for fold in self.folds)
        return replace(self, folds=tuple(halves))

    def sequences(self, split: str, model: TrialModel, runtime: Runtime, counts: PrefixCounts) -> Sequences:
        """Return a split for `model` to start above its frozen prefix.

        Args:
            split: Its name.
            model: The trial's.
            runtime: The trial's.
            counts: Is told what the cache had.

        Raises:
            OutOfMemory: If the prefix does not fit.
        """
        with self.time.on("prefix"):
            return self.prefixes[split].sequences(model.boundary, runtime, counts)

    def judge(self, outputs: Sequence[Outputs]) -> Judgement:
        """Score what the models of a trial say of their own rows, as one; what is decided beside weights is tuned.

        Args:
            outputs: Of each fold's model on its dev.
        """
        split = self.splits[self.folds[0].dev.split]
        features, examples = split.features, split.examples
        with self.time.on("evaluate"):
            found = [one for output in outputs for one in output.scores]
            order = np.argsort(np.concatenate([fold.dev.members for fold in self.folds]))
            scores = [found[place] for place in order]
            tuned = self.task.tune(scores, features, examples, self.labels, self.metric)
            decision = {**self.pristine.head.decoding, **tuned}
            predictions = self.task.decode(scores, features, self.labels, decision)
            metrics = self.task.score(examples, predictions)
            values = [metrics[self.metric]]
            if len(self.folds) > 1:
                values = [self._score(examples, predictions, fold.dev.rows) for fold in self.folds]
        loss = sum(output.loss for output in outputs) / len(outputs)
        return Judgement(Scores(metrics[self.metric], loss, metrics), tuple(values), decision)

    def _score(self, examples: Sequence[Any], predictions: Sequence[Any], rows: Sequence[int]) -> float:
        found = self.task.score([examples[row] for row in rows], [predictions[row] for row in rows])
        return float(found[self.metric])

    def predictions(self, model: TrialModel, split: str, runtime: Runtime, decision: Mapping[str, float]) -> list[Any]:
        """Return what a trained model says of each example of a whole split.

        Args:
            model: The trained model.
            split: Its name.
            runtime: How it is run.
            decision: What was decided on dev beside the weights.
        """
        found = self.splits[split]
        outputs = run_model(model, found.sequences, runtime)
        return self.task.decode(outputs.scores, found.features, self.labels, decision)


class Workbench:
    """The benches of one worker, made when a trial first asks for them and kept.

    Args:
        config: The study's configuration.
        data: Its rows.
        device: Where pristine models and sequences stay.
        splits: Which splits are encoded; `test` is opened by `autoft test` only.
        time: Where the worker's time goes.
    """

    def __init__(
        self,
        config: StudyConfig,
        data: StudyData,
        device: torch.device,
        *,
        splits: tuple[str, ...] = ("train", "dev"),
        time: WallTime | None = None,
    ) -> None:
        self.config = config
        self.data = data
        self.device = device
        self.time = time or WallTime()
        self.memory = MemoryForecast(device)
        self.task = data.task
        caches = Path(config.storage.folder) / ".cache"
        self._features = FeatureCache(caches / "features")
        self._prefixes = PrefixStore(caches / "prefixes", prefix_budget(config))
        # What is dealt into folds is encoded together, each row once.
        dealt = ("train", "dev") if data.folds else ()
        self._splits = tuple(dict.fromkeys(POOL if name in dealt else name for name in splits))
        self._benches: dict[tuple[str, Head, int | None], Bench] = {}
        self._encoded: dict[str, tuple[Any, int, dict[str, Split]]] = {}

    def keep(self) -> None:
        """Write the caches from now on: before it is known that the search goes on, nothing is written."""
        self._features.keep()
        self._prefixes.keep()

    @property
    def floor(self) -> float:
        """The metric's value on dev for a model that has learned nothing."""
        return self.task.floor(self.config.metric, self.data.scored)

    def bench_of(self, trial: TrialConfig) -> Bench:
        """Return the bench of a trial.

        Raises:
            ConfigError: If the base model cannot be loaded.
        """
        return self.bench(trial.model, trial.head, trial.layers)

    def bench(self, model: str, head: Head, layers: float = 1.0) -> Bench:
        """Return the bench of one base model and head.

        Args:
            model: Reference of the base model.
            head: What stands on it.
            layers: Share of its layers that is kept, from the bottom.

        Raises:
            ConfigError: If the base model cannot be loaded.
        """
        key = model, head, self._kept(model, layers)
        if key not in self._benches:
            self._benches[key] = self._make(*key)
        return self._benches[key]

    def _kept(self, model: str, layers: float) -> int | None:
        """Return how many layers are kept; None for all of them."""
        if layers >= 1.0:
            return None
        count = count_layers(resolve_model(model))
        kept = max(1, round(layers * count))
        return kept if kept < count else None

    def _make(self, model: str, head: Head, layers: int | None) -> Bench:
        source = resolve_model(model)
        with self.time.on("load"):
            tokenizer = load_tokenizer(source, self.data.tokens)
            added = meanings(source, tokenizer, self.data.tokens)
            pristine = load_pristine(source, head, self.data.labels, self.device, layers=layers, added=added)
        for (ref, _, _), other in self._benches.items():
            if ref == model:
                share_tensors(pristine, other.pristine)
        if model not in self._encoded:
            with self.time.on("encode"):
                self._encoded[model] = self._encode(tokenizer, pristine)
        tokenizer, max_length, splits = self._encoded[model]
        prefixes = {name: Prefixes(pristine, split.sequences, self._prefixes) for name, split in splits.items()}
        folds = folds_of(self.data, {name: split.features for name, split in splits.items()})
        return Bench(
            task=self.task,
            metric=self.config.metric,
            labels=self.data.labels,
            pristine=pristine,
            tokenizer=tokenizer,
            max_length=max_length,
            splits=splits,
            prefixes=prefixes,
            folds=folds,
            ninths=ninths_of(folds),
            time=self.time,
        )

    def _encode(self, tokenizer: Any, pristine: Pristine) -> tuple[Any, int, dict[str, Split]]:
        max_length = longest_sequence(tokenizer, pristine.model)
        splits = {}
        for name in self._splits:
            examples = self.data.rows(name)
            features = encode_cached(
                self.task,
                examples,
                tokenizer,
                self.data.labels,
                max_length,
                cache=self._features,
                fingerprint=f"{self.data.fingerprint}/{name}",
            )
            splits[name] = Split(examples, features, make_resident(features, self.device))
        return tokenizer, max_length, splits


def prefix_budget(config: StudyConfig) -> int:
    """Return the bytes that cached prefixes may take."""
    given = config.budget.cache
    return disk_room(Path(config.storage.folder)) if given is None else given


def longest_sequence(tokenizer: Any, model: torch.nn.Module) -> int:
    """Return the most tokens that both tokenizer and base model read at once, at most 512."""
    limits = [_LONGEST, tokenizer.model_max_length]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa counts positions from behind its padding id.
            limits.append(module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1))
    return int(min(limits))
