"""Validation without training: space, data, and what the tokenizer makes of the data."""

from __future__ import annotations

from typing import Any

from autoft.api.opening import space_for
from autoft.errors import ConfigError
from autoft.models.base import load_tokenizer, resolve_model
from autoft.space import find_space
from autoft.study.config import DataConfig
from autoft.study.rows import load_rows
from autoft.tasks import TASKS

_LONGEST = 512


def validate(task: str, *, source: str | None, space: str | None, model: str) -> dict[str, Any]:
    """Judge a search space and a data set.

    Returns:
        `space`, `data`, `labels` and `notices`, as JSON.

    Raises:
        ConfigError: With every problem of space and data.
    """
    made = TASKS.get(task)()
    problems: list[str] = []
    varying, rows = None, None
    try:
        path = find_space(space or task)
        varying = space_for(path, [model])
    except ConfigError as error:
        problems += error.problems
    try:
        rows = load_rows(made, DataConfig(source=source or f"sample:{task}"), seed=0)
    except ConfigError as error:
        problems += error.problems
    if varying is None or rows is None:
        raise ConfigError(*problems)
    notices = [f"{notice.text} ({notice.count})" if notice.count else notice.text for notice in rows.notices]
    tokenizer = load_tokenizer(resolve_model(model))
    labels: dict[str, dict[str, int]] = {}
    for split, examples in rows.examples.items():
        features = made.encode(examples, tokenizer, rows.labels, min(_LONGEST, tokenizer.model_max_length))
        notices += [f"{split}: {n.text} ({n.count})" for n in made.inspect(examples, features, tokenizer)]
        for label, count in made.label_counts(examples).items():
            labels.setdefault(label, {})[split] = count
    return {
        "space": {"file": str(path), "parameters": len(varying.parameters())},
        "data": {"origin": rows.origin, **rows.counts, "fingerprint": rows.fingerprint},
        "labels": labels,
        "notices": notices,
    }
