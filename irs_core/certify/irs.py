"""Incremental randomized smoothing (IRS): certify f^p from what certifying f left behind."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify.certificates import (
    Branch,
    Certificates,
    certificates_from_bounds,
    check_same_length,
)
from irs_core.certify.rs import Cache, build_cache_from_hits, check_hits
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


def certify_irs_predictions(
    candidate: ArrayLike,
    base: ArrayLike,
    compressed_paired: ArrayLike,
    compressed_fresh: ArrayLike,
    *,
    n0: int,
    n: int,
    n_p: int,
    alpha: float,
    alpha_zeta: float,
    gamma: float,
    sigma: float,
) -> Certificates:
    """`certify_irs` from the predicted class of every draw.

    The guarantee and its conditions are those of `certify_irs`.

    Args:
        candidate: f's top class among `n0` selection draws, which are in none of the other
            arrays; shape (N,).
        base: Class that f predicted on each estimation draw, shape (N, at least n).
        compressed_paired: Class that f^p predicted on those same draws, in their order, shape
            (N, at least n_p).
        compressed_fresh: Class that f^p predicted on draws not used for f, shape
            (N, at least n_p). Rows of inputs in the incremental branch are ignored, except that
            they must hold classes.
        n0: Selection draws per input, at least 1.
        n: Estimation draws of f per input; the first `n` columns of `base` count.
        n_p: Draws of f^p per input, in [1, n].
        alpha: Failure probability of the bound on p_A, in (0, 1).
        alpha_zeta: Failure probability of zeta, in (0, 1) and below 1 - alpha.
        gamma: Threshold on p_lower, in (0.5, 1].
        sigma: Standard deviation of the noise in pixel units, positive.

    Raises:
        InvalidSampleError: Shapes differ, a used entry is no class, or a parameter is out of
            range.
    """
    tested = integers("candidate", candidate)
    drawn = _classes("base", base, n, "n")
    fresh = _classes("compressed_fresh", compressed_fresh, n_p, "n_p")
    if tested.shape != (len(drawn),) or len(fresh) != len(drawn):
        raise InvalidSampleError(
            "candidate, base and compressed_fresh must have one row per input; got shapes "
            f"{tested.shape}, {drawn.shape}, {fresh.shape}"
        )
    agree = (drawn == tested[:, None]).sum(axis=1)
    return certify_irs(
        build_cache_from_hits(tested, agree, n0=n0, n=n, alpha=alpha),
        disagreements=count_disagreements(base, compressed_paired, n_p=n_p),
        fresh_hits=(fresh == tested[:, None]).sum(axis=1),
        n_p=n_p,
        alpha_zeta=alpha_zeta,
        gamma=gamma,
        sigma=sigma,
    )


def count_disagreements(
    base_predictions: ArrayLike, compressed_predictions: ArrayLike, *, n_p: int
) -> NDArray[np.int64]:
    """Draws, of the first `n_p`, on which two classifiers predict different classes.

    The columns of both arrays must be the same draws in the same order: on draws that are not
    paired, the count is no estimate of P(f != f^p).

    Args:
        base_predictions: Class that f predicted on each draw, shape (N, at least n_p).
        compressed_predictions: Class that f^p predicted, shape (N, at least n_p).
        n_p: Draws to compare, at least 1.

    Returns:
        Counts in [0, n_p], shape (N,).

    Raises:
        InvalidSampleError: There are fewer than `n_p` draws, the numbers of inputs differ, or
            an entry is no class: negative, or the top value of an unsigned type, which marks
            a draw that is not computed.

    Source:
        IRS, Algorithm 3.
    """
    base = _classes("base_predictions", base_predictions, n_p, "n_p")
    compressed = _classes("compressed_predictions", compressed_predictions, n_p, "n_p")
    if len(base) != len(compressed):
        raise InvalidSampleError(
            f"both predictions must be of the same inputs; got {len(base)} and {len(compressed)}"
        )
    counts: NDArray[np.int64] = np.sum(base != compressed, axis=1, dtype=np.int64)
    return counts


def _classes(name: str, predictions: ArrayLike, draws: int, draws_name: str) -> NDArray[np.integer]:
    """The first `draws` columns, every one a class."""
    array = np.asarray(predictions)
    if array.dtype.kind not in "iu":
        raise InvalidSampleError(f"{name} must be integer classes; got {array.dtype} values")
    if draws < 1:
        raise InvalidSampleError(f"{draws_name} must be at least 1; got {draws}")
    if array.ndim != 2 or array.shape[1] < draws:
        raise InvalidSampleError(
            f"{name} must have shape (N, at least {draws_name}={draws}); got {array.shape}"
        )
    used: NDArray[np.integer] = array[:, :draws]
    missing = np.iinfo(used.dtype).max if used.dtype.kind == "u" else None
    if used.size and (used.min() < 0 or used.max() == missing):
        raise InvalidSampleError(
            f"{name} must hold computed classes only; got values in [{used.min()}, {used.max()}]"
        )
    return used


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
