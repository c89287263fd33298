from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file

from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, assemble
from autoft.models.base import Pristine
from autoft.models.heads import Linear
from autoft.models.methods import METHODS
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.full import Full
from autoft.testing.methods import scores, tiny_batch, train
from autoft.testing.tiny import LABELS


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize("name", ["lora", "ia3"])
def test_peft_alone_restores_the_adapter_and_the_head(pristine: Pristine, tmp_path: Path, name: str) -> None:
    trial = train(assemble(pristine, Recipe(Linear(), METHODS.get(name)(), 0.34), 1))
    trial.save_adapter(tmp_path)
    base = transformers.AutoModelForTokenClassification.from_pretrained(
        pristine.source.location, num_labels=len(LABELS)
    )
    restored = PeftModel.from_pretrained(base, tmp_path).eval()
    batch = {word: tiny_batch(trial.classes)[word] for word in trial.anatomy.inputs}
    torch.testing.assert_close(restored(**batch).logits, scores(trial), atol=1e-6, rtol=0)


def test_bottlenecks_are_saved_with_what_they_are(pristine: Pristine, tmp_path: Path) -> None:
    trial = train(assemble(pristine, Recipe(Linear(), Adapter(size=5)), 1))
    trial.save_adapter(tmp_path)
    weights = trial.weights()
    saved = load_file(tmp_path / "adapter.safetensors")
    assert saved.keys() == weights.keys()
    assert all(torch.equal(saved[name], value) for name, value in weights.items())
    assert json.loads((tmp_path / "adapter.json").read_text()) == {"scale": 1.0, "size": 5}


def test_full_tuning_has_no_adapter(pristine: Pristine, tmp_path: Path) -> None:
    trial = assemble(pristine, Recipe(Linear(), Full()), 1)
    with pytest.raises(ConfigError, match="'full' has no adapter, export the merged model"):
        trial.save_adapter(tmp_path)
