"""The record: fine-tuning curves of many configurations on several data sets, none of them stopped early.

Usage: python -m benchmarks.record --work FOLDER [--only NAME …] [--device cpu] [--threads 1]
       python -m benchmarks.record --work FOLDER --pack

Every data set of a task is trained with the same configurations: the default, and a Latin hypercube (McKay et al. 1979)
over the shipped search space of each method, with the methods of the wide space beside it, all for the longest
schedule. The best five of a data set are trained on two further seeds. Runs go round the data sets, so that a record
that was stopped is as long for each of them. Runs that FOLDER or the record (`--record`, studies/reference unless
given) hold already are not repeated, and several processes may share the work by `--only`. `--pack` adds the runs of
FOLDER to the record. `$AUTOFT_DATA` says where the data lie.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from scipy.stats import qmc

from autoft.api.opening import space_for
from autoft.api.outputs import versions
from autoft.errors import Diverged
from autoft.metrics.spans import iob2_spans
from autoft.space import Scalar, SearchSpace, space_from_json
from autoft.strategy.encoding import encoder_of
from autoft.strategy.steps import NINTHS
from autoft.study.bench import Workbench
from autoft.study.config import BudgetConfig, ComputeConfig, DataConfig, StorageConfig, StudyConfig
from autoft.study.execution import Execution
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS, Task
from autoft.training.measuring import training_memory
from autoft.training.runtime import Runtime, find_device, set_threads
from benchmarks.reference import FILE, Run, append_line, read_lines, read_runs, write_runs

_TRAIN, _DEV = 200, 150
_SEED, _FURTHER, _BEST = 0, (1, 2), 5
# How many configurations of each method; the default comes on top.
_DRAWN = {"full": 8, "lora": 6, "adapter": 4, "head": 2, "bitfit": 2, "ia3": 1}


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is recorded.

    Attributes:
        name: How the record calls it.
        task: Its task.
        source: Folder below `$AUTOFT_DATA`, or `sample:NAME`.
    """

    name: str
    task: str
    source: str


DATA_SETS = (
    DataSet("crossner-ai", "ner", "ner/crossner-ai"),
    DataSet("poem-sentiment", "classification", "classification/poem-sentiment"),
    DataSet("uner-danish-ddt", "ner", "ner/uner-danish-ddt"),
    DataSet("banking77", "classification", "classification/banking77"),
    DataSet("ncbi-disease", "ner", "ner/ncbi-disease"),
    DataSet("sample-ner", "ner", "sample:ner"),
    DataSet("sample-classification", "classification", "sample:classification"),
)


@cache
def recorded_space(task: str) -> SearchSpace:
    """Return the space of a task's record: the shipped one, all methods, the longest schedule alone."""
    shipped, wide = space_for(task, None, ()).to_json(), space_for(task, f"{task}-wide", ()).to_json()
    shipped["method"] = {name: shipped["method"].get(name, wide["method"][name]) for name in _DRAWN}
    shipped["train"]["epochs"] = shipped["default"]["train"]["epochs"]
    return space_from_json(shipped, space_schema(), source=f"{task}.yaml")


def configurations(task: str) -> list[dict[str, Scalar]]:
    """Return the configurations of a task's record, the default first."""
    space = recorded_space(task)
    encoder = encoder_of(space)
    method = [each.path for each in encoder.parameters].index("method")
    names = {name: encoder.units({"method": name})[method] for name in _DRAWN}
    drawn = []
    for at, (name, count) in enumerate(_DRAWN.items()):
        units = qmc.LatinHypercube(len(encoder.parameters), rng=np.random.default_rng([_SEED, at])).random(count)
        units[:, method] = names[name]
        drawn += [encoder.config(row) for row in units]
    order = np.random.default_rng(_SEED).permutation(len(drawn))
    return [dict(space.default), *(drawn[place] for place in order)]


def open_set(data: DataSet, device: str, threads: int, folder: Path) -> Workbench:
    """Return a workbench on the rows of a data set."""
    task = TASKS.get(data.task)()
    inside = data.source.startswith("sample:")
    source = data.source if inside else str(Path(os.environ["AUTOFT_DATA"], data.source))
    rows = DataConfig(source=source, train_limit=_TRAIN, dev_limit=_DEV)
    config = StudyConfig(
        name=data.name,
        task=task.name,
        metric=task.metric,
        seed=_SEED,
        data=rows,
        budget=BudgetConfig(),
        compute=ComputeConfig(device=device, threads=threads),
        storage=StorageConfig(folder=str(folder)),
        space=recorded_space(data.task).to_json(),
    )
    return Workbench(config, load_rows(task, rows, seed=_SEED), find_device(device))


class Witness:
    """A task that remembers what was right, each time that it scores; in all else it is the task.

    Attributes:
        wanted: See `Run`.
        found: See `Run`.
        right: See `Run`.
    """

    def __init__(self, task: Task[Any, Any], labels: Sequence[str]) -> None:
        self._task = task
        self._numbers = {label: number for number, label in enumerate(labels)}
        self.wanted: tuple[int, ...] = ()
        self.found: list[tuple[int, ...]] = []
        self.right: list[tuple[int, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def score(self, examples: Sequence[Any], predictions: Sequence[Any]) -> dict[str, float]:
        """Score, and count row by row."""
        pairs = zip(examples, predictions, strict=True)
        count = _entities if self._task.name == "ner" else self._classes
        rows = [count(example, said) for example, said in pairs]
        self.wanted = tuple(row[0] for row in rows)
        self.found.append(tuple(row[1] for row in rows))
        self.right.append(tuple(row[2] for row in rows))
        return self._task.score(examples, predictions)

    def _classes(self, example: Any, predicted: Any) -> tuple[int, int, int]:
        wanted, found = example.target, predicted.value
        return self._numbers[wanted], self._numbers[found], int(wanted == found)


def _entities(example: Any, predicted: Sequence[str]) -> tuple[int, int, int]:
    wanted, found = set(iob2_spans(example.tags)), set(iob2_spans(predicted))
    return len(wanted), len(found), len(wanted & found)


def train(workbench: Workbench, data: DataSet, number: int, values: Mapping[str, Scalar], seed: int) -> Run:
    """Train one configuration to its end."""
    config = build_trial_config(values, kind=workbench.task.head, seed=seed)
    bench = workbench.bench_of(config)
    witness = Witness(bench.task, bench.labels)
    # A search spares evaluations where dev is larger than train; a record has them all.
    bench = replace(bench, task=cast("Task[Any, Any]", witness), ninths=NINTHS)
    threads = workbench.config.compute.threads
    runtime = Runtime(device=workbench.device, micro_batch=config.fit.batch_size, threads=threads)
    started = time.process_time()
    execution = Execution(bench, config, runtime)
    memory = training_memory(execution.model, bench.splits["train"].sequences, config.fit, runtime)
    evaluations, processor, ended = [], [], ""
    try:
        for evaluation in execution:
            evaluations.append(evaluation)
            processor.append(time.process_time() - started)
    except Diverged as error:
        ended = str(error)
    facts = {**execution.facts(), "memory": memory, "rows": workbench.data.counts, "versions": versions()}
    return Run(
        data=data.name,
        task=data.task,
        metric=bench.metric,
        configuration=number,
        seed=seed,
        config=dict(values),
        steps=tuple(one.step for one in evaluations),
        values=tuple(one.value for one in evaluations),
        losses=tuple(one.loss for one in evaluations),
        train_losses=tuple(one.train_loss for one in evaluations),
        processor=tuple(processor),
        wanted=witness.wanted,
        found=tuple(witness.found),
        right=tuple(witness.right),
        facts={**facts, "execution": runtime.record(), "fingerprint": workbench.data.fingerprint},
        ended=ended,
    )


def left(data: DataSet, runs: Sequence[Run]) -> Iterator[tuple[int, Mapping[str, Scalar], int]]:
    """Yield what is still to be trained on a data set: number, configuration and seed.

    Args:
        data: The data set.
        runs: What there is of it.
    """
    wanted = configurations(data.task)
    done = {(run.configuration, run.seed) for run in runs}
    # What was packed may lie in the working folder too.
    first = {run.configuration: run for run in runs if run.seed == _SEED}
    yield from ((number, wanted[number], _SEED) for number in range(len(wanted)) if (number, _SEED) not in done)
    if len(first) == len(wanted):
        best = sorted(first.values(), key=lambda run: (-run.best, run.configuration))[:_BEST]
        again = ((run.configuration, seed) for seed in _FURTHER for run in best)
        yield from ((number, wanted[number], seed) for number, seed in again if (number, seed) not in done)


def record(sets: Iterable[DataSet], work: Path, known: Sequence[Run], device: str, threads: int) -> None:
    """Train all that is left, a run on each data set in turn.

    Args:
        sets: The data sets.
        work: Where new runs are kept.
        known: Runs that need not be repeated.
        device: `cpu` or `cuda`.
        threads: Of one operation.
    """
    set_threads(threads)
    files = {data: work / f"{data.name}.jsonl" for data in sets}
    benches: dict[DataSet, Workbench] = {}
    while True:
        trained = 0
        for data, path in files.items():
            done = [*(run for run in known if run.data == data.name), *read_lines(path)]
            following = next(left(data, done), None)
            if following is None:
                continue
            if data not in benches:
                benches[data] = open_set(data, device, threads, work)
                benches[data].keep()
            run = train(benches[data], data, *following)
            append_line(path, run)
            print(f"{data.name} {run.configuration} seed {run.seed}: {run.best:.4f} in {run.seconds:.0f} s", flush=True)
            trained += 1
        if not trained:
            return


def main() -> None:
    """Train, or pack what was trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=[data.name for data in DATA_SETS])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", type=Path, default=Path("studies/reference"))
    parser.add_argument("--pack", action="store_true")
    asked = parser.parse_args()
    logging.getLogger("autoft").setLevel(logging.WARNING)
    known = read_runs(asked.record) if (asked.record / FILE).is_file() else []
    if asked.pack:
        fresh = [run for data in DATA_SETS for run in read_lines(asked.work / f"{data.name}.jsonl")]
        runs = {(run.data, run.configuration, run.seed): run for run in (*fresh, *known)}
        print(f"{len(runs)} runs in {write_runs(asked.record, runs.values())}")
        return
    sets = [data for data in DATA_SETS if not asked.only or data.name in asked.only]
    record(sets, asked.work, known, asked.device, asked.threads)


if __name__ == "__main__":
    main()
