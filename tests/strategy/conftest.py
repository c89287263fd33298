from __future__ import annotations

import pytest

from autoft.space.domains import Categorical, Domain, Float, Integer
from autoft.space.schema import Choice, Group, Leaf
from autoft.space.search_space import SearchSpace

SCHEMA = Group(
    {
        "train": Group({"dropout": Leaf(kind="float", default=0.1), "epochs": Leaf(kind="int", default=3)}),
        "method": Choice(
            {
                "full": Group({"learning_rate": Leaf(kind="float", default=1e-4)}),
                "lora": Group(
                    {
                        "learning_rate": Leaf(kind="float", default=1e-3),
                        "rank": Leaf(kind="int", default=8),
                    }
                ),
            },
            "full",
        ),
    }
)
DOMAINS: dict[str, Domain] = {
    "train.dropout": Float(0.0, 0.3),
    "method": Categorical(("full", "lora")),
    "method.full.learning_rate": Float(1e-5, 1e-3, log=True),
    "method.lora.learning_rate": Float(1e-4, 1e-2, log=True),
    "method.lora.rank": Integer(2, 32, log=True),
}


@pytest.fixture(scope="session")
def space() -> SearchSpace:
    """Five parameters, of which three or four count at once; `train.epochs` is constant."""
    return SearchSpace("ner", SCHEMA, DOMAINS)
