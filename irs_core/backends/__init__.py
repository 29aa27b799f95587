"""Ways to run a classifier: noisy batches in, class ids out. What makes one is in `choose`."""

from irs_core.backends.base import Arithmetic, Measurable, Predictor

__all__ = ["Arithmetic", "Measurable", "Predictor"]
