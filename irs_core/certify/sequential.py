"""Sequential certification (`seq`): each input stops as soon as its answer is known.

The method and its proof are in docs/methods/seq.md; when to stop is in `certify.stopping`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify.certificates import ABSTAIN, Branch, Certificates, check_same_length
from irs_core.certify.rs import Cache
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, certified_radius
from irs_core.stats.anytime import least_upper
from irs_core.stats.binomial import check_alpha, integers
from irs_core.stats.sequential import first_crossing, limit_q0

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Two roundings of p_lower, each by less than one unit in the last place.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


def certify_sequential(
    cache: Cache,
    *,
    failures: ArrayLike,
    draws: ArrayLike,
    a1: float,
    a2: float,
    sigma: float,
    radius: ArrayLike | None = None,
    threshold: ArrayLike | None = None,
    p_lower: ArrayLike | None = None,
    pilot: int = 0,
) -> Certificates:
    """Certify a compressed classifier f^p from draws that stopped at any time.

    Let c be the candidate of the cache, A the draws on which f predicts c, p = P(A), and q the
    probability that f^p leaves c given A.

    - Cached hits k_A below `threshold` (incremental): P(f^p = c) is at least
      L(k_A, n, a1) * (1 - U), L the Clopper-Pearson bound and U the anytime upper bound on q at
      level a2 from the leavers, since P(f^p = c) >= p (1 - q).
    - Otherwise (direct): it is at least 1 - U, U from fresh draws of f^p at level a1 + a2.

    Each certificate fails with probability at most a1 + a2, over all looks together, at any
    radius: one may stop, look, resume and take more draws of f^p, and a radius need not be named
    before. If p < L(threshold, n, a1), a direct decision implies L(k_A, n, a1) > p, an event that
    a1 has paid for, and the incremental branch adds at most a2. Otherwise the incremental branch
    cannot fail through a1, so that either branch, given the cache, fails with probability at most
    a1 + a2.

    Conditions, per input:
        - c is a function of draws independent of the n cached ones.
        - n, `threshold`, `a1` and `a2` are fixed before the cached draws and do not depend on
          f^p's answers to the counted draws. An input is incremental or direct for good, never
          whichever succeeds. `cache.alpha` and `cache.p_lower` are not used.
        - Incremental: failures are leavers among the first cached hits in the order of the
          stream. Another order may depend on the input's own cached outcomes, never on margins,
          scores or anything else about the noise, nor on other inputs.
        - Direct: failures are answers other than c, on draws independent of the cached ones.
        - How many draws are taken may depend on anything, also on other inputs and where inputs
          share noise (NoiseSpec.group > 1).
        - A cache whose n can grow, or that was stopped by outcomes, needs `p_lower`.

    Args:
        cache: What certifying f left behind, N inputs.
        failures: Failures so far, shape (N,); or up to each look, (N, looks), never falling along
            a row, of which the best look counts.
        draws: Draws of f^p so far, the shape of `failures`; at most `cache.agree_counts` where
            incremental. Where it is 0, the certifier abstains.
        a1: Failure probability of the bound on P(A), in (0, 1).
        a2: Failure probability of the bound on the leave rate, in (0, 1) and below 1 - a1.
        sigma: Standard deviation of the noise in pixel units, positive.
        radius: Certify this L2 radius in pixel units or abstain, a number or shape (N,); None
            certifies the largest radius that the draws prove.
        threshold: Cached hits from which an input is direct, in [0, n + 1]; a number or shape
            (N,). None makes every input incremental.
        p_lower: Lower bounds on p in [0, 1), shape (N,), that hold at all sizes of the cache
            together with probability at least 1 - a1 (`confidence_sequence_lower`,
            `looked_lower_bound`). Not with `threshold`. None means Clopper-Pearson.
        pilot: Draws of f^p per input that planning took, at least 0; they count as samples.

    Returns:
        Certificates of method `seq`. `p_lower` is the bound on P(f^p = c) from the same draws,
        with or without `radius`. `zeta_upper` is the bound on the leave rate, NaN where direct or
        skipped.

    Raises:
        InvalidSampleError: Shapes differ, or a value is out of range.
    """
    k, j = _rows(failures, draws)
    check_same_length(candidate=cache.candidate, draws=j[:, -1])
    direct = _direct(cache, threshold, p_lower)
    _check(cache, j, direct, a1, a2, pilot)
    bound = binomial_lower_bound(cache.agree_counts, cache.n, a1) if p_lower is None else p_lower
    base = np.where(direct, 1.0, np.asarray(bound, np.float64))
    upper, proven = np.ones(len(cache)), np.zeros(len(cache), np.bool_)
    for rows, level in ((~direct, a2), (direct, a1 + a2)):
        upper[rows] = least_upper(k[rows], j[rows], level)
        if radius is not None:
            wanted = np.broadcast_to(np.asarray(radius, np.float64), len(cache))[rows]
            limit = limit_q0(base[rows], wanted, sigma)
            proven[rows] = first_crossing(k[rows], j[rows], limit, level) > 0
    taken = j[:, -1]
    branch = np.where(direct, Branch.DIRECT, Branch.INCREMENTAL)
    return _certificates(
        cache.candidate,
        _product(base, upper),
        radius,
        proven,
        n_samples=taken + pilot,
        branch=np.where(taken > 0, branch, Branch.SKIPPED).astype(np.uint8),
        zeta_upper=np.where(direct | (taken == 0), np.nan, upper),
        sigma=sigma,
        alpha=a1 + a2,
    )


def certify_sequential_scratch(
    candidate: ArrayLike,
    *,
    failures: ArrayLike,
    draws: ArrayLike,
    n0: int,
    alpha: float,
    sigma: float,
    radius: ArrayLike | None = None,
) -> Certificates:
    """Certify any classifier f from draws that stopped at any time; no other model is used.

    P(f = c) is at least 1 - U, c the candidate and U the anytime upper bound on the rate of other
    answers. Each certificate fails with probability at most `alpha`, over all looks together and
    at any radius: the rate is at least q* = 1 - P(f = c), a wrong certificate at any radius and
    any look is a crossing of a limit of at most q*, hence one of q* itself, and Ville's inequality
    is used once.

    Conditions, per input:
        - c is a function of draws independent of the counted ones, such as selection draws.
        - The counted draws are independent normal noise, the first ones of their stream. How many
          are taken may depend on anything, also on other inputs.
        - `alpha` is fixed before the counted draws.

    What stopped so is no cache of fixed n: Clopper-Pearson bounds do not hold for it, so that
    nothing is certified incrementally from it.

    Args:
        candidate: c, shape (N,).
        failures: Answers other than c so far, shape (N,); or up to each look, (N, looks), never
            falling along a row, of which the best look counts.
        draws: Counted draws so far, the shape of `failures`. Where it is 0, the certifier abstains.
        n0: Selection draws per input, at least 1; they count as samples.
        alpha: Failure probability, in (0, 1).
        sigma: Standard deviation of the noise in pixel units, positive.
        radius: As for `certify_sequential`.

    Returns:
        Certificates of method `seq`.

    Raises:
        InvalidSampleError: Shapes differ, or a value is out of range.
    """
    k, j = _rows(failures, draws)
    tested = integers("candidate", candidate)
    check_same_length(candidate=tested, draws=j[:, -1])
    check_alpha(alpha)
    if n0 < 1:
        raise InvalidSampleError(f"n0 must be at least 1; got {n0}")
    upper, proven = least_upper(k, j, alpha), np.zeros(len(tested), np.bool_)
    if radius is not None:
        limit = np.broadcast_to(limit_q0(1.0, radius, sigma), (len(tested),))
        proven = first_crossing(k, j, limit, alpha) > 0
    return _certificates(
        tested,
        _product(np.ones(len(tested)), upper),
        radius,
        proven,
        n_samples=n0 + j[:, -1],
        branch=np.full(len(tested), Branch.SCRATCH, np.uint8),
        zeta_upper=np.full(len(tested), np.nan),
        sigma=sigma,
        alpha=alpha,
    )


def largest_proven(made: Sequence[Certificates]) -> Certificates:
    """The largest radius of each input among certificates of the same draws at one level.

    One event is behind those of all radii, named or not, so that the level stays that of one of
    them; floating point may part them.

    Args:
        made: Of one classifier, from `certify_sequential` or `certify_sequential_scratch`; at
            least one.
    """
    first = made[0]
    radius = np.max([one.radius for one in made], axis=0)
    return replace(first, radius=radius, predicted=np.where(radius > 0, first.candidate, ABSTAIN))


def _certificates(
    candidate: Ints,
    p_lower: Floats,
    radius: ArrayLike | None,
    proven: Bools,
    *,
    n_samples: Ints,
    branch: NDArray[np.uint8],
    zeta_upper: Floats,
    sigma: float,
    alpha: float,
) -> Certificates:
    if radius is None:
        proven, size = p_lower > 0.5, certified_radius(p_lower, sigma)
    else:
        size = np.broadcast_to(np.asarray(radius, np.float64), len(candidate))
    return Certificates(
        predicted=np.where(proven, candidate, ABSTAIN),
        candidate=candidate,
        p_lower=p_lower,
        radius=np.where(proven, size, 0.0),
        n_samples=n_samples,
        branch=branch,
        zeta_upper=zeta_upper,
        sigma=sigma,
        method="seq",
        claimed_failure=alpha,
        provable_failure=alpha,
    )


def _product(base: Floats, upper: Floats) -> Floats:
    """`base` * (1 - `upper`), rounded down."""
    return np.asarray(base * (1 - upper) * (1 - _ROUNDING))


def _rows(failures: ArrayLike, draws: ArrayLike) -> tuple[Ints, Ints]:
    """Counts as (N, looks); one look where only the counts so far are given."""
    k, j = integers("failures", failures), integers("draws", draws)
    if k.shape != j.shape or k.ndim not in (1, 2) or (k.ndim == 2 and k.shape[1] == 0):
        raise InvalidSampleError(
            f"failures and draws must have one shape, (N,) or (N, looks); got {k.shape}, {j.shape}"
        )
    return (k, j) if k.ndim == 2 else (k[:, None], j[:, None])


def _direct(cache: Cache, threshold: ArrayLike | None, p_lower: ArrayLike | None) -> Bools:
    if threshold is None:
        return np.zeros(len(cache), dtype=np.bool_)
    if p_lower is not None:
        raise InvalidSampleError(
            "threshold needs a cache of fixed n; leave it out where p_lower is given"
        )
    at = integers("threshold", threshold)
    if np.any((at < 0) | (at > cache.n + 1)):
        raise InvalidSampleError(f"threshold must be in [0, n + 1 = {cache.n + 1}]; got {at}")
    return np.asarray(cache.agree_counts >= at)


def _check(cache: Cache, draws: Ints, direct: Bools, a1: float, a2: float, pilot: int) -> None:
    check_alpha(a1, "a1")
    check_alpha(a2, "a2")
    if a1 + a2 >= 1:
        raise InvalidSampleError(f"a1 + a2 must be below 1; got {a1 + a2}")
    if pilot < 0:
        raise InvalidSampleError(f"pilot must be at least 0; got {pilot}")
    over = ~direct & (draws[:, -1] > cache.agree_counts)
    if np.any(over):
        row = int(np.argmax(over))
        raise InvalidSampleError(
            "an incremental input has at most as many draws as cached hits; "
            f"got {draws[row, -1]} draws and {cache.agree_counts[row]} hits in row {row}"
        )
