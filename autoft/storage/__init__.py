"""Remembers: Optuna's database, autoft's own tables beside it, and checkpoints."""
