"""References and predictions to numbers."""

from autoft.metrics.spans import iob2_spans, resampled_span_scores, strict_span_scores

__all__ = ["iob2_spans", "resampled_span_scores", "strict_span_scores"]
