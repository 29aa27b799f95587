"""A radius that is proven for discrete Gaussian noise."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.errors import InvalidSampleError

# Every order gives a valid radius, so a grid of them only costs a little of the best one.
_ORDERS = 1 + np.concatenate([[0.0], np.geomspace(1e-3, 20.0, 200)])

_EPSILON = float(np.finfo(np.float64).eps)
# Units in the last place that the largest term of a divergence can be off; half of them suffice.
_ROUNDINGS = 16


def discrete_certified_radius(p_lower: ArrayLike, sigma: float) -> NDArray[np.float64]:
    """Largest L2 radius that Renyi divergence proves for discrete Gaussian noise on a grid.

    For a shift by a grid vector of length r the Renyi divergence of order a between shifted and
    original noise is at most a r^2 / (2 sigma^2), for every a >= 1 (Canonne, Kamath & Steinke
    2020, Prop. 5; independent pixels add up). Whatever happens with probability at least p
    without the shift keeps a probability above 1/2 as long as the divergence between coins of
    1/2 and p is larger. The radius is about 0.8 of sigma * Phi^-1(p), which Lin et al. 2021
    claim.

    Args:
        p_lower: Lower bound on the probability of the top class, in [0, 1); any shape.
        sigma: Standard deviation parameter of the noise, any unit, positive.

    Returns:
        Radii in the unit of sigma; 0 where `p_lower` is at most 1/2. Floating point never makes
        them larger.

    Raises:
        InvalidSampleError: A bound is outside [0, 1), or sigma is not positive.
    """
    p = np.asarray(p_lower, np.float64)
    if not np.all((p >= 0) & (p < 1)) or not 0 < sigma < np.inf:
        raise InvalidSampleError(f"need 0 <= p_lower < 1 and sigma > 0; got {p_lower!r}, {sigma}")
    certain = np.maximum(p, 0.5)[..., None]
    best = np.max(2 * _coin_divergence(certain) / _ORDERS, axis=-1)
    radius = sigma * np.sqrt(np.maximum(best, 0.0)) * (1 - 8 * _EPSILON)
    return np.asarray(np.where(p > 0.5, radius, 0.0))


def _coin_divergence(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Renyi divergence of a fair coin from one of bias p >= 1/2, at every order; never more."""
    # 2p - 1 and 1 - p are exact; beside 1/2 and beside 1 one of the two logarithms keeps its
    # digits.
    near, far = -0.5 * np.log1p(-((2 * p - 1) ** 2)), -0.5 * np.log(4 * p * (1 - p))
    first = np.where(p < 0.75, near, far) * (1 - _ROUNDINGS * _EPSILON)
    order = _ORDERS[1:]
    stays, leaves = (1 - order) * np.log(p), (1 - order) * np.log(1 - p)
    taken = order * np.log(2)
    # Of terms that cancel; the divergence is far smaller where p is close to 1/2.
    lost = _ROUNDINGS * _EPSILON * (leaves + taken + 1)
    sums = np.logaddexp(stays, leaves) - taken - lost
    return np.concatenate([first, sums / (order - 1)], axis=-1)
