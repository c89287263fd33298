"""References and predictions to numbers."""

from autoft.metrics.classification import (
    multi_label_scores,
    resampled_multi_label_scores,
    resampled_single_label_scores,
    single_label_scores,
)
from autoft.metrics.regression import regression_scores, resampled_regression_scores
from autoft.metrics.spans import iob2_spans, resampled_span_scores, strict_span_scores
from autoft.metrics.thresholds import constant_scores, tune_thresholds

__all__ = [
    "constant_scores",
    "iob2_spans",
    "multi_label_scores",
    "regression_scores",
    "resampled_multi_label_scores",
    "resampled_regression_scores",
    "resampled_single_label_scores",
    "resampled_span_scores",
    "single_label_scores",
    "strict_span_scores",
    "tune_thresholds",
]
