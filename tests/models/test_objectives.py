from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autoft.models.heads import KINDS, Head, Linear
from autoft.models.objectives import OBJECTIVES, ClassWeighted, Focal, Objective, Standard

CLASSES = ("token-classification", "sequence-classification", "multi-label-classification")
SHARES = (0.5, 0.375, 0.125)


def batch(kind: str) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    if kind == "token-classification":
        labels = torch.randint(0, 3, (6, 4), generator=random)
        labels[:, 0] = -100
        return torch.randn(6, 4, 3, generator=random), labels
    logits = torch.randn(6, 3, generator=random)
    if kind == "sequence-classification":
        return logits, torch.tensor([0, 1, 2, 2, -100, 0])
    return logits, torch.randint(0, 2, (6, 3), generator=random).float()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("objective", [Focal(gamma=0.0), ClassWeighted(power=0.0)], ids=lambda one: one.name)
def test_without_their_effect_they_are_cross_entropy(objective: Objective, kind: str, smoothing: float) -> None:
    logits, labels = batch(kind)
    expected = Standard().loss(Linear(kind=kind), logits, labels, smoothing, SHARES)
    found = objective.loss(Linear(kind=kind), logits, labels, smoothing, SHARES)
    torch.testing.assert_close(found[0], expected[0])
    assert found[1] == expected[1]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_micro_batches_add_up_to_the_batch(name: str, kind: str) -> None:
    objective, head = OBJECTIVES.get(name)(), Linear(kind=kind)
    logits, labels = batch(kind)
    parts = [objective.loss(head, logits[at : at + 2], labels[at : at + 2], 0.1, SHARES) for at in (0, 2, 4)]
    summed, count = objective.loss(head, logits, labels, 0.1, SHARES)
    torch.testing.assert_close(torch.stack([part for part, _ in parts]).sum(), summed)
    assert sum(int(part) for _, part in parts) == int(count)


def test_focal_loss_is_that_of_its_paper() -> None:
    logits, labels = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0])
    chance = logits.softmax(-1)[0, 0]
    found, _ = Focal(gamma=2.0).loss(Linear(kind="sequence-classification"), logits, labels, 0.0, SHARES)
    torch.testing.assert_close(found, -((1 - chance) ** 2) * chance.log())


def test_focal_loss_of_several_labels_is_that_of_its_paper() -> None:
    logits, labels = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    right = torch.stack([logits[0, 0].sigmoid(), 1 - logits[0, 1].sigmoid()])
    found, _ = Focal(gamma=1.5).loss(Linear(kind="multi-label-classification"), logits, labels, 0.0, SHARES)
    torch.testing.assert_close(found, (-((1 - right) ** 1.5) * right.log()).mean())


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_has_gradients_where_all_is_right(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    summed, _ = Focal(gamma=gamma).loss(
        Linear(kind="sequence-classification"), logits, torch.tensor([0]), 0.0, (0.5, 0.5)
    )
    (gradient,) = torch.autograd.grad(summed, logits)
    assert bool(gradient.isfinite().all())


def test_rare_classes_weigh_more_and_the_mean_over_train_is_one() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2])
    even = torch.zeros(8, 3)
    head = Linear(kind="sequence-classification")
    costs = [ClassWeighted().loss(head, even[:1], labels[at : at + 1], 0.0, SHARES)[0].item() for at in (0, 4, 7)]
    assert [cost / math.log(3) for cost in costs] == pytest.approx([2 / 3, 8 / 9, 8 / 3])
    summed, count = ClassWeighted().loss(head, even, labels, 0.0, SHARES)
    torch.testing.assert_close(summed / count, functional.cross_entropy(even, labels))


def test_having_a_rare_label_weighs_more() -> None:
    logits = torch.zeros(1, 2)
    head = Linear(kind="multi-label-classification")
    costs = [
        ClassWeighted().loss(head, logits, torch.tensor([wanted]), 0.0, (0.2, 0.5))[0].item()
        for wanted in ([0.0, 0.0], [1.0, 0.0], [0.0, 1.0])
    ]
    assert costs[1] - costs[0] == pytest.approx(1.5 * math.log(2))
    assert costs[2] == pytest.approx(costs[0])


@pytest.mark.parametrize("objective", [Focal(), ClassWeighted()], ids=lambda one: one.name)
def test_a_class_that_train_does_not_have_is_no_error(objective: Objective) -> None:
    logits, labels = batch("sequence-classification")
    summed, _ = objective.loss(Linear(kind="sequence-classification"), logits, labels, 0.0, (0.6, 0.4, 0.0))
    assert bool(summed.isfinite())


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_a_loss_is_refused_for_kinds_that_it_does_not_fit(name: str) -> None:
    objective = OBJECTIVES.get(name)()
    refused = [kind for kind in KINDS if objective.refuse(Linear(kind=kind))]
    assert refused == ([] if name == "standard" else ["regression", "question-answering"])


def test_a_loss_is_refused_where_the_head_has_its_own() -> None:
    class Own(Head):
        name = "own"

        def loss(self, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
            raise NotImplementedError

    assert Standard().refuse(Own()) is None
    assert Focal().refuse(Own()) == "loss 'focal' does not go with head 'own', which has a loss of its own"


def test_focal_loss_of_several_labels_has_gradients_where_all_is_right() -> None:
    logits = torch.tensor([[18.0, -200.0]], requires_grad=True)
    labels = torch.tensor([[1.0, 0.0]])
    summed, _ = Focal(gamma=0.5).loss(Linear(kind="multi-label-classification"), logits, labels, 0.0, (0.5, 0.5))
    (gradient,) = torch.autograd.grad(summed, logits)
    assert bool(gradient.isfinite().all())


def test_smoothing_of_what_a_text_is_not_is_not_weighed() -> None:
    """What one answer for all costs least: with the weights a rare label is as likely as not, smoothed or not."""
    shares, labels = (0.005,), torch.zeros(200, 1)
    labels[0] = 1.0
    grid = torch.linspace(-4, 4, 81)
    for smoothing in (0.0, 0.1):
        costs = [
            ClassWeighted()
            .loss(Linear(kind="multi-label-classification"), one.expand(200, 1), labels, smoothing, shares)[0]
            .item()
            for one in grid
        ]
        assert grid[costs.index(min(costs))].abs().item() < 0.2


def test_a_class_that_train_does_not_hold_weighs_nothing_out_of_proportion() -> None:
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    head = Linear(kind="multi-label-classification")
    summed, count = ClassWeighted().loss(head, torch.zeros(2, 2), labels, 0.1, (0.5, 0.0))
    assert (summed / count).item() < 2.0
    single = Linear(kind="sequence-classification")
    costs = [ClassWeighted().loss(single, torch.zeros(1, 3), torch.tensor([at]), 0.0, (0.5, 0.5, 0.0)) for at in (0, 1)]
    assert [cost.item() for cost, _ in costs] == pytest.approx([math.log(3)] * 2)
