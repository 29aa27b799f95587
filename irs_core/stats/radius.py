"""From bounds on the probabilities of classes to a certified L2 radius."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped, unused-ignore]

from irs_core.errors import InvalidSampleError

Floats = NDArray[np.float64]
_TINY, _BELOW_ONE = float(np.finfo(np.float64).tiny), float(np.nextafter(1.0, 0.0))
# Errors of Phi and of the division are far below this share of a difference that matters.
_GAP_MARGIN, _LEAST_GAP = 1e-9, 1e-16


def certified_radius(p_lower: ArrayLike, sigma: float) -> NDArray[np.float64]:
    """The L2 radius within which the smoothed classifier keeps its class.

    Deterministic given that `p_lower` is at most the true probability: the radius holds on the
    event that the bound does, and fails with it. It never comes out infinite.

    Args:
        p_lower: Lower bounds on the probability of the class under noise, in [0, 1), any shape.
            A bound from finitely many draws never reaches 1, so 1 is refused.
        sigma: Standard deviation of the noise in pixel units, positive and finite.

    Returns:
        `sigma` times the normal quantile of `p_lower`, in pixel units; exactly 0 where
        `p_lower` is at most 1/2. Floating point never makes it larger.

    Raises:
        InvalidSampleError: `p_lower` or `sigma` is out of range.

    Source:
        Cohen et al. 2019, Theorem 1 with p_B = 1 - p_A; IRS, Algorithm 1.
    """
    check_sigma(sigma)
    bound = np.asarray(p_lower, dtype=np.float64)
    bad = ~((bound >= 0) & (bound < 1))
    if np.any(bad):
        raise InvalidSampleError(f"p_lower must be in [0, 1); got {bound[bad].flat[0]}")
    # The quantile and the product are off by two units in the last place at most.
    radius = sigma * ndtri(np.maximum(bound, 0.5)) * (1 - 4 * np.finfo(np.float64).eps)
    return np.where(bound > 0.5, radius, 0.0)


def two_sided_radius(p_lower: ArrayLike, other_upper: ArrayLike, sigma: float) -> Floats:
    """The L2 radius within which the smoothed classifier keeps its class, by both of its bounds.

    Deterministic given both bounds: the radius holds on the event that both do.

    Args:
        p_lower: Lower bounds on the probability of the class under noise, in [0, 1), any shape.
        other_upper: Upper bounds on the probability of every other class, in [0, 1]; broadcasts
            with `p_lower`.
        sigma: Standard deviation of the noise in pixel units, positive and finite.

    Returns:
        Half of `sigma` times the difference of the normal quantiles, in pixel units; exactly 0
        where `p_lower` is at most `other_upper`. Floating point never makes it larger.

    Raises:
        InvalidSampleError: A value is out of range.

    Source:
        Cohen et al. 2019, Theorem 1.
    """
    check_sigma(sigma)
    low, high = np.asarray(p_lower, np.float64), np.asarray(other_upper, np.float64)
    if not np.all((low >= 0) & (low < 1)) or not np.all((high >= 0) & (high <= 1)):
        raise InvalidSampleError("p_lower must be in [0, 1) and other_upper in [0, 1]")
    # A bound of 0 on the others would claim an infinite radius.
    above, below = ndtri(np.maximum(low, _TINY)), ndtri(np.clip(high, _TINY, _BELOW_ONE))
    # Each quantile is off by two units in the last place at most, and their sizes add up where
    # the difference is small.
    lost = 8 * np.finfo(np.float64).eps * (np.abs(above) + np.abs(below))
    radius = sigma / 2 * (above - below - lost)
    return np.where((low > high) & (radius > 0), radius, 0.0)


def check_sigma(sigma: float) -> None:
    """Refuse a noise level that is not positive and finite."""
    if not 0 < sigma < float("inf"):
        raise InvalidSampleError(f"sigma must be positive and finite; got {sigma}")


def probability_gap(radius: float, reach: float, sigma: float) -> float:
    """Phi(radius / sigma) - Phi(reach / sigma), rounded down; 0 where the radii are equal.

    If f predicts a class with probability at least Phi(radius / sigma), and f^p leaves it on
    draws of at most this probability, f^p predicts it with at least Phi(reach / sigma).
    """
    # Upper tails keep their digits where both probabilities are close to 1.
    gap = float(ndtr(-reach / sigma) - ndtr(-radius / sigma))
    return max(0.0, gap * (1 - _GAP_MARGIN) - _LEAST_GAP)
