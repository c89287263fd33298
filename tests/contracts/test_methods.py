"""Every registered method keeps the contract on every family of models that it does not refuse."""

from __future__ import annotations

import pytest

from autoft.models.assembly import compatible
from autoft.models.base import Pristine
from autoft.models.heads import Linear
from autoft.models.methods import METHODS, Method
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.lora import Lora
from autoft.testing.methods import MethodContract
from autoft.testing.tiny import FAMILIES, tiny_pristine

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
FAST = {("bert", name) for name in CONFIGURED} | {
    (family, name) for family in ("modernbert", "deberta-v2") for name in METHODS.names()
}
PAIRS = [
    pytest.param(
        (family, name),
        id=f"{family}-{name}",
        marks=() if (family, name) in FAST else pytest.mark.slow,
    )
    for family in FAMILIES
    for name in CONFIGURED
    if (family, name) not in REFUSED
]


@pytest.fixture(scope="module")
def pristines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pristine]:
    return {family: tiny_pristine(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.mark.parametrize("pair", PAIRS)
class TestMethods(MethodContract):
    @pytest.fixture
    def method(self, pair: tuple[str, str]) -> Method:
        return CONFIGURED[pair[1]]

    @pytest.fixture
    def pristine(self, pair: tuple[str, str], pristines: dict[str, Pristine]) -> Pristine:
        return pristines[pair[0]]


def test_refused_pairs_are_exactly_the_table(pristines: dict[str, Pristine]) -> None:
    refused = {
        (family, name): reason
        for family, pristine in pristines.items()
        for name, method in CONFIGURED.items()
        if (reason := compatible(pristine.anatomy, Linear(), method))
    }
    assert refused == REFUSED
