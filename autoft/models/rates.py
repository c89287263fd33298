"""The learning rate that an informed practitioner would start from, by the model's width; without torch."""

from __future__ import annotations

from autoft.models.base import ModelSource, read_config

# Full tuning of BERT: 5e-5 tops the grid of Devlin et al. 2019 at width 768. Smaller models want more: 3e-4 was
# measured for MiniLM at width 384, and 2e-5 to 3e-5 is usual for BERT-large at 1024; one power law passes through all.
_WIDTH, _RATE, _EXPONENT = 768, 5e-5, 2.5
_LEAST, _MOST = 1e-5, 1e-3
_WIDTH_KEYS = ("hidden_size", "dim", "d_model")


def default_rate(width: int) -> float:
    """Return the peak learning rate of full tuning with AdamW for hidden states of `width`, two digits."""
    rate = _RATE * (_WIDTH / width) ** _EXPONENT
    return float(f"{min(_MOST, max(_LEAST, rate)):.1e}")


def model_width(source: ModelSource) -> int | None:
    """Return the width D of a base model's hidden states; None where its configuration does not say.

    Raises:
        ConfigError: If the model cannot be had.
    """
    config = read_config(source)
    return next((int(config[key]) for key in _WIDTH_KEYS if isinstance(config.get(key), int)), None)
