"""The peers' training: Hugging Face's Trainer on autoft's rows, space, module and metric, logged as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import transformers

from autoft.errors import SpaceError
from autoft.models.assembly import TrialModel
from autoft.space import SearchSpace, space_from_json, values_of
from autoft.storage.records import Scalar
from autoft.study.bench import Bench, Workbench
from autoft.study.config import StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.tasks import TASKS
from autoft.training.inference import Outputs
from autoft.training.optimizers import make_optimizer
from autoft.training.runtime import Runtime, set_threads
from benchmarks.peers.log import Log
from benchmarks.peers.setting import setting_of
from benchmarks.stock import stock_module, stock_rows

_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
_ROUNDING = 1e-6


def check_translatable(space: SearchSpace) -> None:
    """Refuse a space with something that Trainer would do in another way.

    Raises:
        SpaceError: With everything of that kind.
    """
    # Patience of nine evaluations, all that there are, ends nothing early.
    wanted: dict[str, set[Scalar]] = {"head": {"linear"}, "loss": {"standard"}, "train.patience": {9}}
    problems = [
        f"{path}: {', '.join(map(str, sorted(values)))} alone expected where Trainer runs, got {space.domains[path]}"
        for path, values in wanted.items()
        if not set(values_of(space.domains[path])) <= values
    ]
    if len(values_of(space.domains["model"])) > 1:
        problems.append(f"model: one base model expected where Trainer runs, got {space.domains['model']}")
    if problems:
        raise SpaceError(*problems)


def arguments_of(config: TrialConfig) -> dict[str, Any]:
    """Return the TrainingArguments of a configuration: all of them for each, since they outlive the trial."""
    fitting = config.fit
    return {
        "learning_rate": fitting.learning_rate,
        "num_train_epochs": float(fitting.epochs),
        "per_device_train_batch_size": fitting.batch_size,
        "weight_decay": fitting.weight_decay,
        # Below 1 it is a share of the steps.
        "warmup_steps": fitting.warmup,
        "lr_scheduler_type": _SCHEDULES[fitting.schedule],
        "label_smoothing_factor": fitting.label_smoothing,
        "max_grad_norm": fitting.clip,
    }


class Peer:
    """What a search with Trainer needs: rows and base model, loaded once, and the module of each configuration.

    Args:
        study: What is searched.
        log: Is told the setting at once, and what happens.

    Raises:
        SpaceError: If Trainer cannot search the space.
    """

    def __init__(self, study: StudyConfig, log: Log) -> None:
        set_threads(study.compute.threads)
        self.study, self.log = study, log
        self.space = space_from_json(study.space, space_schema())
        check_translatable(self.space)
        task = TASKS.get(study.task)()
        data = load_rows(task, study.data, seed=study.seed)
        # Outputs of frozen layers are autoft's to cache.
        uncached = replace(study, budget=replace(study.budget, cache=0))
        self._workbench = Workbench(uncached, data, torch.device("cpu"))
        self.trial, self.values = -1, dict(self.space.default)
        log.add("setting", **setting_of(replace(study, space=self.space.to_json(), fingerprint=data.fingerprint)))

    @property
    def config(self) -> TrialConfig:
        """The configuration in hand."""
        return build_trial_config(self.values, kind=self._workbench.task.head, seed=self.study.seed)

    @property
    def bench(self) -> Bench:
        """Its base model and rows."""
        return self._workbench.bench_of(self.config)

    def take(self, trial: int, values: Mapping[str, Scalar]) -> dict[str, Any]:
        """Take a configuration in hand; return its TrainingArguments."""
        self.trial, self.values = trial, dict(values)
        return arguments_of(self.config)

    def module(self) -> Any:
        """Return the module of the configuration in hand, untrained."""
        config = self.config
        runtime = Runtime(
            device=torch.device("cpu"), micro_batch=config.fit.batch_size, threads=self.study.compute.threads
        )
        self.model: TrialModel = Execution(self.bench, config, runtime).model
        return stock_module(self.model, config.dropout)

    def trainer(
        self,
        folder: str,
        model_init: Callable[..., Any] | None = None,
        evaluated: Callable[[float], None] | None = None,
    ) -> Any:
        """Return a Trainer of the configuration in hand, evaluated each epoch, that keeps no checkpoint.

        Args:
            folder: Where it may write.
            model_init: Returns the module of a trial; that of the configuration in hand unless given.
            evaluated: Is told each value.
        """
        bench = self.bench
        inputs = bench.pristine.anatomy.inputs
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            eval_strategy="epoch",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            label_names=["labels"],
            seed=self.study.seed,
            **arguments_of(self.config),
        )
        return _PeerTrainer(
            peer=self,
            model_init=model_init or self.module,
            args=arguments,
            train_dataset=stock_rows(bench.splits["train"].sequences, inputs),
            eval_dataset=stock_rows(bench.splits["dev"].sequences, inputs),
            data_collator=transformers.DataCollatorForTokenClassification(bench.tokenizer),
            compute_metrics=self._metrics,
            callbacks=[_Teller(self, evaluated)],
        )

    def _metrics(self, found: Any) -> dict[str, float]:
        """Return the metric as autoft computes it."""
        lengths = self.bench.splits["dev"].sequences.lengths
        scores = [np.asarray(row[:length]) for row, length in zip(found.predictions, lengths, strict=True)]
        return {self.study.metric: self.bench.judge([Outputs(scores, float("nan"))]).scores.value}


class _PeerTrainer(transformers.Trainer):  # type: ignore[misc]
    """Trainer with autoft's groups of parameters, because the space has a learning rate that falls with depth."""

    def __init__(self, *, peer: Peer, **words: Any) -> None:
        self._peer = peer
        super().__init__(**words)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Return the optimizer; Trainer's schedule scales each group's learning rate."""
        del model
        config = self._peer.config.fit
        self.optimizer = make_optimizer(self._peer.model.named_trainable(), config)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * group["scale"]
        return self.optimizer


class _Teller(transformers.TrainerCallback):  # type: ignore[misc]
    """Logs each evaluation, and the trials that were trained to their end."""

    def __init__(self, peer: Peer, evaluated: Callable[[float], None] | None) -> None:
        self._peer, self._evaluated = peer, evaluated

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, float], **words: Any) -> None:
        del args, control, words
        peer, value = self._peer, float(metrics[f"eval_{self._peer.study.metric}"])
        peer.log.evaluated(peer.trial, float(state.epoch), value, peer.values)
        if state.epoch >= peer.config.fit.epochs - _ROUNDING:
            peer.log.add("complete", trial=peer.trial)
        if self._evaluated is not None:
            self._evaluated(value)
