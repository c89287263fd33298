"""Every registered method keeps the contract on every family of models that it does not refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from autoft.models.assembly import compatible
from autoft.models.base import Pristine
from autoft.models.heads import KINDS, Linear
from autoft.models.methods import METHODS, Method
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.lora import Lora
from autoft.testing.methods import MethodContract
from autoft.testing.tiny import FAMILIES, LABELS, tiny_pristine

Load = Callable[[str, str], Pristine]

VARIANTS = {
    "adapter-scaled": Adapter(size=5, scale=0.5),
    "lora-all": Lora(targets="all", rank=3),
    "lora-rslora": Lora(rslora=True),
    "lora-dora": Lora(dora=True, targets="all"),
    "lora-dropout": Lora(dropout=0.2),
}
CONFIGURED = {**{name: METHODS.get(name)() for name in METHODS.names()}, **VARIANTS}
REFUSED = {
    (
        "modernbert",
        "bitfit",
    ): "ModernBertForTokenClassification: bitfit needs biases in each layer, found none"
}
FAST = (
    {("bert", name, "token-classification") for name in CONFIGURED}
    | {("bert", name, kind) for name in METHODS.names() for kind in ("sequence-classification", "question-answering")}
    | {(family, name, "token-classification") for family in ("modernbert", "deberta-v2") for name in METHODS.names()}
)
TRIPLES = [
    pytest.param(
        (family, name, kind),
        id=f"{family}-{name}-{kind}",
        marks=() if (family, name, kind) in FAST else pytest.mark.slow,
    )
    for family in FAMILIES
    for name in CONFIGURED
    if (family, name) not in REFUSED
    for kind in KINDS
]
LABELS_OF = {"question-answering": ("start", "end"), "regression": ("score",)}


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    @cache
    def loaded(family: str, kind: str) -> Pristine:
        folder = tmp_path_factory.mktemp(family)
        return tiny_pristine(folder, family, head=Linear(kind=kind), labels=LABELS_OF.get(kind, LABELS))

    return loaded


@pytest.mark.parametrize("triple", TRIPLES)
class TestMethods(MethodContract):
    @pytest.fixture
    def method(self, triple: tuple[str, str, str]) -> Method:
        return CONFIGURED[triple[1]]

    @pytest.fixture
    def pristine(self, triple: tuple[str, str, str], load: Load) -> Pristine:
        return load(triple[0], triple[2])


def test_refused_pairs_are_exactly_the_table(load: Load) -> None:
    refused = {
        (family, name): reason
        for family in FAMILIES
        for name, method in CONFIGURED.items()
        if (reason := compatible(load(family, "token-classification").anatomy, Linear(), method))
    }
    assert refused == REFUSED
