from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from autoft.metrics import is_no_relation, relation_scores, resampled_relation_scores

Pair = tuple[list[str], list[str]]

DIRECTED = ["Other", "Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Part-Whole(e1,e2)", "Part-Whole(e2,e1)"]
PLAIN = ["no_relation", "works_for", "located_in", "made_by"]
MEANS = ("precision", "recall", "f1", "macro_f1", "accuracy", "semeval_f1")


@st.composite
def pairs(draw: st.DrawFn, labels: list[str]) -> Pair:
    size = draw(st.integers(0, 12))
    both = [draw(st.lists(st.sampled_from(labels), min_size=size, max_size=size)) for _ in range(2)]
    return both[0], both[1]


any_pairs = pairs(DIRECTED) | pairs(PLAIN)


def sklearn_scores(pair: Pair, average: str | None) -> tuple[list[str], Any]:
    relations = sorted(label for label in {*pair[0], *pair[1]} if label not in ("Other", "no_relation"))
    if not relations:
        return [], (0.0, 0.0, 0.0, None)
    return relations, precision_recall_fscore_support(*pair, labels=relations, average=average, zero_division=0)


@given(any_pairs)
def test_micro_and_macro_scores_are_those_of_scikit_learn_without_the_class_of_no_relation(pair: Pair) -> None:
    scores = relation_scores(*pair)
    for name, expected in zip(("precision", "recall", "f1"), sklearn_scores(pair, "micro")[1], strict=False):
        assert scores[name] == pytest.approx(expected)
    assert scores["macro_f1"] == pytest.approx(sklearn_scores(pair, "macro")[1][2])
    if pair[0]:
        assert scores["accuracy"] == pytest.approx(accuracy_score(*pair))


@given(any_pairs)
def test_scores_of_each_relation_are_those_of_scikit_learn(pair: Pair) -> None:
    scores = relation_scores(*pair)
    relations, each = sklearn_scores(pair, None)
    assert [name.removeprefix("f1.") for name in scores if name.startswith("f1.")] == relations
    for number, label in enumerate(relations):
        for name, values in zip(("precision", "recall", "f1", "support"), each, strict=True):
            assert scores[f"{name}.{label}"] == pytest.approx(values[number])


def official(pair: Pair) -> float:
    """The official formulas, one relation after the other: P = right / (column + wrong direction), R = right / row."""
    split = [[(label.partition("(")[0], label) for label in some] for some in pair]
    relations = {name for some in split for name, _ in some} - {"Other"}
    f1 = []
    for relation in relations:
        rows = [(want, got) for want, got in zip(*split, strict=True) if relation in (want[0], got[0])]
        right = sum(want == got for want, got in rows)
        wrong_direction = sum(want[0] == got[0] and want != got for want, got in rows)
        column = right + sum(got[0] == relation != want[0] for want, got in rows)
        row = sum(want[0] == relation for want, _ in rows)
        precision = right / (column + wrong_direction) if column + wrong_direction else 0.0
        recall = right / row if row else 0.0
        f1.append(2 * precision * recall / (precision + recall) if right else 0.0)
    return sum(f1) / len(f1) if f1 else 0.0


@given(pairs(DIRECTED))
def test_semeval_f1_follows_the_official_formulas(pair: Pair) -> None:
    assert relation_scores(*pair)["semeval_f1"] == pytest.approx(official(pair))


def expand(matrix: list[list[int]], labels: list[str]) -> Pair:
    cells = [(labels[i], labels[j], count) for i, row in enumerate(matrix) for j, count in enumerate(row)]
    return [r for r, _, n in cells for _ in range(n)], [p for _, p, n in cells for _ in range(n)]


# References down, predictions across, in the order of DIRECTED:
#
#            Other CE12 CE21 PW12 PW21
#     Other    3    1    0    0    2
#     CE12     1    4    2    1    0
#     CE21     0    1    3    0    0
#     PW12     2    0    1    2    1
#     PW21     0    0    0    0    1
#
# Cause-Effect: right 4 + 3 = 7, wrong direction 2 + 1 = 3, confused with it 1 + 1 = 2 (column 7 + 2 = 9),
#               row 8 + 4 = 12: P = 7 / (9 + 3), R = 7 / 12, F1 = 7 / 12.
# Part-Whole:   right 2 + 1 = 3, wrong direction 1, confused with it 2 + 1 = 3 (column 3 + 3 = 6),
#               row 6 + 1 = 7: P = 3 / (6 + 1), R = 3 / 7, F1 = 3 / 7.
# Official macro F1: (7/12 + 3/7) / 2 = 85 / 168.
# Labels one by one: right 4, 3, 2, 1; predicted 6, 6, 3, 4; there 8, 4, 6, 1.
# Micro: 2 * 10 / (19 + 19). Macro: (8/14 + 6/10 + 4/9 + 2/5) / 4. Accuracy: 13 / 25.
MATRIX = [[3, 1, 0, 0, 2], [1, 4, 2, 1, 0], [0, 1, 3, 0, 0], [2, 0, 1, 2, 1], [0, 0, 0, 0, 1]]


def test_golden_confusion_matrix() -> None:
    scores = relation_scores(*expand(MATRIX, DIRECTED))
    assert scores["semeval_f1"] == pytest.approx(85 / 168)
    assert scores["f1"] == pytest.approx(20 / 38)
    assert scores["precision"] == pytest.approx(10 / 19)
    assert scores["recall"] == pytest.approx(10 / 19)
    assert scores["macro_f1"] == pytest.approx((8 / 14 + 6 / 10 + 4 / 9 + 2 / 5) / 4)
    assert scores["accuracy"] == pytest.approx(13 / 25)
    assert scores["precision.Cause-Effect(e1,e2)"] == pytest.approx(4 / 6)
    assert scores["recall.Cause-Effect(e1,e2)"] == pytest.approx(4 / 8)


# One relation that is only confused in its direction: right 0, row 2, predicted 2. The other is right.
def test_a_wrong_direction_is_wrong_and_lowers_no_other_relation() -> None:
    references = ["Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Part-Whole(e1,e2)"]
    predictions = ["Cause-Effect(e2,e1)", "Cause-Effect(e1,e2)", "Part-Whole(e1,e2)"]
    assert relation_scores(references, predictions)["semeval_f1"] == pytest.approx(1 / 2)


def test_both_directions_make_one_relation_of_the_semeval_mean() -> None:
    references = ["Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Part-Whole(e1,e2)"]
    predictions = ["Other", "Other", "Part-Whole(e1,e2)"]
    scores = relation_scores(references, predictions)
    assert scores["semeval_f1"] == pytest.approx(1 / 2)
    assert scores["macro_f1"] == pytest.approx(1 / 3)


@given(pairs(PLAIN))
def test_without_directions_the_semeval_mean_is_the_macro_mean(pair: Pair) -> None:
    scores = relation_scores(*pair)
    assert scores["semeval_f1"] == scores["macro_f1"]


@given(any_pairs)
def test_every_score_is_in_range_and_right_answers_are_the_best(pair: Pair) -> None:
    for name, value in relation_scores(*pair).items():
        assert 0 <= value <= 1 or name.startswith("support.")
    best = relation_scores(pair[0], pair[0])
    assert {best[name] for name in MEANS if name != "accuracy"} <= {0.0, 1.0}


@given(any_pairs, st.integers(0, 5))
def test_resampled_scores_are_those_of_the_resampled_examples(pair: Pair, seed: int) -> None:
    if not pair[0]:
        return
    picks = np.random.default_rng(seed).integers(0, len(pair[0]), size=(4, len(pair[0])))
    found = resampled_relation_scores(*pair, picks)
    assert tuple(sorted(found)) == tuple(sorted(MEANS))
    for at, row in enumerate(picks):
        expected = relation_scores([pair[0][i] for i in row], [pair[1][i] for i in row])
        assert {name: values[at] for name, values in found.items()} == pytest.approx({n: expected[n] for n in MEANS})


@pytest.mark.parametrize("label", ["Other", "other", "no_relation", "NA", "None", "no-relation", "NO_RELATION"])
def test_names_of_no_relation(label: str) -> None:
    assert is_no_relation(label)
    assert relation_scores([label, "made_by"], [label, label])["f1"] == 0.0


@pytest.mark.parametrize("label", ["another", "brother", "not_related", "", "n"])
def test_other_names_are_relations(label: str) -> None:
    assert not is_no_relation(label)


def test_nothing_to_find_is_zero() -> None:
    scores = relation_scores([], [])
    assert {scores[name] for name in MEANS} == {0.0}
    assert relation_scores(["NA"], ["NA"])["f1"] == 0.0


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="2 references but 1 predictions"):
        relation_scores(["NA", "NA"], ["NA"])
