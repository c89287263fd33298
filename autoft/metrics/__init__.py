"""References and predictions to numbers."""

from autoft.metrics.answers import answer_scores, resampled_answer_scores
from autoft.metrics.classification import (
    multi_label_scores,
    resampled_multi_label_scores,
    resampled_single_label_scores,
    single_label_scores,
)
from autoft.metrics.regression import regression_scores, resampled_regression_scores
from autoft.metrics.relations import is_no_relation, relation_scores, resampled_relation_scores
from autoft.metrics.spans import iob2_spans, resampled_span_scores, strict_span_scores
from autoft.metrics.thresholds import constant_scores, tune_thresholds

__all__ = [
    "answer_scores",
    "constant_scores",
    "iob2_spans",
    "is_no_relation",
    "multi_label_scores",
    "regression_scores",
    "relation_scores",
    "resampled_answer_scores",
    "resampled_multi_label_scores",
    "resampled_regression_scores",
    "resampled_relation_scores",
    "resampled_single_label_scores",
    "resampled_span_scores",
    "single_label_scores",
    "strict_span_scores",
    "tune_thresholds",
]
