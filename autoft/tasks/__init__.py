"""Tasks: what is asked of a model, one file a task."""

from typing import Any

from autoft.registry import Registry
from autoft.tasks.base import Folded, Notice, Task

TASKS: Registry[type[Task[Any, Any]]] = Registry("task", group="autoft.tasks")
TASKS.add("classification", "autoft.tasks.classification:Classification")
TASKS.add("ner", "autoft.tasks.ner:Ner")

__all__ = ["TASKS", "Folded", "Notice", "Task"]
