"""Incremental randomized smoothing (IRS): certify f^p from what certifying f left behind."""

import numpy as np
from numpy.typing import ArrayLike

from irs_core.certify.certificates import (
    Branch,
    Certificates,
    certificates_from_bounds,
    check_same_length,
)
from irs_core.certify.rs import Cache, check_hits
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.stats.binomial import check_alpha, integers

UNUSED = 0
"""What to pass for a count that the branch of its input does not look at."""


def certify_irs(
    cache: Cache,
    *,
    disagreements: ArrayLike,
    fresh_hits: ArrayLike,
    n_p: int,
    alpha_zeta: float,
    gamma: float,
    sigma: float,
) -> Certificates:
    """Certify a compressed classifier f^p incrementally, as published.

    Where the cached bound p_lower is below `gamma`, the candidate of the cache is certified at
    p_lower - zeta, with zeta the upper bound on P(f != f^p) at level `alpha_zeta`; elsewhere at
    the lower bound of `fresh_hits` of `n_p` at level alpha + `alpha_zeta`, with alpha that of
    the cache. Where that is at most 1/2, it abstains. What f^p itself predicts most is never
    consulted.

    Guarantee, per input. The paper claims a failure probability of alpha + `alpha_zeta`
    (`claimed_failure`); proven for the published rule is alpha + 2 `alpha_zeta`
    (`provable_failure`). The branch depends on the same draws as p_lower and zeta: if the true
    p_A is below `gamma`, a direct decision implies that p_lower is too large, an event already
    counted in alpha, so alpha + `alpha_zeta` covers everything; if p_A is at least `gamma`, the
    incremental branch fails only through zeta (`alpha_zeta`) and the direct one through its own
    bound (alpha + `alpha_zeta`), and these add up.

    Conditions: the estimation draws of the cache are independent of its selection draws; the
    disagreements are counted on cached estimation draws, f and f^p on the same noise;
    `fresh_hits` counts the candidate of the cache, not the top class of f^p, on draws disjoint
    from all cached ones; `n_p`, `gamma` and the levels are fixed before the draws. The sum above
    is a union bound given the selection draws. It would therefore survive fresh draws shared
    with the estimation draws, but does not cover any shared with the selection draws; unpaired
    disagreements would only make zeta larger.

    Args:
        cache: What certifying f left behind, N inputs.
        disagreements: Draws, of the first `n_p` cached ones, on which f and f^p differ, shape
            (N,). Ignored in the direct branch; pass `UNUSED` there.
        fresh_hits: Fresh draws, of `n_p`, on which f^p predicted the candidate of the cache,
            shape (N,). Ignored in the incremental branch; pass `UNUSED` there.
        n_p: Draws of f^p per input, in [1, cache.n].
        alpha_zeta: Failure probability of zeta, in (0, 1) and below 1 - cache.alpha.
        gamma: Threshold on p_lower, in (0.5, 1]. At 1 every input is incremental.
        sigma: Standard deviation of the noise in pixel units, positive.

    Returns:
        Certificates of method `irs`, `n_p` samples each. `p_lower` bounds the probability that
        f^p predicts the candidate; `zeta_upper` is NaN in the direct branch.

    Raises:
        InvalidSampleError: Shapes differ, or a parameter or a used count is out of range.

    Source:
        IRS, Algorithms 2 and 3; claim: Theorem 4.
    """
    _check_parameters(cache, n_p, alpha_zeta, gamma)
    differ = integers("disagreements", disagreements)
    hits = integers("fresh_hits", fresh_hits)
    check_same_length(candidate=cache.candidate, disagreements=differ, fresh_hits=hits)
    direct = cache.p_lower >= gamma
    differ = np.where(direct, UNUSED, differ)
    hits = np.where(direct, hits, UNUSED)
    check_hits("disagreements", differ, n_p)
    check_hits("fresh_hits", hits, n_p)

    zeta = binomial_upper_bound(differ, n_p, alpha_zeta)
    incremental_bound = np.maximum(cache.p_lower - zeta, 0.0)
    direct_bound = binomial_lower_bound(hits, n_p, cache.alpha + alpha_zeta)
    return certificates_from_bounds(
        cache.candidate,
        np.where(direct, direct_bound, incremental_bound),
        n_samples=np.full(len(cache), n_p, dtype=np.int64),
        branch=np.where(direct, Branch.DIRECT, Branch.INCREMENTAL).astype(np.uint8),
        zeta_upper=np.where(direct, np.nan, zeta),
        sigma=sigma,
        method="irs",
        claimed_failure=cache.alpha + alpha_zeta,
        provable_failure=cache.alpha + 2 * alpha_zeta,
    )


def _check_parameters(cache: Cache, n_p: int, alpha_zeta: float, gamma: float) -> None:
    if not 1 <= n_p <= cache.n:
        raise InvalidSampleError(f"n_p must be in [1, n={cache.n}]; got {n_p}")
    check_alpha(alpha_zeta, "alpha_zeta")
    if cache.alpha + alpha_zeta >= 1:
        raise InvalidSampleError(
            f"alpha + alpha_zeta must be below 1; got {cache.alpha + alpha_zeta}"
        )
    if not 0.5 < gamma <= 1:
        raise InvalidSampleError(f"gamma must be in (0.5, 1]; got {gamma}")
