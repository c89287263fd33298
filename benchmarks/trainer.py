"""The trainer's speed: Hugging Face's Trainer, a bare loop, and autoft, one after the other in each round.

Usage: python -m benchmarks.trainer --data NAME=FOLDER[:LIMIT] [--data …] [--rounds 5] [--threads 2] --json FILE

Each trains one epoch of the same configuration on the same rows. What is told is real tokens a second (padding not
counted), the median over rounds, and autoft's ratio to each of the others, the median of the rounds' ratios. The same
run measures the peak of a matrix product, so that the share of it that is useful can be told. Rounds that FILE holds
already are not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from rich.progress import track

from autoft.api.opening import space_for
from autoft.files import write_json
from autoft.models.assembly import TrialModel
from autoft.study.bench import Bench, Workbench
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.trial_config import TrialConfig, build_trial_config
from autoft.tasks import TASKS
from autoft.training.inference import run_model
from autoft.training.optimizers import warmup_steps
from autoft.training.order import epoch_batches
from autoft.training.prefix_cache import PrefixCounts
from autoft.training.runtime import Runtime, set_threads
from autoft.training.trainer import Scores, fit
from benchmarks.bare_loop import train_bare
from benchmarks.stock import stock_module, stock_rows

_TASK = "ner"
_BATCHES = (8, 32)
_GEMM = 2048
METHODS: Mapping[str, Mapping[str, Any]] = {
    "full": {"method": "full"},
    "full, top third": {"method": "full", "freeze": 0.67},
    "lora": {"method": "lora", "method.lora.rank": 8},
    "lora, top third": {"method": "lora", "method.lora.rank": 8, "freeze": 0.67},
    "head": {"method": "head"},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One configuration on one data set.

    Attributes:
        bench: Base model and rows.
        config: What is trained.
        runtime: Device, micro-batch, threads.
    """

    bench: Bench
    config: TrialConfig
    runtime: Runtime

    @property
    def tokens(self) -> int:
        """Real tokens of an epoch."""
        return int(self.bench.splits["train"].sequences.lengths.sum())

    @property
    def steps(self) -> int:
        """Optimizer steps of an epoch."""
        return -(-len(self.bench.splits["train"].sequences) // self.config.fit.batch_size)

    def model(self) -> TrialModel:
        """Return the trial's module, untrained."""
        return Execution(self.bench, self.config, self.runtime).model

    def stock(self) -> tuple[Any, TrialModel]:
        """Return the same module as users of transformers and peft would have it, and the trial's model around it."""
        model = self.model()
        return stock_module(model, self.config.dropout), model


def open_case(bench: Bench, values: Mapping[str, Any], batch_size: int, threads: int) -> Case:
    """Return a case of one epoch."""
    space = space_for(_TASK, None, ())
    settings = {**space.default, **values, "train.batch_size": batch_size, "train.epochs": 1}
    config = build_trial_config(settings, kind=bench.task.head, seed=0)
    return Case(bench, config, Runtime(device=torch.device("cpu"), micro_batch=batch_size, threads=threads))


def time_autoft(case: Case) -> float:
    """Return the seconds of one epoch of autoft's trainer, its prefix known."""
    model, counts = case.model(), PrefixCounts()
    train = case.bench.sequences("train", model, case.runtime, counts)
    started = time.perf_counter()
    steps = fit(model, train, _no_scores, case.config.fit, points={9: case.steps}, runtime=case.runtime)
    next(steps)
    return time.perf_counter() - started


def _no_scores(model: TrialModel) -> Scores:
    del model
    return Scores(0.0, 0.0, {})


def time_bare(case: Case) -> float:
    """Return the seconds of one epoch of the bare loop."""
    data, fitting = case.bench.splits["train"].sequences, case.config.fit
    module, model = case.stock()
    members = epoch_batches(data.lengths, batch_size=fitting.batch_size, seed=0, epoch=0)
    known = (*model.anatomy.inputs, "labels")
    batches = [{name: value for name, value in data.batch(one).items() if name in known} for one in members]
    torch.manual_seed(0)
    return train_bare(
        module,
        batches,
        learning_rate=fitting.learning_rate,
        weight_decay=fitting.weight_decay,
        clip=fitting.clip,
        warmup=warmup_steps(case.steps, fitting.warmup),
        total=case.steps,
    )


def time_trainer(case: Case) -> float:
    """Return the seconds of one epoch of Hugging Face's Trainer, from its first step to its last."""
    data, fitting = case.bench.splits["train"].sequences, case.config.fit
    module, model = case.stock()
    clock = _Clock()
    trainer = transformers.Trainer(
        model=module,
        args=transformers.TrainingArguments(
            output_dir="unused",
            per_device_train_batch_size=fitting.batch_size,
            num_train_epochs=1,
            learning_rate=fitting.learning_rate,
            weight_decay=fitting.weight_decay,
            max_grad_norm=fitting.clip,
            warmup_steps=warmup_steps(case.steps, fitting.warmup),
            lr_scheduler_type="linear",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        ),
        train_dataset=stock_rows(data, model.anatomy.inputs),
        data_collator=transformers.DataCollatorForTokenClassification(case.bench.tokenizer),
        callbacks=[clock],
    )
    trainer.train()
    return clock.seconds


class _Clock(transformers.TrainerCallback):  # type: ignore[misc]
    started, seconds = 0.0, 0.0

    def on_epoch_begin(self, *args: Any, **words: Any) -> None:
        del args, words
        self.started = time.perf_counter()

    def on_epoch_end(self, *args: Any, **words: Any) -> None:
        del args, words
        self.seconds = time.perf_counter() - self.started


RIVALS: Mapping[str, Callable[[Case], float]] = {
    "Trainer": time_trainer,
    "bare loop": time_bare,
    "autoft": time_autoft,
}


def time_prefix(case: Case) -> dict[str, float]:
    """Return the seconds to compute the whole base model's prefix of train, and of one evaluation pass over it."""
    model = case.model()
    data = case.bench.splits["train"].sequences
    started = time.perf_counter()
    run_model(model, data, case.runtime)
    read = time.perf_counter() - started
    started = time.perf_counter()
    case.bench.sequences("train", model, case.runtime, PrefixCounts())
    return {"evaluation": read, "prefix": time.perf_counter() - started}


def gemm_peak() -> float:
    """Return the floating point operations a second of a matrix product of 2048 x 2048 matrices."""
    left, right = torch.rand(_GEMM, _GEMM), torch.rand(_GEMM, _GEMM)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - started)
    return 2.0 * _GEMM**3 / best


def useful_operations(case: Case) -> float:
    """Return the floating point operations that one epoch needs: matrix products of real tokens, no padding.

    A weight matrix costs two operations a token and number forward, and four back where its layer trains (two of them
    for its own gradient, which what is frozen does not need). Attention costs 4 T D a token and layer forward, twice
    that back (Kaplan et al. 2020, Scaling Laws for Neural Language Models, appendix B).
    """
    model = case.model()
    anatomy = model.anatomy
    lengths = case.bench.splits["train"].sequences.lengths.astype(float)
    matrices = sum(
        part.inputs * part.outputs for part in (*anatomy.layers[0].attention, *anatomy.layers[0].feed_forward.parts)
    )
    dense, attention = 2.0 * matrices * float(lengths.sum()), 4.0 * anatomy.width * float((lengths**2).sum())
    forward, backward = model.layers_run(above=model.boundary > 0)
    own = backward if case.config.method.name == "full" else 0
    return (forward + backward) * dense + own * dense + (forward + 2 * backward) * attention


def open_bench(source: str, limit: int | None, threads: int) -> Bench:
    """Return rows and base model of a data set."""
    task = TASKS.get(_TASK)()
    data = DataConfig(source=source, train_limit=limit)
    space = space_for(_TASK, None, ())
    config = StudyConfig(
        name="trainer",
        task=_TASK,
        metric=task.metric,
        seed=0,
        data=data,
        budget=BudgetConfig(cache=0),
        compute=ComputeConfig(device="cpu", threads=threads),
        storage=StorageConfig(),
        space=space.to_json(),
    )
    workbench = Workbench(config, load_rows(task, data, seed=0), torch.device("cpu"), splits=("train",))
    trial = build_trial_config(space.default, kind=task.head, seed=0)
    return workbench.bench_of(trial)


def summary(rounds: Sequence[Mapping[str, float]], tokens: int) -> dict[str, float]:
    """Return medians of tokens a second, and of autoft's ratio to each rival in the same round."""
    said = {f"{name}, tokens/s": statistics.median(tokens / one[name] for one in rounds) for name in RIVALS}
    for name in ("Trainer", "bare loop"):
        said[f"autoft over {name}"] = statistics.median(one[name] / one["autoft"] for one in rounds)
    return said


def cases(data: Sequence[str], threads: int) -> Iterator[tuple[str, Case]]:
    """Yield every case with its name."""
    for given in data:
        name, _, place = given.partition("=")
        source, _, limit = place.partition(":")
        bench = open_bench(source, int(limit) if limit else None, threads)
        for method, values in METHODS.items():
            for batch_size in _BATCHES:
                yield f"{name}, {method}, batch {batch_size}", open_case(bench, values, batch_size, threads)


def main() -> None:
    """Measure, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    set_threads(asked.threads)
    transformers.logging.set_verbosity_error()
    found: dict[str, Any] = json.loads(asked.json.read_text(encoding="utf-8")) if asked.json.is_file() else {}
    named = dict(cases(asked.data, asked.threads))
    for turn in track(range(asked.rounds), description="rounds", transient=True):
        for name, case in named.items():
            entry = found.setdefault(name, {"tokens": case.tokens, "rounds": [], "prefix": [], "gemm": []})
            if len(entry["rounds"]) > turn:
                continue
            # Each goes first in turn.
            order = [*RIVALS][turn % len(RIVALS) :] + [*RIVALS][: turn % len(RIVALS)]
            entry["rounds"].append({rival: RIVALS[rival](case) for rival in order})
            entry["gemm"].append(gemm_peak())
            if name.split(", ")[1] == "head":
                entry["prefix"].append(time_prefix(case))
            entry["summary"] = summary(entry["rounds"], case.tokens)
            best = statistics.median(one["autoft"] for one in entry["rounds"])
            entry["useful share of the peak"] = useful_operations(case) / best / statistics.median(entry["gemm"])
            write_json(asked.json, found)
    print(json.dumps({name: entry["summary"] for name, entry in found.items()}, indent=2))


if __name__ == "__main__":
    main()
