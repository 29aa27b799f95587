"""Conditional incremental certification (CIRS): charge f^p only for leaving the cached class.

The method, its proof and its exact coverage are in docs/methods/cirs.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify.certificates import (
    Branch,
    Certificates,
    certificates_from_bounds,
    check_same_length,
)
from irs_core.certify.rs import Cache
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.stats.binomial import check_alpha, integers


def certify_cirs(
    cache: Cache,
    *,
    draws: ArrayLike,
    leavers: ArrayLike,
    fresh_hits: ArrayLike,
    threshold: ArrayLike,
    a1: float,
    a2: float,
    sigma: float,
    pilot: int = 0,
) -> Certificates:
    """Certify a compressed classifier f^p from cached draws on which f predicted the candidate.

    Let c be the candidate of the cache, A the draws on which f predicts c, p = P(A), q the
    probability that f^p leaves c given A, and L and U the one-sided Clopper-Pearson bounds.

    - Cached hits k_A below `threshold` (incremental): P(f^p = c) is at least
      L(k_A, n, a1) * (1 - U(leavers, draws, a2)), since P(f^p = c) >= p (1 - q).
    - Otherwise (direct): it is at least L(fresh_hits, draws, a1 + a2).

    Each certificate fails with probability at most a1 + a2. If p < L(threshold, n, a1), a direct
    decision implies L(k_A, n, a1) > p, an event that a1 has paid for, and the incremental
    branch adds at most a2. Otherwise the incremental branch cannot fail through a1, so that
    either branch, given the cache, fails with probability at most a1 + a2.

    Conditions, per input:
        - c is a function of draws independent of the n cached ones.
        - `threshold`, `a1` and `a2` do not depend on the cached draws, nor on f^p's answers to
          the counted ones. `cache.alpha` and `cache.p_lower` are not used.
        - `draws` is a function of which cached draws were hits and of what is independent of
          the noise of the cached draws; it does not depend on what f^p predicts on the counted
          draws. Where inputs share noise (NoiseSpec.group > 1), other inputs' cached outcomes
          are not independent of it.
        - Incremental: `leavers` counts draws chosen among the k_A hits by their positions (the
          first ones, for instance), never by scores, margins or anything else about the noise.
        - Direct: `fresh_hits` counts c, not the top class of f^p, on draws independent of the
          cached ones.

    Args:
        cache: What certifying f left behind, N inputs.
        draws: Draws of f^p per input, shape (N,): at most `cache.agree_counts` where
            incremental; 0 abstains.
        leavers: Of the chosen cached hits, on how many f^p did not predict the candidate, shape
            (N,). Ignored where direct.
        fresh_hits: Of `draws` fresh draws, on how many f^p predicted the candidate, shape (N,).
            Ignored where incremental.
        threshold: Cached hits from which an input is direct, in [0, n + 1]; a number or shape
            (N,). n + 1 makes every input incremental.
        a1: Failure probability of the bound on P(A), in (0, 1).
        a2: Failure probability of the bound on the leave rate, in (0, 1) and below 1 - a1.
        sigma: Standard deviation of the noise in pixel units, positive.
        pilot: Draws of f^p per input that planning took, at least 0; they count as samples.

    Returns:
        Certificates of method `cirs`. `zeta_upper` is the bound on the leave rate, NaN where
        direct or skipped.

    Raises:
        InvalidSampleError: Shapes differ, or a parameter or a used count is out of range.
    """
    check_alpha(a1, "a1")
    check_alpha(a2, "a2")
    if a1 + a2 >= 1:
        raise InvalidSampleError(f"a1 + a2 must be below 1; got {a1 + a2}")
    counts = read_counts(cache, draws, leavers, fresh_hits, threshold, pilot)
    m, direct, size = counts.draws, counts.direct, np.maximum(counts.draws, 1)
    leave = np.where(m > 0, binomial_upper_bound(counts.leavers, size, a2), 1.0)
    incremental = binomial_lower_bound(cache.agree_counts, cache.n, a1) * (1 - leave)
    branch = np.where(direct, Branch.DIRECT, Branch.INCREMENTAL)
    return certificates_from_bounds(
        cache.candidate,
        np.where(direct, binomial_lower_bound(counts.fresh_hits, size, a1 + a2), incremental),
        n_samples=m + pilot,
        branch=np.where(m > 0, branch, Branch.SKIPPED).astype(np.uint8),
        zeta_upper=np.where(direct | (m == 0), np.nan, leave),
        sigma=sigma,
        method="cirs",
        claimed_failure=a1 + a2,
        provable_failure=a1 + a2,
    )


@dataclass(frozen=True, eq=False)
class CirsCounts:
    """Checked counts of the inputs, (inputs,); 0 where a branch does not read them.

    Args:
        draws: Draws of f^p.
        leavers: Of an incremental input's draws, how many left the candidate.
        fresh_hits: Of a direct input's draws, how many gave it.
        direct: Which inputs are direct.
    """

    draws: NDArray[np.int64]
    leavers: NDArray[np.int64]
    fresh_hits: NDArray[np.int64]
    direct: NDArray[np.bool_]


def read_counts(
    cache: Cache,
    draws: ArrayLike,
    leavers: ArrayLike,
    fresh_hits: ArrayLike,
    threshold: ArrayLike,
    pilot: int,
) -> CirsCounts:
    """The counts that `certify_cirs` was given, by branch.

    Raises:
        InvalidSampleError: Shapes differ, or a count or the threshold is out of range.
    """
    m, left = integers("draws", draws), integers("leavers", leavers)
    hits = integers("fresh_hits", fresh_hits)
    check_same_length(candidate=cache.candidate, draws=m, leavers=left, fresh_hits=hits)
    direct = cache.agree_counts >= _thresholds(threshold, cache.n)
    if pilot < 0 or np.any(m < 0):
        raise InvalidSampleError(f"draws and pilot must be at least 0; got pilot={pilot}")
    if np.any(~direct & (m > cache.agree_counts)):
        raise InvalidSampleError(
            "an incremental input has at most as many draws as cached hits; got more"
        )
    left, hits = np.where(direct, 0, left), np.where(direct, hits, 0)
    if np.any((left < 0) | (left > m) | (hits < 0) | (hits > m)):
        raise InvalidSampleError("leavers and fresh_hits must be in [0, draws] of the input")
    return CirsCounts(m, left, hits, direct)


def _thresholds(threshold: ArrayLike, n: int) -> NDArray[np.int64]:
    at = integers("threshold", threshold)
    if np.any((at < 0) | (at > n + 1)):
        raise InvalidSampleError(f"threshold must be in [0, n + 1 = {n + 1}]; got {at}")
    return at
