"""Why a compressed model no longer certifies an input that the original certifies."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.equal_draws import EqualDraws
from irs_core.certify import Certificates


class Loss(IntEnum):
    """What lost an input: its true class is certified by the original and not by the model."""

    NONE = 0
    """It is not lost: the model certifies it, or the original does not either."""
    COMPRESSION = 1
    """With the same draws of each, the original certifies it and the model does not."""
    BUDGET = 2
    """The original loses it, too, with as few draws as the model got."""
    METHOD = 3
    """Both certify it from the same draws by themselves: reuse, or a plan that spends the draws
    elsewhere, gave it away."""
    UNKNOWN = 4
    """The model's answers on the original's first draws are not all stored."""


def losses(
    base: Certificates,
    model: Certificates,
    labels: NDArray[np.int64],
    equal: EqualDraws | None,
) -> NDArray[np.int64]:
    """What lost each input, a `Loss` each, (inputs,).

    Args:
        base: Certificates of the original with all its draws.
        model: Certificates of the compressed model, as the study's method made them.
        labels: True classes, (inputs,).
        equal: Both at equal draws; None where that is not known.
    """
    lost = (base.predicted == labels) & (model.predicted != labels)
    if equal is None:
        return np.where(lost, Loss.UNKNOWN, Loss.NONE).astype(np.int64)
    kept = np.where(equal.compressed > 0, Loss.METHOD, Loss.COMPRESSION)
    cause = np.where(equal.equal > 0, kept, Loss.BUDGET)
    return np.where(lost, cause, Loss.NONE).astype(np.int64)
