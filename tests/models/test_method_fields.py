from __future__ import annotations

import subprocess
import sys

import pytest

from autoft.errors import SpaceError, UnknownNameError
from autoft.models.methods import METHODS
from autoft.models.methods.lora import Lora
from autoft.space.fields import leaves_of

FIELDS = {
    "adapter": {"learning_rate", "size", "scale"},
    "bitfit": {"learning_rate"},
    "full": {"learning_rate", "layer_decay"},
    "head": {"learning_rate"},
    "ia3": {"learning_rate"},
    "lora": {"learning_rate", "rank", "alpha_ratio", "targets", "dropout", "rslora", "dora"},
}


def test_every_field_is_a_hyperparameter_of_the_schema() -> None:
    assert {name: set(leaves_of(METHODS.get(name))) for name in METHODS.names()} == FIELDS


@pytest.mark.parametrize("name", METHODS.names())
def test_registered_name_is_the_methods_own(name: str) -> None:
    assert METHODS.get(name).name == name


@pytest.mark.parametrize("name", METHODS.names())
def test_learning_rate_must_be_above_zero(name: str) -> None:
    with pytest.raises(SpaceError, match="learning_rate"):
        METHODS.get(name)(learning_rate=0.0)


def test_all_broken_laws_are_named_at_once() -> None:
    with pytest.raises(SpaceError) as caught:
        Lora(rank=0, targets="everything", dropout=2.0)
    assert len(caught.value.problems) == 3


def test_unknown_method_gives_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lora'"):
        METHODS.get("lorra")


def test_listing_methods_resolving_models_and_tokenizing_load_no_torch() -> None:
    code = (
        "import sys\n"
        "from autoft.models import base, heads, methods\n"
        "from autoft.space.fields import leaves_of\n"
        "[leaves_of(methods.METHODS.get(name)) for name in methods.METHODS.names()]\n"
        "[leaves_of(heads.HEADS.get(name)) for name in heads.HEADS.names()]\n"
        "base.resolve_model('auto')\n"
        "import transformers; transformers.PreTrainedTokenizerFast\n"
        "print(sorted({'torch', 'peft', 'transformers.modeling_utils'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
