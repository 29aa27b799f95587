"""Ways to run a classifier: noisy batches in, class ids out."""

from irs_core.backends.base import Arithmetic, Predictor
from irs_core.backends.choose import make_predictor

__all__ = ["Arithmetic", "Predictor", "make_predictor"]
