"""What figures show, tested on values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from autoft.report.facts import Finalists, StudyFacts
from autoft.report.figure_infos import (
    curves_info,
    finalists_info,
    history_info,
    methods_info,
    scores_info,
    timeline_info,
)
from autoft.report.importance import TRIALS_NEEDED, importance_info
from autoft.report.parallel import parallel_info
from autoft.space.domains import Constant
from autoft.space.search_space import Parameter
from autoft.storage.records import EvaluationRecord, TrialRecord, TrialState


def trial(number: int, value: float, state: TrialState = "complete", **config: Any) -> TrialRecord:
    evaluation = EvaluationRecord(9 if state == "complete" else 1, 9.0, value, 0.5, 0.4, 10.0)
    return TrialRecord(number, state, value, {"method": "full", **config}, (evaluation,))


def test_best_so_far_rises_with_complete_trials_only(facts: StudyFacts) -> None:
    records = [trial(0, 0.4), trial(1, 0.9, "pruned"), trial(2, 0.5), trial(3, 0.3)]
    info = history_info(facts, records)
    assert info.best == ((0, 0.4), (2, 0.5), (3, 0.5))
    assert info.default == 0.4
    assert len(info.points) == 4


def test_finalists_stand_by_their_means_and_know_their_roles(facts: StudyFacts) -> None:
    finalists = Finalists(scores={0: (0.4, 0.5), 1: (0.2, 0.3), 2: (0.6, 0.5)}, seeds=(7, 8), asked=2)
    records = [trial(0, 0.4), trial(1, 0.9), trial(2, 0.5)]
    info = finalists_info(replace(facts, finalists=finalists), records)
    assert [(arm.number, arm.role) for arm in info.arms] == [(2, "best"), (0, "default"), (1, "finalist")]
    assert info.arms[0].scores == (0.6, 0.5)
    assert info.seeds == (7, 8)


def test_the_winner_of_the_finalists_is_the_best_of_every_figure(facts: StudyFacts) -> None:
    finalists = Finalists(scores={0: (0.4,), 1: (0.2,), 2: (0.6,)})
    records = [trial(0, 0.4), trial(1, 0.9), trial(2, 0.5)]
    assert scores_info(replace(facts, finalists=finalists), records).best == 2
    assert curves_info(replace(facts, finalists=finalists), records).curves[-1].number == 2


def test_values_that_are_no_numbers_are_not_drawn(facts: StudyFacts) -> None:
    records = [trial(0, float("nan")), trial(1, 0.5)]
    assert [point.number for point in history_info(facts, records).points] == [1]
    assert [curve.number for curve in curves_info(facts, records).curves] == [1]


def test_curves_are_ordered_for_drawing_with_the_best_on_top(
    make_study: Callable[..., Any],
) -> None:
    info = curves_info(*make_study(30))
    roles = [curve.role for curve in info.curves]
    assert roles[-2:] == ["default", "best"]
    assert roles == sorted(roles, key=["stopped", "complete", "default", "best"].index)
    assert info.rungs == (1, 3, 9)


def test_default_that_is_the_best_is_one_curve(facts: StudyFacts) -> None:
    assert [curve.role for curve in curves_info(facts, [trial(0, 0.5)]).curves] == ["best"]


def test_methods_are_ordered_by_their_best(facts: StudyFacts) -> None:
    records = [trial(0, 0.4), trial(1, 0.6, method="lora"), trial(2, 0.5, method="head")]
    assert [name for name, _ in methods_info(facts, records).groups] == ["lora", "head", "full"]


def test_labels_stand_in_the_order_of_their_support(facts: StudyFacts) -> None:
    metrics = {"f1": 0.5, "f1.PER": 0.4, "support.PER": 3.0, "f1.LOC": 0.6, "support.LOC": 9.0}
    info = scores_info(facts, [replace(trial(0, 0.5), metrics=metrics)])
    assert [(pair.name, pair.best, pair.support) for pair in info.labels] == [
        ("LOC", 0.6, 9.0),
        ("PER", 0.4, 3.0),
    ]
    assert [pair.name for pair in info.overall] == ["f1"]


def test_macro_metric_shows_labels_by_the_metric_it_is_the_mean_of(facts: StudyFacts) -> None:
    metrics = {"macro_f1": 0.5, "precision.PER": 0.3, "f1.PER": 0.4}
    record = replace(trial(0, 0.5), metrics=metrics)
    assert scores_info(replace(facts, metric="macro_f1"), [record]).labelled == "f1"


def test_label_that_only_the_default_found_is_shown(facts: StudyFacts) -> None:
    default = replace(trial(0, 0.4), metrics={"f1.PER": 0.4})
    pair = scores_info(facts, [default, replace(trial(1, 0.5), metrics={"f1": 0.5})]).labels[0]
    assert (pair.best, pair.default) == (None, 0.4)


def test_timeline_counts_from_the_first_start(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(3)
    late = replace(records[2], ended=None, seconds=5.0)
    bars = timeline_info(facts, [*records[:2], late])
    assert bars[0].start == 0.0
    assert bars[1].start == pytest.approx(records[0].seconds + 1)
    assert bars[2].length == 5.0


def test_pause_lengthens_a_bar_but_not_what_was_computed(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(1)
    ended = records[0].ended + timedelta(seconds=100)
    bar = timeline_info(facts, [replace(records[0], ended=ended)])[0]
    assert bar.length == pytest.approx(bar.busy + 100)


def test_branches_share_the_axis_of_one_name(make_study: Callable[..., Any]) -> None:
    info = parallel_info(*make_study(30))
    titles = [axis.title for axis in info.axes]
    assert titles.count("learning_rate") == 1
    assert "lora.rank" in titles
    assert len(set(titles)) == len(titles)
    rate = info.axes[titles.index("learning_rate")]
    assert rate.log
    assert (rate.ticks[0], rate.ticks[-1]) == ((0.0, "1e-5"), (1.0, "0.1"))


def test_parameter_of_another_branch_has_no_height(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(30)
    info = parallel_info(facts, records)
    rank = [axis.title for axis in info.axes].index("lora.rank")
    methods = {record.number: record.config["method"] for record in records}
    for line in info.lines:
        assert (line.heights[rank] is not None) == (methods[line.number] == "lora")


def test_heights_lie_on_the_axis_even_for_a_default_outside_the_space(
    make_study: Callable[..., Any],
) -> None:
    facts, records = make_study(30)
    outside = replace(records[0], config={**records[0].config, "method.full.learning_rate": 0.5})
    for line in parallel_info(facts, [outside, *records[1:]]).lines:
        assert all(0 <= height <= 1 for height in line.heights if height is not None)


def test_best_trial_is_the_last_line(make_study: Callable[..., Any]) -> None:
    info = parallel_info(*make_study(30))
    assert info.lines[-1].value == max(line.value for line in info.lines)


def test_importance_finds_the_parameter_that_decides(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(120)
    decided = [replace(one, state="complete", value=float(one.config["freeze"])) for one in records]
    info = importance_info(facts, decided)
    assert info.shares[0][0] == "freeze"
    assert info.shares[0][1] > 0.5
    assert sum(share for _, share in info.shares) == pytest.approx(1)


def test_importance_of_a_branch_is_its_own(make_study: Callable[..., Any]) -> None:
    """What decides within LoRA is found although most trials lack it; the other branches decide nothing."""
    facts, records = make_study(200)
    decided = [
        replace(one, state="complete", value=math.log(float(one.config.get("method.lora.learning_rate", 1e-4))))
        for one in records
    ]
    shares = dict(importance_info(facts, decided).shares)
    assert max(shares, key=shares.__getitem__) == "method.lora.learning_rate"
    others = [share for path, share in shares.items() if path.startswith(("method.full.", "method.adapter."))]
    assert max(others) < 0.05


def test_constants_have_no_importance(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(60)
    fixed = replace(facts, space=(*facts.space, Parameter("train.schedule", Constant("linear"), ())))
    assert "train.schedule" not in dict(importance_info(fixed, records).shares)


def test_a_trial_stopped_early_stands_below_all_that_came_further(make_study: Callable[..., Any]) -> None:
    """Early values are higher here; ranked by value alone, dropout would have decided the other way round."""
    facts, records = make_study(120)
    first, last = EvaluationRecord(1, 1.0, 0.9, 1.0, 1.0, 1.0), EvaluationRecord(9, 9.0, 0.5, 1.0, 1.0, 9.0)

    def judged(one: Any, state: Any) -> Any:
        low = float(one.config["train.dropout"]) < 0.15
        if not low:
            return replace(one, state=state, value=0.9, evaluations=(first,))
        return replace(one, state="complete", value=0.5 + 0.001 * one.number, evaluations=(last,))

    for state in ("pruned", "paused"):
        info = importance_info(facts, [judged(one, state) for one in records])
        assert info.shares[0][0] == "train.dropout"
        assert (info.trials, info.top) == (120, 12)


def test_what_breaks_a_limit_counts_as_the_last(make_study: Callable[..., Any]) -> None:
    facts, records = make_study(120)

    def judged(one: Any) -> Any:
        over = float(one.config["freeze"]) < 0.5
        broken = {"constraints": {"max_memory": 0.3}, "state": "infeasible", "value": None, "evaluations": ()}
        return replace(one, **broken) if over else replace(one, state="complete", value=0.5)

    assert importance_info(facts, [judged(one) for one in records]).shares[0][0] == "freeze"


def test_importance_needs_trials(make_study: Callable[..., Any]) -> None:
    info = importance_info(*make_study(TRIALS_NEEDED - 1))
    assert info.shares == ()


def test_failed_trials_and_those_outside_the_space_do_not_count(
    make_study: Callable[..., Any],
) -> None:
    facts, records = make_study(40)
    outside = replace(records[0], config={**records[0].config, "freeze": 7.0})
    failed = sum(record.state == "failed" for record in records)
    assert importance_info(facts, [outside, *records[1:]]).trials == 39 - failed
