"""ONNX: a delivered model for onnxruntime, compared with the original before it is called done."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autoft.delivery.folder import read_model
from autoft.errors import ConfigError
from autoft.files import check_manifest, write_manifest
from autoft.models.headed import scores_of

_TOLERANCE = 1e-4
_MODEL = "model.onnx"


class _Plain(nn.Module):
    """A model with a plain `forward(input_ids, attention_mask) -> scores`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return scores_of(self.model(input_ids=input_ids, attention_mask=attention_mask))


def export_onnx(source: Path, target: Path) -> None:
    """Write `model.onnx` with tokenizer, configuration and manifest.

    Args:
        source: A delivered model folder.
        target: An empty folder.

    Raises:
        ConfigError: If the packages are missing, or onnxruntime gives other scores.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise ConfigError("--format onnx: onnx, onnxscript and onnxruntime needed, pip install autoft[onnx]") from error
    facts = check_manifest(source)
    _, model = read_model(source, facts)
    if model.head.columns:
        raise ConfigError(
            f"--format onnx: a head that reads tokens alone expected, {model.head.name!r} needs "
            f"{', '.join(model.head.columns)} too"
        )
    plain = _Plain(model.module).eval()
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]])
    mask = torch.ones_like(ids)
    _trace(plain, (ids, mask), target / _MODEL)
    session = onnxruntime.InferenceSession(str(target / _MODEL), providers=["CPUExecutionProvider"])
    _compare(plain, session, ids[:1, :5], target)
    for path in source.iterdir():
        if path.suffix in (".json", ".txt") and path.name != "autoft.json":
            shutil.copy(path, target)
    write_manifest(target, {key: value for key, value in facts.items() if key != "files"})


def _trace(model: nn.Module, inputs: tuple[Tensor, Tensor], path: Path) -> None:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    shape = {0: batch, 1: length}
    with torch.inference_mode(), _quiet():
        torch.onnx.export(
            model,
            inputs,
            path,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": shape, "attention_mask": shape},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes about its own inside from the user; what matters is compared afterwards."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def _compare(model: nn.Module, session: Any, ids: Tensor, target: Path) -> None:
    mask = torch.ones_like(ids)
    with torch.inference_mode():
        expected = model(ids, mask).numpy()
    (got,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    difference = float(abs(expected - got).max())
    if difference > _TOLERANCE:
        raise ConfigError(
            f"{target}: onnxruntime must give the model's scores within {_TOLERANCE}, differs by {difference:g}"
        )
