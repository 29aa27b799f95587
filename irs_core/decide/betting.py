"""A guaranteed interval for the mean of bounded values, by betting against candidate means."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.errors import InvalidSampleError

_STEPS = 60
# A bet never risks more than this share of the capital.
_STAKE = 0.5
# Seed of the order of all bets.
_ORDER = 0


def bounded_mean_interval(
    values: ArrayLike, *, low: float, high: float, beta: float
) -> tuple[float, float]:
    """Confidence interval of the mean of a distribution on a known range.

    It misses the mean with probability at most `beta`, for any distribution on the range and any
    number of values, if the values are independent and of one distribution. Inputs as they lie in
    folders, class by class, are not of one distribution in that order; so the values are taken in
    an order that was drawn without them, in which samples are.

    A capital that starts at 1 bets on every value that the mean is above m; if the mean is at
    most m, it is a nonnegative supermartingale and reaches 2 / beta with probability at most
    beta / 2 (Ville). The lower end is the largest m at which it did; it falls in m, so bisection
    finds it. The upper end is the lower end of the mirrored values.

    Args:
        values: Shape (N,), N at least 1.
        low, high: The range, known without looking at the values.
        beta: Failure probability of the interval, in (0, 1).

    Returns:
        Lower and upper end, inside the range.

    Raises:
        InvalidSampleError: There is no value, one is out of range, or `beta` is.

    Source:
        Waudby-Smith & Ramdas 2023, Sec. 4 (capital process, truncated predictable plug-in).
    """
    unit = _unit(values, low, high, beta)
    stakes = _stakes(unit, beta / 2)
    bottom = _lower_end(unit, stakes, beta / 2)
    top = 1 - _lower_end(1 - unit, stakes, beta / 2)
    return low + (high - low) * bottom, low + (high - low) * top


def surely_above(values: ArrayLike, mean: float, *, low: float, high: float, beta: float) -> bool:
    """Whether the mean of a distribution on a known range is above `mean`.

    Wrongly true with probability at most `beta`: the one-sided test behind the lower end of
    `bounded_mean_interval` at 2 `beta`, whose conditions are its own.

    Args:
        mean: In (low, high).
        values, low, high: As for `bounded_mean_interval`.
        beta: Failure probability, in (0, 1).

    Raises:
        InvalidSampleError: There is no value, or one is out of range.
    """
    unit = _unit(values, low, high, beta)
    at = (mean - low) / (high - low)
    if not 0 < at < 1:
        raise InvalidSampleError(f"mean must be inside ({low}, {high}); got {mean}")
    return _refuted(unit, _stakes(unit, beta), beta, at)


def _unit(values: ArrayLike, low: float, high: float, beta: float) -> NDArray[np.float64]:
    """The values moved to [0, 1], in an order that does not depend on them."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InvalidSampleError(f"need values of shape (N,), N >= 1; got shape {array.shape}")
    if not low < high or not np.all((array >= low) & (array <= high)):
        raise InvalidSampleError(
            f"every value must be in [{low}, {high}]; got {array.min()} to {array.max()}"
        )
    if not 0 < beta < 1:
        raise InvalidSampleError(f"beta must be in (0, 1); got {beta}")
    order = np.random.default_rng(_ORDER).permutation(len(array))
    return (array[order] - low) / (high - low)


def _stakes(unit: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """The bet on each value, from the values before it: sqrt(2 ln(1 / beta) / (N variance))."""
    n = len(unit)
    seen = np.arange(1, n + 1)
    mean = (0.5 + np.cumsum(unit)) / (seen + 1)
    variance = (0.25 + np.cumsum((unit - mean) ** 2)) / (seen + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    stakes: NDArray[np.float64] = np.sqrt(2 * math.log(1 / beta) / (n * before))
    return stakes


def _refuted(
    unit: NDArray[np.float64], stakes: NDArray[np.float64], beta: float, mean: float
) -> bool:
    """Whether the capital against a mean reaches 1 / beta."""
    # min(stake, 1/2 / mean) keeps every factor at least 1/2, and every factor falls in mean.
    growth = np.log1p(np.minimum(stakes, _STAKE / mean) * (unit - mean))
    return bool(np.cumsum(growth).max() >= math.log(1 / beta) * (1 + 1e-9))


def _lower_end(unit: NDArray[np.float64], stakes: NDArray[np.float64], beta: float) -> float:
    """The largest mean that the capital refutes, rounded down; 0 where it refutes none."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _refuted(unit, stakes, beta, middle) else (low, middle)
    return low
