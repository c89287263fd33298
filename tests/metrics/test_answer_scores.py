"""Exact match and token F1 of answers, against the scripts of SQuAD and by hand where there are no spaces."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoft.metrics import answer_scores, resampled_answer_scores
from autoft.metrics.answers import answer_tokens, each_answer, is_unspaced
from autoft.metrics.bootstrap import resample

# Words that lie near each other, so that answers often overlap; articles, punctuation and accents among them.
WORDS = (
    "the",
    "A",
    "an",
    "Anna",
    "anna's",
    "1,200",
    "1200",
    "km",
    "U.S.",
    "—",
    "“Tide",
    "Songs”",
    "%",
    "Zoë",
    "a-b",
    "",
)
# Everything but the scripts without spaces.
LETTERS = st.characters(codec="utf-8", max_codepoint=0xDFF)
texts = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    st.text(LETTERS, max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=4).map("".join),
)
questions = st.lists(st.tuples(st.lists(texts, max_size=3), texts), min_size=1, max_size=6)

# What SQuAD's evaluate-v2.0 gives: references, prediction, exact match, F1.
GOLDEN: tuple[tuple[tuple[str, ...], str, float, float], ...] = (
    (("Denver Broncos",), "The Denver Broncos!", 1.0, 1.0),
    (("Denver Broncos",), "Denver", 0.0, 2 / 3),
    (("Denver Broncos", "Denver"), "Denver", 1.0, 1.0),
    (("the of the",), "of", 1.0, 1.0),
    (("a b b",), "b b c", 0.0, 0.8),
    (("1,200",), "1200", 1.0, 1.0),
    (("Anna's book",), "annas book", 1.0, 1.0),
    (("10 %",), "10", 1.0, 1.0),
    (("10–20",), "1020", 0.0, 0.0),
    ((), "", 1.0, 1.0),
    ((), "the", 1.0, 1.0),
    ((), "Denver", 0.0, 0.0),
    (("Denver",), "", 0.0, 0.0),
    (("%",), "", 1.0, 1.0),
    (("%", "percent"), "", 0.0, 0.0),
    (("theatre",), "atre", 0.0, 0.0),
)


def official(references: Sequence[str], prediction: str) -> tuple[float, float]:
    """Exact match and F1 as SQuAD 2.0 defines them, said once more and without the code under test."""

    def normal(text: str) -> str:
        text = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())

    def f1(wanted: list[str], given: list[str]) -> float:
        if not wanted or not given:
            return float(wanted == given)
        same = sum((Counter(wanted) & Counter(given)).values())
        if not same:
            return 0.0
        precision, recall = same / len(given), same / len(wanted)
        return 2 * precision * recall / (precision + recall)

    golds = [gold for gold in map(normal, references) if gold] or [""]
    answer = normal(prediction)
    return float(answer in golds), max(f1(gold.split(), answer.split()) for gold in golds)


@pytest.mark.parametrize(("references", "prediction", "exact", "f1"), GOLDEN)
def test_single_answers_score_as_the_official_script_says(
    references: tuple[str, ...], prediction: str, exact: float, f1: float
) -> None:
    scores = answer_scores([references], [prediction])
    assert (scores["exact_match"], scores["f1"]) == pytest.approx((exact, f1))


@given(questions)
@example([(["İstanbul"], "i̇stanbul"), ([], "")])
def test_spaced_text_scores_as_squad_2_defines(asked: list[tuple[list[str], str]]) -> None:
    f1, exact = each_answer([golds for golds, _ in asked], [answer for _, answer in asked])
    wanted = [official(golds, answer) for golds, answer in asked]
    assert exact.tolist() == [value for value, _ in wanted]
    assert f1.tolist() == pytest.approx([value for _, value in wanted])


@given(questions.filter(lambda asked: all(any(map(answer_tokens, golds)) for golds, _ in asked)))
def test_torchmetrics_agrees_where_every_question_has_an_answer(asked: list[tuple[list[str], str]]) -> None:
    squad: Any = pytest.importorskip("torchmetrics.functional.text.squad", reason="torchmetrics is not installed").squad
    # SQuAD 1.1, which torchmetrics follows, also compares with references of which nothing is left.
    kept = [[gold for gold in golds if answer_tokens(gold)] for golds, _ in asked]
    given_answers = [{"prediction_text": answer, "id": str(at)} for at, (_, answer) in enumerate(asked)]
    targets = [
        {"answers": {"answer_start": [0] * len(golds), "text": golds}, "id": str(at)} for at, golds in enumerate(kept)
    ]
    found = squad(given_answers, targets)
    scores = answer_scores([golds for golds, _ in asked], [answer for _, answer in asked])
    assert 100 * scores["f1"] == pytest.approx(float(found["f1"]), abs=1e-4)
    assert 100 * scores["exact_match"] == pytest.approx(float(found["exact_match"]), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("梁启文", ["梁", "启", "文"]),
        ("《月下渡船》", ["月", "下", "渡", "船"]),
        ("1896年", ["1896", "年"]),
        ("iPhone手机，3.5寸", ["iphone", "手", "机", "35", "寸"]),
        ("東京 、 京都", ["東", "京", "京", "都"]),
        ("ガーデン", ["ガ", "ー", "デ", "ン"]),
        ("กรุงเทพ", ["ก", "รุ", "ง", "เ", "ท", "พ"]),
        ("か\u3099く", ["か\u3099", "く"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("한국어 위키", ["한국어", "위키"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
    ],
)
def test_scripts_without_spaces_count_characters(text: str, tokens: list[str]) -> None:
    assert list(answer_tokens(text)) == tokens


def test_chinese_answers_share_characters() -> None:
    scores = answer_scores([["工程师梁启文"], ["五个"]], ["梁启文", "五个。"])
    assert scores == pytest.approx({"f1": (2 * 3 / 9 + 1) / 2, "exact_match": 0.5})


def test_what_is_mostly_without_spaces_is_told_from_the_rest() -> None:
    assert [is_unspaced(text) for text in ("梁启文 a", "Anna 在 Berlin", "สวัสดี", "", "한국어")] == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_kinds_of_questions_are_scored_apart_where_some_have_no_answer() -> None:
    assert answer_scores([["Anna"], ["Paris"], []], ["Anna", "in Paris", "Rome"]) == pytest.approx(
        {
            "f1": (1 + 2 / 3) / 3,
            "exact_match": 1 / 3,
            "f1.answerable": (1 + 2 / 3) / 2,
            "exact_match.answerable": 1 / 2,
            "support.answerable": 2,
            "f1.unanswerable": 0,
            "exact_match.unanswerable": 0,
            "support.unanswerable": 1,
        }
    )
    assert answer_scores([["Anna"]], ["Anna"]) == {"f1": 1.0, "exact_match": 1.0}
    assert set(answer_scores([[]], [""])) == {
        "f1",
        "exact_match",
        "f1.unanswerable",
        "exact_match.unanswerable",
        "support.unanswerable",
    }


def test_no_questions_score_nothing() -> None:
    assert answer_scores([], []) == {"f1": 0.0, "exact_match": 0.0}
    none = resampled_answer_scores([], [], resample(0, resamples=3, seed=0))
    assert {name: values.tolist() for name, values in none.items()} == {"f1": [0.0] * 3, "exact_match": [0.0] * 3}


def test_each_question_needs_one_prediction() -> None:
    with pytest.raises(ValueError, match="2 questions but 1 predicted answers"):
        answer_scores([[], []], [""])


@given(questions, st.integers(0, 99))
def test_resampled_scores_are_those_of_the_resampled_questions(asked: list[tuple[list[str], str]], seed: int) -> None:
    golds, answers = [golds for golds, _ in asked], [answer for _, answer in asked]
    picks = resample(len(asked), resamples=4, seed=seed)
    found = resampled_answer_scores(golds, answers, picks)
    for at, row in enumerate(picks):
        scores = answer_scores([golds[i] for i in row], [answers[i] for i in row])
        assert {name: values[at] for name, values in found.items()} == pytest.approx(
            {name: scores[name] for name in ("f1", "exact_match")}
        )


def test_a_thousand_resamples_of_five_hundred_questions_are_sums_and_no_loops() -> None:
    golds = [["Anna met Ben"]] * 500
    answers = ["Anna"] * 250 + ["Anna met Ben"] * 250
    scores = resampled_answer_scores(golds, answers, resample(500, resamples=1000, seed=0))
    assert scores["f1"].shape == (1000,)
    assert np.quantile(scores["exact_match"], 0.5) == pytest.approx(0.5, abs=0.02)
