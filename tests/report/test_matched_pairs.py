"""What a choice costs: a planted difference is found, and where there is none nothing is said."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import ttest_rel

from autoft.report.cost_parts import comparisons, firm_words
from autoft.report.facts import DataFacts, StudyFacts
from autoft.report.matched import PAIRS_NEEDED, Comparison, matched_info
from autoft.space.domains import Categorical, Float, Integer
from autoft.space.search_space import Parameter
from autoft.storage.records import Scalar, TrialRecord

METHODS = ("full", "lora", "adapter")
SPACE = (
    Parameter("train.epochs", Integer(6, 12), ()),
    Parameter("train.batch_size", Categorical((8, 16, 32)), ()),
    Parameter("train.dropout", Float(0.0, 0.3), ()),
    Parameter("freeze", Float(0.0, 1.0), ()),
    Parameter("method", Categorical(METHODS), ()),
    *(Parameter(f"method.{name}.learning_rate", Float(1e-4, 1e-2, log=True), (("method", name),)) for name in METHODS),
)
FACTS = StudyFacts(
    name="s", task="ner", metric="f1", model="m", data=DataFacts(origin="o", train=1, dev=1), space=SPACE
)


def planted(number: int, chance: random.Random, effects: Mapping[str, float], drift: float = 0.0) -> TrialRecord:
    """Make a trial whose score depends on what is shared, on its own learning rate, and on its method by `effects`."""
    method = "full" if number == 0 else chance.choice(METHODS)
    config: dict[str, Scalar] = {
        "method": method,
        "train.epochs": chance.randint(6, 12),
        "train.batch_size": chance.choice((8, 16, 32)),
        "train.dropout": chance.uniform(0.0, 0.3),
        "freeze": chance.uniform(0.0, 1.0 - drift) + (drift if method == "lora" else 0.0),
        f"method.{method}.learning_rate": math.exp(chance.uniform(math.log(1e-4), math.log(1e-2))),
    }
    value = 0.5 - 0.15 * float(config["freeze"]) + 0.003 * float(config["train.epochs"]) + effects.get(method, 0.0)
    value -= 0.01 * (math.log10(float(config[f"method.{method}.learning_rate"])) + 3) ** 2
    memory = {"full": 800, "lora": 400, "adapter": 500}[method] * (1 - 0.4 * float(config["freeze"]))
    return TrialRecord(
        number,
        "complete",
        value + chance.gauss(0.0, 0.01),
        config,
        seconds=10 * float(config["train.epochs"]) * chance.uniform(0.95, 1.05),
        facts={"memory": memory},
    )


def study(seed: int, trials: int = 40, drift: float = 0.0, **effects: float) -> tuple[TrialRecord, ...]:
    chance = random.Random(seed)
    return tuple(planted(number, chance, effects, drift) for number in range(trials))


def of(records: tuple[TrialRecord, ...], one: str, other: str) -> Comparison:
    return next(found for found in matched_info(FACTS, records) if (found.one, found.other) == (one, other))


def test_a_planted_difference_lies_in_its_interval() -> None:
    found = [of(study(seed, lora=-0.05), "lora", "full").score for seed in range(40)]
    covered = [one is not None and one.low <= -0.05 <= one.high for one in found]
    # At least 95 % are asked for: fewer than 34 of 40 have a chance of 1 in 300 then.
    assert sum(covered) >= 34
    assert sum(one is not None and one.firm for one in found) >= 30


def test_where_no_choice_matters_nothing_is_firm() -> None:
    said = 0
    for seed in range(100, 200):
        methods = [one for one in matched_info(FACTS, study(seed)) if one.choice == "method"]
        said += any(one.score is not None and one.score.firm for one in methods)
    # 5 of 100 are expected; more than 12 have a chance of 1 in 600.
    assert said <= 12


def test_a_sampler_that_tried_the_sides_elsewhere_does_not_mislead() -> None:
    """LoRA was tried with more layers frozen, which costs score: without pairs it would look 0.04 worse."""
    found = [of(study(seed, trials=60, drift=0.3), "lora", "full").score for seed in range(40)]
    assert sum(one is not None and one.low <= 0 <= one.high for one in found) >= 33
    means = [one.mean for one in found if one is not None]
    assert abs(sum(means) / len(means)) < 0.012


def test_memory_is_a_ratio() -> None:
    found = of(study(1), "lora", "full").memory
    assert found is not None
    assert math.exp(found.mean) == pytest.approx(0.5, abs=0.05)
    assert found.high < 0


def test_time_that_does_not_differ_is_not_firm() -> None:
    found = of(study(2), "lora", "full").seconds
    assert found is not None
    assert not found.firm


def test_freezing_is_compared_within_a_method() -> None:
    found = of(study(3, trials=80), "at least 0.67", "at most 0.33")
    assert found.score is not None
    assert found.score.low <= -0.1 <= found.score.high
    assert found.memory is not None
    assert found.memory.high < 0


def test_the_interval_is_students_over_the_pairs() -> None:
    """Two trials a pair, alike in all but the method, and nothing else to compare."""
    chance = random.Random(4)
    space = (Parameter("method", Categorical(("full", "lora")), ()),)
    ones = [chance.gauss(0.5, 0.1) for _ in range(8)]
    others = [chance.gauss(0.5, 0.1) for _ in range(8)]
    records = [TrialRecord(i, "complete", value, {"method": "lora"}) for i, value in enumerate(ones)]
    records += [TrialRecord(8 + i, "complete", value, {"method": "full"}) for i, value in enumerate(others)]
    (found,) = matched_info(replace(FACTS, space=space, default_number=8), records)
    assert (found.one, found.other, found.pairs) == ("lora", "full", 8)
    expected = ttest_rel(ones, others).confidence_interval(0.95)
    assert found.score is not None
    assert (found.score.low, found.score.high) == pytest.approx((expected.low, expected.high))


def test_too_few_pairs_are_no_statement() -> None:
    records = study(5, trials=9)
    found = [one for one in matched_info(FACTS, records) if one.pairs < PAIRS_NEEDED]
    assert found
    assert all(one.score is one.memory is one.seconds is None for one in found)
    page = str(comparisons(FACTS, records))
    assert "no statement" in page
    assert f"Too few pairs for any statement: {PAIRS_NEEDED} are needed." in page


def test_trials_that_differ_in_another_choice_are_no_pair() -> None:
    space = (Parameter("method", Categorical(("full", "lora")), ()), Parameter("model", Categorical(("a", "b")), ()))
    records = [
        TrialRecord(0, "complete", 0.5, {"method": "full", "model": "a"}),
        TrialRecord(1, "complete", 0.4, {"method": "lora", "model": "b"}),
    ]
    assert {one.pairs for one in matched_info(replace(FACTS, space=space), records)} == {0}


def test_only_complete_trials_are_compared() -> None:
    records = tuple(replace(one, state="pruned") for one in study(6))
    assert matched_info(FACTS, records) == ()
    assert "no statement" in str(comparisons(FACTS, records))


def test_what_is_firm_is_said() -> None:
    words = [said for one in matched_info(FACTS, study(7, lora=-0.1)) for said in firm_words(FACTS, one)]
    lora = next(said for said in words if said.startswith("method lora against full: dev f1 −0.1"))
    assert "memory −" in lora
    assert lora.endswith("matched pairs.")
    assert "time" not in lora


@pytest.mark.parametrize("trials", [0, 1, 2, 30, 90])
def test_any_study_has_a_table(trials: int, make_study: Callable[..., Any]) -> None:
    facts, records = make_study(trials)
    assert "<p" in str(comparisons(facts, records))


def test_models_are_named_by_their_folders() -> None:
    models = ("/x/<b>small</b>", "/x/large")
    space = (Parameter("model", Categorical(models), ()),)
    records = [TrialRecord(n, "complete", 0.1 * n, {"model": models[n % 2]}) for n in range(4)]
    page = str(comparisons(replace(FACTS, space=space), records))
    assert "large" in page
    assert "<b>small" not in page
    assert "/x/large" not in page
