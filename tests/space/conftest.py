"""The schema that the tests of search spaces share; it is shaped like the one that study makes."""

from __future__ import annotations

import pytest

from autoft.space import Choice, Group, Leaf, Schema
from autoft.space.schema import Kind


def number(default: float, low: float | None = None, high: float | None = None) -> Leaf:
    kind: Kind = "int" if isinstance(default, int) else "float"
    return Leaf(kind=kind, default=default, low=low, high=high)


def learning_rate(default: float) -> Leaf:
    return Leaf(kind="float", default=default, low=0.0, above_low=True)


def text(*choices: str) -> Leaf:
    return Leaf(kind="str", default=choices[0], choices=choices)


def switch() -> Leaf:
    return Leaf(kind="bool", default=False)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return Group(
        {
            "model": Leaf(kind="str", default="auto"),
            "head": Choice({"linear": Group({}), "mlp": Group({"size": number(256, 1)})}, default="linear"),
            "method": Choice(
                {
                    "full": Group({"learning_rate": learning_rate(3e-4), "layer_decay": number(1.0, 0.0, 1.0)}),
                    "head": Group({"learning_rate": learning_rate(1e-2)}),
                    "lora": Group(
                        {
                            "learning_rate": learning_rate(1e-3),
                            "rank": number(8, 1),
                            "targets": text("attention", "all"),
                            "rslora": switch(),
                        }
                    ),
                    "adapter": Group({"learning_rate": learning_rate(1e-3), "size": number(32, 1)}),
                    "ia3": Group({"learning_rate": learning_rate(3e-3)}),
                    "bitfit": Group({"learning_rate": learning_rate(1e-3)}),
                },
                default="full",
            ),
            "optimizer": Choice(
                {
                    "adamw": Group({}),
                    "sgd": Group(
                        {
                            "learning_rate_ratio": number(300.0, 0.0),
                            "momentum": number(0.9, 0.0, 1.0),
                        }
                    ),
                },
                default="adamw",
            ),
            "freeze": number(0.0, 0.0, 1.0),
            "train": Group(
                {
                    "epochs": number(9, 1),
                    "batch_size": number(16, 1),
                    "dropout": number(0.1, 0.0, 1.0),
                    "weight_decay": number(0.01, 0.0),
                    "patience": number(9, 1, 9),
                    "schedule": text("linear", "cosine", "constant"),
                }
            ),
        }
    )
