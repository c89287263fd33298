"""Validation without training: space, data, and what the tokenizer makes of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autoft.api.opening import sample_of, space_for
from autoft.errors import ConfigError, Findings
from autoft.models.base import load_tokenizer, resolve_model
from autoft.space import find_space
from autoft.study.config import DataConfig
from autoft.study.rows import load_rows, small_data_notices
from autoft.tasks import TASKS

_LONGEST = 512


def validate(task: str, *, source: str | None, space: str | None, models: Sequence[str]) -> dict[str, Any]:
    """Judge a search space and a data set.

    Returns:
        `space`, `data`, `labels` and `notices`, as JSON; of a notice, lines below the first are examples.

    Raises:
        ConfigError: With every problem of space, base models and data.
    """
    made = TASKS.get(task)()
    findings = Findings()
    varying = findings.of(lambda: space_for(task, space, models))
    rows = findings.of(lambda: load_rows(made, DataConfig(source=source or sample_of(task)), seed=0))
    findings.raise_any()
    if varying is None or rows is None:
        raise ConfigError("a space and data expected")
    notices = [*(notice.lines for notice in rows.notices), *small_data_notices(rows)]
    tokenizer = load_tokenizer(resolve_model(str(varying.default["model"])), rows.tokens)
    made = rows.task
    labels: dict[str, dict[str, int]] = {}
    for split, examples in rows.examples.items():
        features = made.encode(examples, tokenizer, rows.labels, min(_LONGEST, tokenizer.model_max_length))
        notices += [f"{split}: {notice.lines}" for notice in made.inspect(examples, features, tokenizer)]
        for label, count in made.label_counts(examples).items():
            labels.setdefault(label, {})[split] = count
    return {
        "space": {"file": str(find_space(space or task)), "parameters": len(varying.parameters())},
        "data": {"origin": rows.origin, **rows.counts, "fingerprint": rows.fingerprint},
        "labels": labels,
        "notices": notices,
    }
