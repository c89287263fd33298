from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from autoft.errors import ConfigError, SpaceError
from autoft.models.heads import HEADS, Linear, Mlp


def logits_and_labels() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, 3, generator=random)
    labels = torch.randint(0, 3, (6, 4), generator=random)
    labels[:, 0] = -100
    labels[2] = -100
    return logits, labels


def test_loss_over_count_is_the_mean_over_labelled_tokens() -> None:
    logits, labels = logits_and_labels()
    summed, count = Linear().loss(logits, labels, 0.0)
    assert count.item() == 15
    torch.testing.assert_close(summed / count, functional.cross_entropy(logits.mT, labels))


@pytest.mark.parametrize("size", [1, 2, 4, 6])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_micro_batches_add_up_to_the_batch(size: int, smoothing: float) -> None:
    logits, labels = logits_and_labels()
    parts = [Linear().loss(logits[at : at + size], labels[at : at + size], smoothing) for at in range(0, 6, size)]
    summed, count = Linear().loss(logits, labels, smoothing)
    torch.testing.assert_close(torch.stack([part for part, _ in parts]).sum(), summed)
    assert sum(int(part) for _, part in parts) == int(count)


def test_batch_without_labels_costs_nothing() -> None:
    logits, labels = logits_and_labels()
    summed, count = Linear().loss(logits, torch.full_like(labels, -100), 0.1)
    assert (summed.item(), count.item()) == (0.0, 0)


@given(smoothing=st.floats(0.0, 1.0))
def test_even_scores_cost_the_logarithm_of_the_classes(smoothing: float) -> None:
    summed, count = Linear().loss(torch.zeros(1, 1, 5), torch.zeros(1, 1, dtype=torch.long), smoothing)
    assert summed.item() / count.item() == pytest.approx(math.log(5), rel=1e-5)


def test_smoothing_spreads_its_share_over_all_classes() -> None:
    logits = torch.tensor([[[2.0, 0.0, -1.0]]])
    chances = functional.log_softmax(logits[0, 0], dim=0)
    expected = -(0.7 * chances[0] + 0.3 * chances.mean())
    summed, _ = Linear().loss(logits, torch.zeros(1, 1, dtype=torch.long), 0.3)
    torch.testing.assert_close(summed, expected)


def test_only_the_linear_head_is_plain() -> None:
    assert [name for name in HEADS.names() if HEADS.get(name).plain] == ["linear"]


def test_unknown_kind_gives_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'token-classification'"):
        Linear(kind="token-clasification")


def test_size_below_one_is_refused() -> None:
    with pytest.raises(SpaceError, match=r"Mlp\.size"):
        Mlp(size=0)
