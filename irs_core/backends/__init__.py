"""Ways to run a classifier: noisy batches in, class ids out."""

from irs_core.backends.base import Arithmetic, Measurable, Predictor
from irs_core.backends.choose import make_predictor

__all__ = ["Arithmetic", "Measurable", "Predictor", "make_predictor"]
