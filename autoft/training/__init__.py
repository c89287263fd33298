"""Training: the shared trainer, which knows neither task nor study."""
