"""The contract of a tuning method: laws that every `autoft.models.methods.Method` keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from torch import Tensor

from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, TrialModel, assemble
from autoft.models.base import Pristine
from autoft.models.freezing import trained_layers
from autoft.models.headed import scores_of
from autoft.models.heads import KINDS
from autoft.models.methods.base import Method
from autoft.models.methods.head import HeadOnly
from autoft.models.quiet import quiet
from autoft.testing.tiny import VOCABULARY

# float32 keeps seven digits; merging multiplies matrices in another order.
CLOSE = 1e-5
FREEZE = 0.4


def tiny_batch(classes: int, kind: str = "token-classification") -> dict[str, Tensor]:
    """Return one batch with padding and labels of a kind, always the same; columns of tokens are [2, 9]."""
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(5, len(VOCABULARY), (2, 9), generator=random)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": torch.zeros_like(ids),
        # Every token but the first is marked, each otherwise: it decides a word, or opens an entity.
        "markers": torch.arange(ids.shape[1]) * mask,
        "labels": _tiny_labels(classes, kind, mask, random),
    }


def _tiny_labels(classes: int, kind: str, mask: Tensor, random: torch.Generator) -> Tensor:
    match kind:
        case "sequence-classification":
            return torch.randint(0, classes, (2,), generator=random)
        case "multi-label-classification":
            return torch.randint(0, 2, (2, classes), generator=random).float()
        case "regression":
            return torch.randn(2, classes, generator=random)
    # O and B- alone, in the order of NER's classes: valid in IOB2 however they follow each other.
    firsts = torch.tensor([0, *range(1, classes, 2)])
    labels = firsts[torch.randint(0, len(firsts), mask.shape, generator=random)]
    if kind == "question-answering":
        labels = torch.zeros_like(mask)
        labels[0, 2], labels[0, 4], labels[1, 3] = 1, 2, 3
    labels[mask == 0] = -100
    if kind == "token-classification":
        labels[:, 0] = -100
    return labels


def batch_of(trial: TrialModel) -> dict[str, Tensor]:
    """Return the tiny batch that fits a trial's head."""
    return tiny_batch(trial.classes, trial.head.kind)


def mean_loss(trial: TrialModel) -> Tensor:
    """Return the mean loss of the tiny batch."""
    summed, count = trial.loss(batch_of(trial), 0.0)
    return summed / count


def scores(trial: TrialModel) -> Tensor:
    """Return the scores of the tiny batch without dropout, [B, T, C] or [B, C]."""
    trial.module.eval()
    with torch.no_grad():
        return trial.logits(batch_of(trial))


def train(trial: TrialModel, steps: int = 3) -> TrialModel:
    """Take some steps of AdamW and return the trial."""
    optimizer = torch.optim.AdamW([value for _, value, _ in trial.named_trainable()], lr=1e-2)
    trial.module.train()
    for _ in range(steps):
        mean_loss(trial).backward()
        optimizer.step()
        optimizer.zero_grad()
    trial.module.eval()
    return trial


class MethodContract:
    """Laws of a method on one base model; a subclass gives the fixtures `method` and `pristine`."""

    @pytest.fixture
    def method(self) -> Method:
        """Return the method under test."""
        raise NotImplementedError

    @pytest.fixture
    def pristine(self) -> Pristine:
        """Return a base model that the method does not refuse."""
        raise NotImplementedError

    @pytest.fixture
    def trial(self, method: Method, pristine: Pristine) -> TrialModel:
        """Return a trial's module with some layers frozen."""
        return assemble(pristine, Recipe(pristine.head, method, FREEZE), 1)

    def test_only_layers_that_are_not_frozen_train(self, trial: TrialModel, pristine: Pristine) -> None:
        """Nothing trains below the frozen layers' boundary."""
        layers = trained_layers(FREEZE, pristine.anatomy)
        allowed = {layer + 1 for layer in layers} | {pristine.anatomy.top}
        if len(layers) == len(pristine.anatomy.layers):
            allowed |= {0}
        assert {depth for _, _, depth in trial.named_trainable()} <= allowed

    @pytest.mark.parametrize("freeze", [0.0, FREEZE, 1.0])
    def test_number_of_parameters_equals_the_formula(self, method: Method, pristine: Pristine, freeze: float) -> None:
        """`count` says how many parameters train besides the head's."""
        trial = assemble(pristine, Recipe(pristine.head, method, freeze), 1)
        body = sum(value.numel() for _, value, depth in trial.named_trainable() if depth < trial.anatomy.top)
        assert body == method.count(pristine.anatomy, trained_layers(freeze, pristine.anatomy))

    def test_starts_at_the_base_models_outputs(self, trial: TrialModel, method: Method, pristine: Pristine) -> None:
        """Before the first step the outputs are those of the base model with the same head."""
        if not method.starts_at_base:
            pytest.skip("the method does not claim it")
        plain = assemble(pristine, Recipe(pristine.head, HeadOnly(), FREEZE), 1)
        torch.testing.assert_close(scores(trial), scores(plain), atol=CLOSE, rtol=0)

    def test_every_parameter_that_trains_gets_a_gradient(self, trial: TrialModel) -> None:
        """Nothing is marked as training that the outputs do not depend on."""
        mean_loss(trial).backward()
        assert [name for name, value, _ in trial.named_trainable() if value.grad is None] == []

    def test_one_step_changes_the_loss(self, trial: TrialModel) -> None:
        """One step of the optimizer reaches the outputs."""
        trial.module.eval()
        before = mean_loss(trial).item()
        train(trial, steps=1)
        assert mean_loss(trial).item() != before

    def test_weights_saved_and_loaded_give_equal_outputs(
        self, trial: TrialModel, method: Method, pristine: Pristine
    ) -> None:
        """`weights` holds all that training changed."""
        train(trial)
        other = assemble(pristine, Recipe(pristine.head, method, FREEZE), 2)
        other.load_weights(trial.weights())
        assert torch.equal(scores(other), scores(trial))
        assert other.sha256() == trial.sha256()

    def test_merged_model_is_plain_and_gives_equal_outputs(self, trial: TrialModel, pristine: Pristine) -> None:
        """Merging leaves the architecture's own modules only, and the same scores."""
        train(trial)
        merged = trial.merged()
        batch = {word: batch_of(trial)[word] for word in trial.anatomy.inputs}
        torch.testing.assert_close(scores_of(merged(**batch)), scores(trial), atol=CLOSE, rtol=0)
        assert type(merged) is type(pristine.model)
        assert merged.state_dict().keys() == pristine.model.state_dict().keys()
        own = {type(module) for module in pristine.model.modules()}
        assert {type(module) for module in merged.modules()} == own

    def test_merged_model_has_as_many_parameters_as_was_said(self, trial: TrialModel) -> None:
        """`growth` says how many more the merged model has, before anything is merged."""
        assert trial.parameters_delivered == sum(value.numel() for value in trial.merged().parameters())

    def test_merged_model_loads_with_the_plain_class(self, trial: TrialModel, tmp_path: Path) -> None:
        """Saved and loaded by transformers alone, the scores and labels are the same."""
        train(trial)
        merged = trial.merged()
        with quiet():
            merged.save_pretrained(tmp_path)
            auto = getattr(transformers, KINDS[trial.head.kind].auto)
            loaded, report = auto.from_pretrained(tmp_path, output_loading_info=True)
        batch = {word: batch_of(trial)[word] for word in trial.anatomy.inputs}
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        assert loaded.config.id2label == merged.config.id2label
        # With a single class the last bits follow the address of the weights: a matrix-vector product.
        torch.testing.assert_close(scores_of(loaded.eval()(**batch)), scores_of(merged(**batch)), atol=1e-6, rtol=0)

    def test_base_model_is_untouched(self, method: Method, pristine: Pristine) -> None:
        """Neither training nor merging changes a number or a flag of the base model."""
        before = {name: value.clone() for name, value in pristine.model.state_dict().items()}
        config = pristine.model.config.to_dict()
        train(assemble(pristine, Recipe(pristine.head, method, FREEZE, dropout=0.3), 1)).merged()
        after = pristine.model.state_dict()
        assert [name for name, value in before.items() if not torch.equal(after[name], value)] == []
        assert not any(value.requires_grad for value in pristine.model.parameters())
        assert pristine.model.config.to_dict() == config

    def test_initial_weights_depend_on_the_seed_alone(self, method: Method, pristine: Pristine) -> None:
        """The global random state neither matters nor moves."""
        recipe = Recipe(pristine.head, method, FREEZE)
        torch.manual_seed(1)
        first = assemble(pristine, recipe, 7).sha256()
        torch.manual_seed(2)
        state = torch.get_rng_state()
        second = assemble(pristine, recipe, 7).sha256()
        assert second == first
        assert torch.equal(torch.get_rng_state(), state)
        assert assemble(pristine, recipe, 8).sha256() != first

    def test_adapter_is_saved_or_refused(self, trial: TrialModel, tmp_path: Path) -> None:
        """`save_adapter` writes safetensors alone, or says that there is no adapter."""
        try:
            trial.save_adapter(tmp_path)
        except ConfigError as error:
            assert "has no adapter" in str(error)  # noqa: PT017 - both endings are legal
        else:
            assert list(tmp_path.glob("*.safetensors"))
            assert not list(tmp_path.glob("*.bin"))
