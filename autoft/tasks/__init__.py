"""Tasks: what is asked of a model, one file a task."""

from typing import Any

from autoft.registry import Registry
from autoft.tasks.base import Folded, Notice, Task, chosen_on_dev, chosen_words, unknown_tokens

TASKS: Registry[type[Task[Any, Any]]] = Registry("task", group="autoft.tasks")
TASKS.add("classification", "autoft.tasks.classification:Classification")
TASKS.add("ner", "autoft.tasks.ner:Ner")
TASKS.add("relation", "autoft.tasks.relation:Relation")
TASKS.add("qa", "autoft.tasks.qa:Qa")

__all__ = ["TASKS", "Folded", "Notice", "Task", "chosen_on_dev", "chosen_words", "unknown_tokens"]
