"""What every backend offers."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import ModelOutputError


class Predictor(Protocol):
    """A classifier ready to run.

    Attributes:
        execution: Backend, device and arithmetic in words; part of the evidence key.
        batch: Draws per call that suit it.
    """

    execution: str
    batch: int

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids (N,) of noisy inputs (N, channels, height, width).

        Raises:
            ModelOutputError: The scores are not (N, classes), or not finite.
        """


def check_scores(shape: tuple[int, ...], inputs: int, classes: int) -> None:
    """Refuse scores that are not one per input and class."""
    if shape != (inputs, classes):
        raise ModelOutputError(
            f"the model must return scores of shape ({inputs}, {classes}); got {shape}"
        )


def check_finite(finite: Any) -> None:
    """Refuse scores among which some are NaN or infinite."""
    if not finite:
        raise ModelOutputError(
            "the model returned NaN or infinite scores; every score must be finite"
        )
