"""References and predictions to numbers."""

from autoft.metrics.answers import answer_scores, resampled_answer_scores
from autoft.metrics.relations import is_no_relation, relation_scores, resampled_relation_scores
from autoft.metrics.spans import iob2_spans, resampled_span_scores, strict_span_scores

__all__ = [
    "answer_scores",
    "iob2_spans",
    "is_no_relation",
    "relation_scores",
    "resampled_answer_scores",
    "resampled_relation_scores",
    "resampled_span_scores",
    "strict_span_scores",
]
