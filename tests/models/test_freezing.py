from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoft.models.assembly import Recipe, assemble
from autoft.models.base import Pristine
from autoft.models.freezing import frozen_layers, trained_layers
from autoft.models.heads import Linear
from autoft.models.methods.full import Full
from autoft.testing.tiny import FAMILIES

LoadTiny = Callable[[str], Pristine]

# Counted from the shapes: a layer of width 16 and 24 intermediate units holds
# 4 * (16 * 16 + 16) + (16 * 24 + 24) + (24 * 16 + 16) + 2 * 2 * 16 = 1960 numbers,
# and the head of five classes 85.
LAYER, HEAD = 1960, 85
TRAINED_WITH_TWO_FROZEN = dict.fromkeys(FAMILIES, LAYER + HEAD) | {
    # No biases, a gate: 4 * 256 + 2 * 384 + 384 + 2 * 16; the final norm; a layer and a norm in the
    # head.
    "modernbert": 2208 + 16 + 256 + 16 + HEAD,
    # One layer, shared, and all below it: words, positions, types of width 8, a norm, the mapping
    # to width 16.
    "albert": (119 + 66 + 2) * 8 + 16 + 8 * 16 + 16 + LAYER + HEAD,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_number_of_parameters_above_two_frozen_layers(load_tiny: LoadTiny, family: str) -> None:
    trial = assemble(load_tiny(family), Recipe(Linear(), Full(), freeze=1.0), 1)
    assert trial.parameters_trainable == TRAINED_WITH_TWO_FROZEN[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_trains_where_nothing_is_frozen(load_tiny: LoadTiny, family: str) -> None:
    pristine = load_tiny(family)
    trial = assemble(pristine, Recipe(Linear(), Full()), 1)
    assert trial.parameters_trainable == pristine.model.num_parameters() == trial.parameters_total


@pytest.mark.parametrize(("freeze", "frozen"), [(0.0, 0), (0.16, 0), (0.17, 1), (0.5, 2), (0.7, 2), (1.0, 2)])
def test_share_is_rounded_and_one_layer_always_trains(pristine: Pristine, freeze: float, frozen: int) -> None:
    assert frozen_layers(freeze, pristine.anatomy) == frozen
    assert trained_layers(freeze, pristine.anatomy) == tuple(range(frozen, 3))


@given(freeze=st.floats(0.0, 1.0))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shared_layers_are_never_frozen(load_tiny: LoadTiny, freeze: float) -> None:
    assert frozen_layers(freeze, load_tiny("albert").anatomy) == 0


@pytest.mark.parametrize("family", ["deberta-v2", "electra"])
def test_what_a_frozen_layer_uses_is_frozen_too(load_tiny: LoadTiny, family: str) -> None:
    trial = assemble(load_tiny(family), Recipe(Linear(), Full(), freeze=0.34), 1)
    names = {name for name, _, _ in trial.named_trainable()}
    assert not [
        name
        for name in names
        if "rel_embeddings" in name or "encoder.LayerNorm" in name or ".conv." in name or "project" in name
    ]
