"""Input-specific sample sizes (ISS): how few draws keep a certified radius within a decline."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betainc,
    betaincinv,
    ndtr,
    ndtri,
)

from irs_core.errors import InvalidSampleError, UnknownKeyError
from irs_core.stats.binomial import binomial_lower_bound, binomial_upper_bound, check_alpha
from irs_core.stats.radius import check_sigma

DeclineKind = Literal["AD", "RD"]
DECLINE_KINDS: tuple[DeclineKind, ...] = get_args(DeclineKind)


def iss_sample_sizes(
    p_grid: ArrayLike,
    *,
    k_max: int,
    sigma: float,
    alpha: float,
    decline: float,
    kind: DeclineKind = "AD",
) -> NDArray[np.int64]:
    """The mapping psi: the fewest draws whose radius falls short of that of `k_max` by little.

    Radii are those at a share of exactly p hits, with the Clopper-Pearson bound continued to
    real-valued counts: sigma * Phi^-1(B(alpha; p k, k - p k + 1)). The size is a plan and no
    guarantee about a certificate; see `certify_iss` for that.

    Args:
        p_grid: Supposed probabilities of the top class, in [0, 1], any shape.
        k_max: Draws whose radius is wanted, at least 1.
        sigma: Standard deviation of the noise in pixel units, positive.
        alpha: Failure probability of the bound, in (0, 1).
        decline: Most that the radius may fall: in pixel units, positive (`AD`), or as a share of
            the wanted radius, in (0, 1) (`RD`).
        kind: `AD` (absolute decline) or `RD` (relative decline).

    Returns:
        Draws in [0, k_max], the shape of `p_grid`; 0 where even a radius of 0 is good enough.

    Raises:
        InvalidSampleError: A parameter is out of range.
        UnknownKeyError: `kind` is neither.

    Source:
        ISS, Algorithm 1 and Definitions 1 and 2.
    """
    check_decline(k_max, sigma, alpha, decline, kind)
    p = np.asarray(p_grid, np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise InvalidSampleError("every p must be in [0, 1]")
    # At p = 0 there is no Beta distribution, and nothing to certify either.
    hits = np.maximum(p * k_max, np.finfo(float).tiny)
    wanted = ndtri(betaincinv(hits, k_max - p * k_max + 1, alpha))
    reduced = wanted - decline / sigma if kind == "AD" else wanted * (1 - decline)
    useful = reduced > 0
    sizes = np.zeros(p.shape, np.int64)
    sizes[useful] = _least_sizes(p[useful], ndtr(reduced[useful]), alpha, k_max)
    return sizes


def iss_allocation(
    hits: ArrayLike,
    *,
    k0: int,
    k_max: int,
    sigma: float,
    alpha: float,
    decline: float,
    kind: DeclineKind = "AD",
) -> NDArray[np.int64]:
    """Draws for each input, from how often `k0` draws gave its most frequent class.

    psi is taken at both ends of the two-sided interval for p_A itself, not on a grid.

    Args:
        hits: Selection draws, of `k0`, that gave the most frequent class, shape (N,).
        k0: Selection draws, at least 1.

    Other arguments and errors are those of `iss_sample_sizes`.

    Returns:
        Sample sizes in [0, k_max], shape (N,); 0 means abstain.

    Source:
        ISS, eq. 5 and Algorithm 2, lines 4 and 5.
    """
    check_decline(k_max, sigma, alpha, decline, kind)
    # Few different counts share few sizes.
    counts, which = np.unique(np.asarray(hits), return_inverse=True)
    ends = [
        binomial_lower_bound(counts, k0, alpha / 2),
        binomial_upper_bound(counts, k0, alpha / 2),
    ]
    sizes = iss_sample_sizes(
        np.stack(ends), k_max=k_max, sigma=sigma, alpha=alpha, decline=decline, kind=kind
    )
    return np.asarray(sizes.max(axis=0)[which], np.int64)


def check_decline(
    k_max: int, sigma: float, alpha: float, decline: float, kind: DeclineKind
) -> None:
    """Refuse parameters of ISS that are out of range."""
    check_sigma(sigma)
    check_alpha(alpha)
    if kind not in DECLINE_KINDS:
        raise UnknownKeyError(f"decline must be one of {', '.join(DECLINE_KINDS)}; got {kind!r}")
    if k_max < 1:
        raise InvalidSampleError(f"k_max must be at least 1; got {k_max}")
    if not 0 < decline < (float("inf") if kind == "AD" else 1):
        rule = "positive and finite" if kind == "AD" else "in (0, 1)"
        raise InvalidSampleError(f"a decline of kind {kind} must be {rule}; got {decline}")


def _least_sizes(
    p: NDArray[np.float64], bound: NDArray[np.float64], alpha: float, k_max: int
) -> NDArray[np.int64]:
    """The least k in [1, k_max] with B(alpha; p k, k - p k + 1) >= bound; k_max always meets it."""
    low, high = np.ones(p.shape, np.int64), np.full(p.shape, k_max, np.int64)
    while np.any(low < high):
        middle = (low + high) // 2
        # The quantile is at least the bound where the distribution there is at most alpha;
        # that is much cheaper than the quantile.
        enough = betainc(p * middle, middle - p * middle + 1, bound) <= alpha
        high = np.where(enough, middle, high)
        low = np.where(enough, low, np.minimum(middle + 1, high))
    return high
