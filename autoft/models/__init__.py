"""Models: base models, heads, tuning methods and freezing, assembled into a trial's module."""
