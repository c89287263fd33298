"""The model folder: written from a trial's weights, read back as anyone else would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from autoft.delivery.card import model_card
from autoft.errors import ConfigError
from autoft.files import write_bytes, write_manifest, write_text
from autoft.models.assembly import Recipe, TrialModel, assemble, what_trains
from autoft.models.base import Pristine, load_pristine, resolve_model
from autoft.models.headed import rescale_classifier
from autoft.models.heads import HEADS, Head
from autoft.models.methods.head import HeadOnly
from autoft.study.bench import Bench
from autoft.study.trial_config import TrialConfig
from autoft.tasks import TASKS, Task, chosen_on_dev

HEAD_FILE = "head.safetensors"


def trained_model(bench: Bench, config: TrialConfig, weights: Mapping[str, Tensor]) -> TrialModel:
    """Return a trial's module with the weights it had at its best evaluation."""
    recipe = Recipe(head=config.head, method=config.method, freeze=config.freeze, dropout=config.dropout)
    model = assemble(bench.pristine, recipe, seed=config.fit.seed)
    model.load_weights(weights)
    return model


def write_model(bench: Bench, model: TrialModel, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the merged model, its tokenizer, card and manifest.

    What the task decided beside the weights becomes part of the model where that is possible.

    Args:
        bench: The trial's bench.
        model: With its trained weights.
        folder: New or empty.
        facts: For card and manifest; `decision` is what decoding must know.

    Raises:
        ConfigError: If the model cannot take over what was decided.
    """
    folder.mkdir(parents=True, exist_ok=True)
    head = model.head
    plain = model.merged()
    decision = facts.get("decision", {})
    folded = bench.task.fold(bench.labels, decision)
    if folded is not None:
        rescale_classifier(plain, folded.scale, folded.shift)
    if head.plain:
        plain.save_pretrained(folder)
    else:
        # A head class that transformers does not know would be filled with random weights: it stays apart.
        plain.base_model.save_pretrained(folder)
        prefix = f"{plain.base_model_prefix}."
        weights = {name: value for name, value in plain.state_dict().items() if not name.startswith(prefix)}
        write_bytes(folder / HEAD_FILE, safetensors.torch.save(weights))
    bench.tokenizer.save_pretrained(folder)
    complete = {
        **facts,
        "decision": decision if folded is None else dict(folded.decision),
        "tuned": chosen_on_dev(type(bench.task), decision),
        "folded": folded is not None,
        "head": head.kind,
        "head_name": head.name,
        "head_fields": {key: value for key, value in asdict(head).items() if key != "kind"},
        "plain": head.plain,
        "asked": dict(bench.task.asked),
        "labels": list(bench.labels),
        "max_length": bench.max_length,
        "trained": f"Trained: {what_trains(model)}.",
    }
    write_text(folder / "README.md", model_card(complete))
    write_manifest(folder, complete)


def write_adapter(bench: Bench, model: TrialModel, folder: Path, decision: Mapping[str, float]) -> None:
    """Write what was trained without the base model, and its tokenizer.

    What the task decided beside the weights becomes part of the head, which is changed in place.

    Args:
        bench: The trial's bench.
        model: With its trained weights.
        folder: An empty folder.
        decision: What decoding must know.

    Raises:
        ConfigError: If the method has no adapter, or the head cannot take over what was decided.
    """
    folded = bench.task.fold(bench.labels, decision)
    left = decision if folded is None else folded.decision
    if left:
        known = ", ".join(left)
        raise ConfigError(f"--format adapter: an adapter cannot hold what was decided on dev, {known}, take merged")
    if folded is not None:
        rescale_classifier(model.plain, folded.scale, folded.shift)
    model.save_adapter(folder)
    bench.tokenizer.save_pretrained(folder)


def read_head(facts: Mapping[str, Any]) -> Head:
    """Return the head that a manifest speaks of."""
    return HEADS.get(facts["head_name"])(**facts["head_fields"], kind=facts["head"])


def read_task(facts: Mapping[str, Any]) -> Task[Any, Any]:
    """Return the task that a manifest speaks of; folders of earlier versions know its kind of head alone."""
    return TASKS.get(facts["task"])(facts["head"], **facts.get("asked", {}))


def read_model(folder: Path, facts: Mapping[str, Any]) -> tuple[Pristine, TrialModel]:
    """Load a folder that `write_model` wrote, through the plain class of transformers.

    Args:
        folder: Whose manifest has been checked.
        facts: What the manifest says.
    """
    head = read_head(facts)
    pristine = load_pristine(resolve_model(str(folder.resolve())), head, facts["labels"])
    model = assemble(pristine, Recipe(head=head, method=HeadOnly()), seed=0)
    if not facts["plain"]:
        model.load_weights(safetensors.torch.load_file(folder / HEAD_FILE))
    return pristine, model
