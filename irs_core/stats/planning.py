"""How many draws a wish needs, and what a number of draws can reach at best."""

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betainccinv,
    betaincinv,
    ndtri,
)

from irs_core.errors import InvalidSampleError, UnknownKeyError
from irs_core.stats.binomial import (
    binomial_lower_bound,
    binomial_upper_bound,
    check_alpha,
    integers,
)
from irs_core.stats.radius import certified_radius

IntervalMethod = Literal["clopper-pearson", "wilson", "agresti-coull"]
INTERVAL_METHODS: tuple[IntervalMethod, ...] = get_args(IntervalMethod)

_Width = Callable[[float, int], float]
_MOST_DRAWS = 2**40
_SHORT_RUNS = 4


@overload
def samples_for_error(method: IntervalMethod, p: float, error: float, alpha: float) -> int: ...
@overload
def samples_for_error(
    method: IntervalMethod, p: NDArray[np.float64], error: float, alpha: float
) -> NDArray[np.int64]: ...
def samples_for_error(
    method: IntervalMethod, p: float | NDArray[np.float64], error: float, alpha: float
) -> int | NDArray[np.int64]:
    """The least number of draws at which an interval is at most `error` wide.

    The interval has two sides, each one-sided at level `alpha`, and is taken at the successes
    k nearest to p*n (of two equally near ones, the one nearer to n/2). Rounding makes the
    width jump up wherever k does, so that a few larger n may miss the error again; the answer
    is the least n that meets it.

    Args:
        method: `clopper-pearson`, `wilson` or `agresti-coull`.
        p: Supposed success probability in [0, 1]; a number, or an array of any shape.
        error: Largest width upper - lower wanted, in (0, 1).
        alpha: Failure probability of each side, in (0, 0.5).

    Returns:
        Draws, at least 1: an integer for a number `p`, otherwise an array of the shape of `p`.

    Raises:
        UnknownKeyError: No method has that name.
        InvalidSampleError: `p`, `error` or `alpha` is out of range, or the answer above 2^40.

    Source:
        IRS, Section 3.1, Figure 2 and Appendix A.1.
    """
    width = _width_function(method, alpha)
    if not 0 < error < 1:
        raise InvalidSampleError(f"error must be in (0, 1); got {error}")
    shares = np.asarray(p, dtype=np.float64)
    bad = ~((shares >= 0) & (shares <= 1))
    if np.any(bad):
        raise InvalidSampleError(f"p must be in [0, 1]; got {shares[bad].flat[0]}")
    # All three intervals mirror at 1/2, so only the lower half needs solving.
    sizes = [_least_draws(width, min(share, 1 - share), error) for share in shares.flat]
    if shares.ndim == 0:
        return sizes[0]
    return np.array(sizes, dtype=np.int64).reshape(shares.shape)


def largest_certifiable_radius(n: ArrayLike, alpha: float, sigma: float) -> NDArray[np.float64]:
    """The radius certified when every one of `n` draws agrees; nothing larger is possible.

    Args:
        n: Estimation draws, at least 1; any shape.
        alpha: Failure probability in (0, 1).
        sigma: Standard deviation of the noise in pixel units, positive.

    Returns:
        `sigma` times the normal quantile of alpha^(1/n), the shape of `n`; 0 where that is at
        most 1/2, so that no radius can be certified.

    Raises:
        InvalidSampleError: A parameter is out of range.
    """
    return certified_radius(binomial_lower_bound(n, n, alpha), sigma)


def least_n_to_certify(alpha: float) -> int:
    """The least number of draws at which any radius can be certified.

    It is the least n with alpha^(1/n) > 1/2, i.e. alpha > 2^-n, found without rounding.

    Args:
        alpha: Failure probability in (0, 1).

    Returns:
        Draws, at least 1.

    Raises:
        InvalidSampleError: `alpha` is out of range.
    """
    check_alpha(alpha)
    mantissa, exponent = math.frexp(alpha)
    return 1 - exponent + (mantissa == 0.5)


def zeta_floor(n_p: ArrayLike, alpha_zeta: float) -> NDArray[np.float64]:
    """The upper bound on zeta when none of `n_p` draws disagrees; it gets no smaller.

    Args:
        n_p: Draws of both classifiers, at least 1; any shape.
        alpha_zeta: Failure probability in (0, 1).

    Returns:
        1 - alpha_zeta^(1/n_p), the shape of `n_p`.

    Raises:
        InvalidSampleError: A parameter is out of range.

    Source:
        IRS, Algorithm 3 at a disagreement count of 0.
    """
    check_alpha(alpha_zeta, "alpha_zeta")
    return binomial_upper_bound(np.zeros_like(integers("n_p", n_p)), n_p, alpha_zeta)


def _width_function(method: str, alpha: float) -> _Width:
    """Width of an interval as a function of real-valued successes and of draws."""
    if not 0 < alpha < 0.5:
        raise InvalidSampleError(f"alpha must be in (0, 0.5); got {alpha}")
    z = float(-ndtri(alpha))

    def clopper_pearson(k: float, n: int) -> float:
        lower = betaincinv(k, n - k + 1, alpha) if k > 0 else 0.0
        upper = betainccinv(k + 1, n - k, alpha) if k < n else 1.0
        return float(upper - lower)

    def wilson(k: float, n: int) -> float:
        centre = (k + z * z / 2) / (n + z * z)
        half = z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
        return min(centre + half, 1.0) - max(centre - half, 0.0)

    def agresti_coull(k: float, n: int) -> float:
        centre = (k + z * z / 2) / (n + z * z)
        half = z * math.sqrt(centre * (1 - centre) / (n + z * z))
        return min(centre + half, 1.0) - max(centre - half, 0.0)

    widths: dict[str, _Width] = {
        "clopper-pearson": clopper_pearson,
        "wilson": wilson,
        "agresti-coull": agresti_coull,
    }
    if method not in widths:
        raise UnknownKeyError(f"interval must be one of {', '.join(widths)}; got {method!r}")
    return widths[method]


def _least_draws(width: _Width, p: float, error: float) -> int:
    """The least n with a small enough width at the count nearest p*n, for p <= 1/2.

    While the rounded count stays the same, the width falls with n, so the best n of such a run
    is its last. The first run whose last n meets the error is bisected for the answer. Runs of
    few successes, where widths need not fall from run to run, are all tried; behind them the
    walk starts at the run where even the most favourable rounding first meets the error.
    """
    # One draw has a run of its own at p = 1/2: there its width can be less than that of two.
    if width(_nearest(p, 1), 1) <= error:
        return 1
    first, run = 2, 0
    while True:
        k = _nearest(p, first)
        last = _last_of_run(p, k, first)
        if width(k, last) <= error:
            return _first(partial(_meets, width, k, error), first, last)
        first, run = last + 1, run + 1
        if run == _SHORT_RUNS:
            first = _first(lambda n: width(max(p * n - 0.5, 0.0), n) <= error, first, _MOST_DRAWS)


def _meets(width: _Width, k: int, error: float, n: int) -> bool:
    return width(k, n) <= error


def _nearest(p: float, n: int) -> int:
    return math.floor(p * n + 0.5)


def _last_of_run(p: float, k: int, first: int) -> int:
    """The largest n, from `first` on, whose nearest count to p*n is still `k`."""
    if _nearest(p, _MOST_DRAWS) == k:
        return _MOST_DRAWS
    return _first(lambda n: _nearest(p, n) > k, first, _MOST_DRAWS) - 1


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least n in [low, high] with `holds(n)`, which must stay true once it is."""
    if not holds(high):
        raise InvalidSampleError(f"the error needs more than {high} draws; allow a larger one")
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
