"""The child process that makes a model folder: builds it, loads it again as a stranger would, compares.

Standard input is one JSON object, standard output one: `{"dev", "reloaded"}` or `{"problems"}`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch

from autoft.delivery.folder import read_model, read_task, trained_model, write_model
from autoft.errors import ConfigError
from autoft.files import check_manifest, replace_folder
from autoft.models.assembly import TrialModel
from autoft.models.base import load_tokenizer
from autoft.study.bench import Workbench
from autoft.study.config import StudyConfig
from autoft.study.rows import load_rows
from autoft.study.trial_config import build_trial_config
from autoft.tasks import TASKS, Task
from autoft.training.batches import make_resident
from autoft.training.inference import run_model
from autoft.training.runtime import Runtime, find_device, set_threads

# Merging rounds in other places than the adapter did: in a dev split of some hundred entities this is one of them, of
# few examples one may be decided otherwise.
_TOLERANCE = 0.002


def make_folder(order: Mapping[str, Any]) -> dict[str, float]:
    """Make the folder `order["folder"]` from a trial's best weights; replaces an older one only when it is sound.

    Args:
        order: `study` (its configuration), `values` (the trial's parameters), `weights` (file), `folder`, `facts`,
            `expected` (what these weights scored on the examples that the delivered model is checked on).

    Returns:
        The dev value of the trained module, and of the folder loaded again.

    Raises:
        ConfigError: If the folder, loaded again, does not give the trial's dev score.
    """
    config = StudyConfig.from_json(order["study"])
    set_threads(config.compute.threads)
    data = load_rows(TASKS.get(config.task)(), config.data, seed=config.seed)
    device = find_device(config.compute.device)
    runtime = Runtime(device=device, micro_batch=1, threads=config.compute.threads)
    workbench = Workbench(config, data, device, splits=())
    trial = build_trial_config(order["values"], kind=data.task.head, seed=config.seed)
    bench = workbench.bench_of(trial)
    model = trained_model(bench, trial, safetensors.torch.load_file(order["weights"]))

    target = Path(order["folder"])
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        write_model(bench, model, made, order["facts"])
        facts = check_manifest(made)
        reloaded = reloaded_value(made, data.delivered_on, runtime)
        tolerance = max(_TOLERANCE, 1.0 / len(data.delivered_on))
        _compare(target, (reloaded, order["expected"]), facts["metric"], tolerance)
        made.chmod(0o755)
        replace_folder(made, target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    # What was decided beside the weights is not yet part of the trained module.
    facts = {**facts, "decision": order["facts"]["decision"]}
    trained = _value(bench.task, model, data.delivered_on, facts, tokenizer=bench.tokenizer, runtime=runtime)
    return {"dev": trained, "reloaded": reloaded}


def reloaded_value(folder: Path, examples: Sequence[Any], runtime: Runtime) -> float:
    """Return the metric of a model folder, with nothing taken from memory but the examples."""
    facts = check_manifest(folder)
    pristine, model = read_model(folder, facts)
    model.module.to(runtime.device)
    task, tokenizer = read_task(facts), load_tokenizer(pristine.source)
    return _value(task, model, examples, facts, tokenizer=tokenizer, runtime=runtime)


def _value(
    task: Task[Any, Any],
    model: TrialModel,
    examples: Sequence[Any],
    facts: Mapping[str, Any],
    *,
    tokenizer: Any,
    runtime: Runtime,
) -> float:
    """Return the metric of a model on examples; `facts` are a manifest's, with the decision that it needs."""
    features = task.encode(examples, tokenizer, facts["labels"], facts["max_length"])
    outputs = run_model(model, make_resident(features, runtime.device), runtime)
    predictions = task.decode(outputs.scores, features, facts["labels"], facts["decision"])
    return float(task.score(examples, predictions)[facts["metric"]])


def _compare(target: Path, values: tuple[float, float], metric: str, tolerance: float) -> None:
    reloaded, expected = values
    # An error in the unit of scores may be any number.
    if abs(reloaded - expected) > tolerance * max(1.0, abs(expected)):
        raise ConfigError(
            f"{target}: the model loaded again must give the trial's dev {metric} {expected:.6f}, "
            f"got {reloaded:.6f}, nothing was delivered"
        )


def main() -> int:
    """Carry out the order on standard input."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must not mix with the answer.
    os.dup2(2, 1)
    try:
        result: dict[str, Any] = dict(make_folder(json.loads(sys.stdin.read())))
    except ConfigError as error:
        result = {"problems": error.problems}
    with answer:
        json.dump(result, answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
