"""The trainer: it learns, does what the configuration says, and does it again."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch

from autoft.models.base import Pristine
from autoft.models.methods import METHODS
from autoft.models.methods.adapter import Adapter
from autoft.models.methods.base import Method
from autoft.models.methods.full import Full
from autoft.models.methods.head import HeadOnly
from autoft.models.methods.lora import Lora
from autoft.tasks.ner import Ner, NerExample
from autoft.testing.fits import CPU, thirds, tiny_data, tiny_features, tiny_fit, tiny_runtime, tiny_trial
from autoft.testing.tiny import FAMILIES, LABELS, tiny_tokenizer
from autoft.training.batches import make_resident
from autoft.training.config import FitConfig, Sgd
from autoft.training.inference import run_model
from autoft.training.trainer import Scores, fit

SENTENCES = (
    "anna/B-PER smith/I-PER visited/O paris/B-LOC",
    "john/B-PER lives/O in/O berlin/B-LOC",
    "new/B-LOC york/I-LOC and/O paris/B-LOC",
    "anna/B-PER works/O in/O new/B-LOC york/I-LOC",
    "yesterday/O john/B-PER smith/I-PER visited/O the/O acme/O",
    "the/O smith/O lives/O in/O google/O",
    "paris/B-PER smith/I-PER visited/O john/B-PER",
    "berlin/B-LOC",
)
CONFIG = FitConfig(learning_rate=3e-3, epochs=4, batch_size=4, seed=3)


def example(sentence: str) -> NerExample:
    pairs = [word.split("/") for word in sentence.split()]
    return NerExample(tuple(word for word, _ in pairs), tuple(tag for _, tag in pairs))


def test_eight_examples_are_learned_by_heart(pristine: Pristine) -> None:
    task, examples = Ner(), [example(sentence) for sentence in SENTENCES]
    features = task.encode(examples, tiny_tokenizer(), LABELS, 32)
    data = make_resident(features, CPU)

    def evaluate(model: object) -> Scores:
        outputs = run_model(model, data, tiny_runtime())  # type: ignore[arg-type]
        metrics = task.score(examples, task.decode(outputs.scores, features, LABELS, {}))
        return Scores(metrics["f1"], outputs.loss, metrics)

    model = tiny_trial(pristine, Full())
    config = FitConfig(learning_rate=1e-2, epochs=40, batch_size=4, schedule="constant")
    evaluations = list(fit(model, data, evaluate, config, points=thirds(data, config), runtime=tiny_runtime()))
    assert evaluations[-1].scores.value == 1.0
    assert evaluations[-1].scores.loss < 0.05


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_lowers_the_loss(pristine: Pristine, name: str) -> None:
    data = tiny_data(16)
    model = tiny_trial(pristine, METHODS.get(name)())
    before = run_model(model, data, tiny_runtime()).loss
    *_, last = tiny_fit(model, data, FitConfig(learning_rate=1e-2, epochs=5, batch_size=4))
    assert last.scores.loss < before


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_goes_on_after_an_evaluation(load_tiny: Callable[[str], Pristine], family: str) -> None:
    # What a model caches in inference mode (position tables, masks) must not stop the next backward pass.
    evaluations = list(tiny_fit(tiny_trial(load_tiny(family), Full()), tiny_data(8), CONFIG))
    assert [evaluation.step for evaluation in evaluations] == [3, 6, 9]
    assert all(math.isfinite(evaluation.train_loss) for evaluation in evaluations)


@pytest.mark.parametrize("method", [Full(), Lora(dropout=0.1), Adapter()], ids=lambda method: method.name)
def test_the_same_seed_gives_the_same_bits(pristine: Pristine, method: Method) -> None:
    runs = []
    for noise in range(2):
        model = tiny_trial(pristine, method, dropout=0.2, seed=5)
        torch.manual_seed(noise)
        runs.append((list(tiny_fit(model, tiny_data(10), CONFIG)), model.sha256()))
    assert runs[0] == runs[1]


def test_another_seed_gives_other_bits(pristine: Pristine) -> None:
    digests = set()
    for seed in range(3):
        model = tiny_trial(pristine, Full(), seed=5)
        list(tiny_fit(model, tiny_data(10), FitConfig(epochs=1, batch_size=4, seed=seed)))
        digests.add(model.sha256())
    assert len(digests) == 3


def test_dropout_follows_the_seed(pristine: Pristine) -> None:
    # One batch an epoch of sequences of one length: the seed moves nothing but dropout.
    features = tiny_features(4, shortest=6, longest=6)
    data = make_resident(features, CPU)
    losses = set()
    for seed in range(3):
        model = tiny_trial(pristine, Full(), dropout=0.5, seed=5)
        config = FitConfig(epochs=1, batch_size=4, seed=seed)
        [only] = tiny_fit(model, data, config, points={9: 1})
        losses.add(round(only.train_loss, 4))
    assert len(losses) == 3


def weights_after(pristine: Pristine, micro_batch: int) -> tuple[list[float], dict[str, torch.Tensor]]:
    # Plain gradient descent: AdamW would turn rounding in gradients of zero (the keys' biases) into whole steps.
    config = FitConfig(learning_rate=1e-3, optimizer=Sgd(learning_rate_ratio=100.0), epochs=3, batch_size=8)
    model = tiny_trial(pristine, Full())
    evaluations = list(tiny_fit(model, tiny_data(20), config, runtime=tiny_runtime(micro_batch=micro_batch)))
    return [evaluation.train_loss for evaluation in evaluations], model.weights()


@pytest.mark.parametrize("micro_batch", [1, 3, 4])
def test_accumulated_micro_batches_equal_the_whole_batch(pristine: Pristine, micro_batch: int) -> None:
    losses, weights = weights_after(pristine, 8)
    accumulated, others = weights_after(pristine, micro_batch)
    # float32 keeps seven digits; the same sums are taken in another order in each of nine steps.
    assert accumulated == pytest.approx(losses, rel=1e-5)
    for name, value in weights.items():
        torch.testing.assert_close(others[name], value, atol=1e-5, rtol=1e-5)


def test_batches_that_fit_are_not_cut(pristine: Pristine) -> None:
    runs = []
    for micro_batch in (4, 64):
        model = tiny_trial(pristine, Full(), dropout=0.2)
        list(tiny_fit(model, tiny_data(10), CONFIG, runtime=tiny_runtime(micro_batch=micro_batch)))
        runs.append(model.sha256())
    assert runs[0] == runs[1]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_train_loss_is_the_mean_over_labelled_tokens(pristine: Pristine, smoothing: float) -> None:
    data = tiny_data(6)
    model = tiny_trial(pristine, Full())
    config = FitConfig(epochs=1, batch_size=6, label_smoothing=smoothing)
    batch = data.batch(np.arange(6))
    summed, count = model.loss(batch, smoothing)
    wanted = float(summed.detach() / count)
    [only] = tiny_fit(model, data, config, points={9: 1}, runtime=tiny_runtime(micro_batch=2))
    # The order of the batch is another one.
    assert only.train_loss == pytest.approx(wanted, rel=1e-5)


def test_clipping_bounds_the_step(pristine: Pristine) -> None:
    moved = {}
    for clip in (0.0, 1e-3):
        model = tiny_trial(pristine, HeadOnly())
        before = model.weights()
        config = FitConfig(
            learning_rate=1.0, optimizer=Sgd(learning_rate_ratio=1.0, momentum=0.0), weight_decay=0.0,
            warmup=0.0, epochs=1, batch_size=8, clip=clip,
        )  # fmt: skip
        list(tiny_fit(model, tiny_data(8), config, points={9: 1}))
        after = model.weights()
        moved[clip] = math.sqrt(sum(float(((after[name] - before[name]) ** 2).sum()) for name in before))
    # A norm of float32 squares.
    assert moved[1e-3] == pytest.approx(1e-3, rel=1e-3)
    assert moved[0.0] > 1e-2


def test_a_batch_without_targets_has_a_loss_of_zero(pristine: Pristine) -> None:
    features = tiny_features(4)
    features.columns["labels"][0][:] = -100
    data = make_resident(features, CPU)
    points = dict(enumerate(range(1, 5)))
    losses = [
        e.train_loss for e in tiny_fit(tiny_trial(pristine, Full()), data, FitConfig(batch_size=1), points=points)
    ]
    assert sorted(losses)[0] == 0.0
    assert sorted(losses)[1] > 0.5


def test_what_does_not_train_stays(pristine: Pristine) -> None:
    before = {name: value.clone() for name, value in pristine.model.state_dict().items()}
    for method in (Full(), Lora(), Adapter(), HeadOnly()):
        list(tiny_fit(tiny_trial(pristine, method), tiny_data(8), CONFIG))
    assert all(torch.equal(value, before[name]) for name, value in pristine.model.state_dict().items())


def test_evaluations_say_where_they_lie(pristine: Pristine) -> None:
    evaluations = list(tiny_fit(tiny_trial(pristine, HeadOnly()), tiny_data(10), CONFIG))
    assert [(e.step, e.counts["steps"], e.epoch) for e in evaluations] == [
        (3, 4, pytest.approx(4 / 3)),
        (6, 8, pytest.approx(8 / 3)),
        (9, 12, 4.0),
    ]


def test_tokens_are_counted_with_and_without_padding(pristine: Pristine) -> None:
    data = tiny_data(10)
    *_, last = tiny_fit(tiny_trial(pristine, HeadOnly()), data, CONFIG)
    assert last.counts["tokens"] == 4 * data.lengths.sum()
    assert last.counts["tokens"] < last.counts["padded_tokens"] <= 4 * 10 * data.lengths.max()


def test_only_the_points_asked_for_are_evaluated(pristine: Pristine) -> None:
    asked = {1: 2, 9: 5}
    evaluations = list(tiny_fit(tiny_trial(pristine, HeadOnly()), tiny_data(10), CONFIG, points=asked))
    assert {e.step: e.counts["steps"] for e in evaluations} == asked


def test_a_point_that_lies_where_another_did_is_skipped(pristine: Pristine) -> None:
    # A schedule of few steps has several ninths at one step.
    evaluations = list(tiny_fit(tiny_trial(pristine, HeadOnly()), tiny_data(10), CONFIG, points={1: 1, 2: 1, 3: 2}))
    assert [e.step for e in evaluations] == [1, 3]


def test_where_points_lie_does_not_change_training(pristine: Pristine) -> None:
    digests = set()
    for points in ({9: 12}, {1: 1, 2: 5, 9: 12}, dict(enumerate(range(1, 13)))):
        model = tiny_trial(pristine, Full(), dropout=0.2)
        list(tiny_fit(model, tiny_data(10), CONFIG, points=points))
        digests.add(model.sha256())
    assert len(digests) == 1


def test_random_draws_of_the_evaluation_do_not_change_training(pristine: Pristine) -> None:
    digests = []
    for draws in (0, 7):
        data, model = tiny_data(10), tiny_trial(pristine, Full(), dropout=0.2)

        def evaluate(_: object, draws: int = draws) -> Scores:
            torch.rand(draws)
            return Scores(0.0, 0.0, {})

        list(fit(model, data, evaluate, CONFIG, points=thirds(data, CONFIG), runtime=tiny_runtime()))
        digests.append(model.sha256())
    assert digests[0] == digests[1]


def test_random_draws_of_the_caller_do_not_change_training(pristine: Pristine) -> None:
    digests = []
    for draws in (0, 7):
        model = tiny_trial(pristine, Full(), dropout=0.2)
        for _ in tiny_fit(model, tiny_data(10), CONFIG):
            torch.rand(draws)
        digests.append(model.sha256())
    assert digests[0] == digests[1]


@pytest.mark.parametrize("method", [Full(), Lora(), Adapter()], ids=lambda method: method.name)
def test_leaving_the_loop_frees_the_model(pristine: Pristine, method: Method) -> None:
    model = tiny_trial(pristine, method)
    watched = weakref.ref(model), weakref.ref(model.module)
    for evaluation in tiny_fit(model, tiny_data(8), CONFIG):
        assert evaluation.step == 3
        break
    del model, evaluation
    gc.collect()
    assert [found() for found in watched] == [None, None]
