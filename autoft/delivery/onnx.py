"""ONNX: a delivered model for onnxruntime, compared with the original before it is called done."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autoft.delivery.folder import read_model
from autoft.errors import ConfigError
from autoft.files import check_manifest, write_manifest
from autoft.models.base import load_tokenizer
from autoft.models.headed import scores_of

_TOLERANCE = 1e-4
_MODEL = "model.onnx"
_SPANS, _TOKENS = "question-answering", "token-classification"


class _Plain(nn.Module):
    """A model with a plain `forward` of two or three tensors.

    Args:
        model: The delivered one.
        spans: Whether it scores first and last tokens, which are two outputs.
    """

    def __init__(self, model: nn.Module, *, spans: bool) -> None:
        super().__init__()
        self.model = model
        self.spans = spans

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        scores = scores_of(self.model(**inputs))
        return scores.unbind(-1) if self.spans else (scores,)


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
    pristine, model = read_model(source, facts)
    if model.head.columns:
        raise ConfigError(
            f"--format onnx: a head that reads tokens alone expected, {model.head.name!r} needs "
            f"{', '.join(model.head.columns)} too"
        )
    spans = facts["head"] == _SPANS
    plain = _Plain(model.module, spans=spans).eval()
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    # Of two texts a model must be told which tokens are of the second; named entities are of one alone.
    if facts["head"] != _TOKENS and "token_type_ids" in load_tokenizer(pristine.source).model_input_names:
        inputs["token_type_ids"] = (ids > 3).long()
    _trace(plain, inputs, ("start_logits", "end_logits") if spans else ("logits",), target / _MODEL)
    session = onnxruntime.InferenceSession(str(target / _MODEL), providers=["CPUExecutionProvider"])
    _compare(plain, session, {name: values[:1, :5] for name, values in inputs.items()}, target)
    for path in source.iterdir():
        if path.suffix in (".json", ".txt") and path.name != "autoft.json":
            shutil.copy(path, target)
    write_manifest(target, {key: value for key, value in facts.items() if key != "files"})


def _trace(model: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str], path: Path) -> None:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    shape = {0: batch, 1: length}
    with torch.inference_mode(), _quiet():
        torch.onnx.export(
            model,
            tuple(inputs.values()),
            path,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=dict.fromkeys(inputs, shape),
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


def _compare(model: nn.Module, session: Any, inputs: Mapping[str, Tensor], target: Path) -> None:
    with torch.inference_mode():
        expected = model(*inputs.values())
    got = session.run(None, {name: values.numpy() for name, values in inputs.items()})
    difference = max(float(abs(one.numpy() - other).max()) for one, other in zip(expected, got, strict=True))
    if difference > _TOLERANCE:
        raise ConfigError(
            f"{target}: onnxruntime must give the model's scores within {_TOLERANCE}, differs by {difference:g}"
        )
