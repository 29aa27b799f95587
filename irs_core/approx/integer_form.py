"""The integer form of a classifier: of a trained network, or of an integer one with fewer bits."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from irs_core.approx.fold import fold
from irs_core.approx.integerise import calibrate, integerise
from irs_core.integer import ConvTerm, IntegerNetwork
from irs_core.integer.carrier import Carrier
from irs_core.spec.compressions import IntegerOnly


def integer_form(
    module: nn.Module,
    config: IntegerOnly,
    *,
    calibration: NDArray[np.float32],
    scale: int,
    input_shape: tuple[int, int, int],
) -> IntegerNetwork:
    """The network in integers only.

    Args:
        module: A residual network of [0, 1] images, or an integer network that is loaded already.
        calibration: Noisy images (M, channels, height, width) that set ranges; no labels. Not
            used for an integer network, whose ranges are set.
        scale: The pixel value that means 1.0.

    Raises:
        ApproximationError: The network is of another kind, or its sums do not fit.
    """
    if isinstance(module, Carrier):
        return coarsened(module.network, config.bits)
    folded = fold(module)
    ranges = calibrate(folded, calibration)
    return integerise(folded, ranges, scale=scale, input_shape=input_shape, bits=config.bits)


def coarsened(network: IntegerNetwork, bits: int) -> IntegerNetwork:
    """The network with weights rounded to their highest `bits` of 8 bits; all else as it was."""
    step = 1 << (8 - bits)

    def rounded(weight: NDArray[np.int8]) -> NDArray[np.int8]:
        wide = weight.astype(np.int64)
        # Half away from zero, like every rounding of these networks.
        whole = np.sign(wide) * ((2 * np.abs(wide) + step) // (2 * step)) * step
        return np.clip(whole, -(128 - step), 128 - step).astype(np.int8) if step > 1 else weight

    layers = tuple(
        replace(
            layer,
            terms=tuple(
                replace(term, weight=rounded(term.weight)) if isinstance(term, ConvTerm) else term
                for term in layer.terms
            ),
        )
        for layer in network.layers
    )
    return replace(network, layers=layers)
