"""Delivery: the best trial as a model folder that plain `transformers` loads, and what reads it back."""
