"""How many draws a wished radius needs."""

import math

import numpy as np
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    bdtrc,
    betaincinv,
    ndtr,
)

from irs_core.errors import InvalidSampleError
from irs_core.stats.binomial import binomial_lower_bound, check_alpha
from irs_core.stats.planning import least_n_to_certify

_MOST_DRAWS = 2**40


def samples_for_radius(radius: float, *, p: float, sigma: float, alpha: float) -> int | None:
    """The least number of draws that certify `radius` when the top class wins its expected share.

    The bound is taken at the real-valued count p*n, where it grows with n, so that rounding plays
    no part; about half of all runs with so many draws reach the radius (`chance_of_radius`).

    Args:
        radius: Wanted L2 radius in pixel units, at least 0.
        p: Supposed probability of the top class under noise, in [0, 1].
        sigma: Standard deviation of the noise in pixel units, positive.
        alpha: Failure probability in (0, 1).

    Returns:
        Draws; None where no number suffices, because p is at most Phi(radius / sigma), or where
        more than 2^40 would be needed.

    Raises:
        InvalidSampleError: A parameter is out of range.

    Source:
        Cohen et al. 2019, Section 3.2.2: sigma * Phi^-1(lower bound) is the certified radius.
    """
    target = _target(radius, sigma)
    _check_share(p)
    check_alpha(alpha)
    if p <= target:
        return None

    def reached(n: int) -> bool:
        lower = betaincinv(p * n, n - p * n + 1, alpha)
        return bool(lower > 0.5 if radius == 0 else lower >= target)

    low = high = least_n_to_certify(alpha)
    while not reached(high):
        low, high = high + 1, 2 * high
        if high > _MOST_DRAWS:
            return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low


def chance_of_radius(
    radius: float, *, n: int, p: float, sigma: float, alpha: float
) -> tuple[float, int | None]:
    """How likely `n` draws certify a radius, exactly, and the least count that does.

    Args:
        radius: Wanted L2 radius in pixel units, at least 0.
        n: Draws, at least 1.
        p: Probability of the tested class under noise, in [0, 1].
        sigma: Standard deviation of the noise in pixel units, positive.
        alpha: Failure probability in (0, 1).

    Returns:
        The probability that a Binomial(n, p) count reaches the least count, and that count; 0 and
        None where not even n of n certify the radius.

    Raises:
        InvalidSampleError: A parameter is out of range.
    """
    target = _target(radius, sigma)
    _check_share(p)

    def reached(k: int) -> bool:
        lower = float(binomial_lower_bound(k, n, alpha))
        return lower > 0.5 if radius == 0 else lower >= target

    if not reached(n):
        return 0.0, None
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    # bdtrc(k, n, p) is P(count > k).
    return float(bdtrc(low - 1, n, p)), low


def _target(radius: float, sigma: float) -> float:
    """The lower bound that a radius needs."""
    if not (radius >= 0 and math.isfinite(radius)):
        raise InvalidSampleError(f"radius must be finite and at least 0; got {radius}")
    if not (sigma > 0 and math.isfinite(sigma)):
        raise InvalidSampleError(f"sigma must be positive and finite; got {sigma}")
    return float(ndtr(np.float64(radius) / sigma))


def _check_share(p: float) -> None:
    if not 0 <= p <= 1:
        raise InvalidSampleError(f"p must be in [0, 1]; got {p}")
