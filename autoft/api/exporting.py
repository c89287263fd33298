"""Export: a trial's model as merged weights, as an adapter, or as ONNX."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from autoft.api.delivering import deliver_best, make_model, model_facts
from autoft.api.studies import StudyView, load_study
from autoft.errors import ConfigError, StudyError
from autoft.files import replace_folder
from autoft.storage.checkpoints import Checkpoint
from autoft.storage.records import TrialRecord
from autoft.study.trial_weights import weights_file, weights_store

FORMATS = ("merged", "adapter", "onnx")


def export_model(
    study: str,
    target: str | Path,
    *,
    trial: int | None = None,
    format: str = "merged",
    studies_dir: str | Path = "studies",
    storage: str | None = None,
) -> Path:
    """Write a trial's model to a new folder.

    Args:
        study: The study's name.
        target: A folder that does not exist, or is empty.
        trial: Which trial; the best unless given. A trial whose weights are not kept is trained again.
        format: `merged` loads with plain transformers, `adapter` with peft, `onnx` with onnxruntime.
        studies_dir: Folder of all studies.
        storage: SQLAlchemy URL; SQLite in `studies_dir` unless given.

    Raises:
        ConfigError: If the target is taken, the trial has no model, or the format does not go with its method.
    """
    if format not in FORMATS:
        raise ConfigError(f"--format: one of {', '.join(FORMATS)} expected, got {format!r}")
    target = Path(target).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target}: a new or empty folder expected, found files in it")
    view = load_study(study, studies_dir=studies_dir, storage=storage)
    record = view.best if trial is None else view.trial(trial)
    if record is None or record.value is None:
        raise StudyError(f"study {study!r}: a trial with an evaluation expected, found none, search longer")
    missing = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        _fill(made, view, record, format)
        made.chmod(0o755)
        replace_folder(made, target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        for parent in missing:
            parent.rmdir()
        raise
    return target


def ensure_weights(view: StudyView, record: TrialRecord) -> Path:
    """Return the file of a trial's best weights; trains it again where they are not kept.

    Raises:
        StudyError: If the trial, trained again, gives other weights than it gave first.
    """
    try:
        return weights_file(view.config, record)
    except StudyError:
        pass
    from autoft.study.replay import replay_trial

    replayed = replay_trial(view.config, record)
    if replayed.summary["best_weights"] != record.execution.get("best_weights"):
        raise StudyError(
            f"trial {record.number}: trained again, it must give the same weights, this machine gives others"
        )
    arrays = {name: value.numpy() for name, value in replayed.weights.items()}
    weights_store(view.config).save(record.number, replayed.best_step, Checkpoint(arrays, {}))
    return weights_file(view.config, record)


def _fill(folder: Path, view: StudyView, record: TrialRecord, format: str) -> None:
    ensure_weights(view, record)
    if format == "adapter":
        _save_adapter(folder, view, record)
        return
    merged = _merged(view, record)
    if format == "onnx":
        from autoft.delivery.onnx import export_onnx

        export_onnx(merged, folder)
    else:
        shutil.copytree(merged, folder, dirs_exist_ok=True)
    if merged != view.best_folder:
        shutil.rmtree(merged.parent)


def _merged(view: StudyView, record: TrialRecord) -> Path:
    best = view.best
    if best is not None and record.number == best.number:
        delivered = deliver_best(view.config, view.files, view.facts, view.records)
        if delivered is not None:
            return delivered
    folder = Path(tempfile.mkdtemp(prefix="autoft-")) / "model"
    make_model(view.config, record, folder, model_facts(view.config, view.files.data_facts(), record))
    return folder


def _save_adapter(folder: Path, view: StudyView, record: TrialRecord) -> None:
    import safetensors.torch

    from autoft.delivery.folder import trained_model, write_adapter
    from autoft.models.base import load_tokenizer, resolve_model
    from autoft.study.bench import Workbench
    from autoft.study.rows import load_rows
    from autoft.study.trial_config import build_trial_config
    from autoft.tasks import TASKS
    from autoft.training.runtime import find_device

    config = view.config
    data = load_rows(TASKS.get(config.task)(), config.data, seed=config.seed)
    trial = build_trial_config(record.config, kind=data.task.head, seed=config.seed)
    strange = sorted({*data.tokens} - {*load_tokenizer(resolve_model(trial.model)).get_vocab()})
    if strange:
        raise ConfigError(
            f"--format adapter: {', '.join(strange)} are no tokens of the base model, an adapter has no embeddings of "
            "theirs, export 'merged'"
        )
    bench = Workbench(config, data, find_device("cpu"), splits=()).bench_of(trial)
    model = trained_model(bench, trial, safetensors.torch.load_file(weights_file(config, record)))
    write_adapter(bench, model, folder, record.execution.get("decision", {}))
