"""One-sided confidence bounds on a binomial success probability."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betainc,
    betaincc,
    ndtri,
)

from irs_core.errors import InvalidSampleError
from irs_core.stats.beta_root import lower_root, upper_root

Counts = NDArray[np.int64]
# Below so many bounds a table does not pay; above so many draws it is too long.
_MANY = 50
_LONGEST_TABLE = 200_000
# Covers the few roundings that follow a bound: a product, a difference, a quantile.
_MARGIN = 1e-14
# The largest double below 1: no finite number of draws proves a probability of 1.
_BELOW_ONE = float(np.nextafter(1.0, 0.0))


def binomial_lower_bound(k: ArrayLike, n: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """One-sided exact (Clopper-Pearson) lower bound on a success probability.

    Each bound is at most the true probability, except with probability `alpha` over the `n`
    draws. This holds for one `n` fixed before the draws: it is lost when `n` is chosen by
    looking at the successes.

    Args:
        k: Successes, integers in [0, n]; any shape that broadcasts with `n`.
        n: Independent draws; at least 1.
        alpha: Failure probability in (0, 1). One-sided: do not halve it.

    Returns:
        Bounds in [0, 1), the broadcast shape; exactly 0 where `k` is 0. Floating point never
        lifts one above the exact bound.

    Raises:
        InvalidSampleError: `k`, `n` or `alpha` is out of range or `k` or `n` not an integer.

    Source:
        Clopper & Pearson 1934; LowerConfBound of Cohen et al. 2019, Sec. 3.2.2.
    """
    hits, draws = checked_counts(k, n)
    check_alpha(alpha)
    return _evaluated(_lower, hits, draws, alpha)


def binomial_upper_bound(k: ArrayLike, n: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """One-sided exact (Clopper-Pearson) upper bound on a success probability.

    Each bound is at least the true probability, except with probability `alpha` over the `n`
    draws, for an `n` fixed before the draws.

    Args:
        k: Successes, integers in [0, n]; any shape that broadcasts with `n`.
        n: Independent draws; at least 1.
        alpha: Failure probability in (0, 1). One-sided: do not halve it.

    Returns:
        Bounds in (0, 1], the broadcast shape; exactly 1 where `k` is `n`. Floating point never
        puts one below the exact bound.

    Raises:
        InvalidSampleError: `k`, `n` or `alpha` is out of range or `k` or `n` not an integer.

    Source:
        Clopper & Pearson 1934; UpperConfidenceBound of IRS, Algorithm 3.
    """
    hits, draws = checked_counts(k, n)
    check_alpha(alpha)
    return _evaluated(_upper, hits, draws, alpha)


def chance_of_at_most(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """P(X <= k) of a Binomial(n, p) count X, to about 14 digits; any shapes that broadcast.

    Args:
        k: Any integers; below 0 the chance is 0, from `n` on it is 1.
        n: Draws; at least 0.
        p: In [0, 1].
    """
    # `scipy.stats` has the same and takes a second to import.
    k, n, p = np.broadcast_arrays(np.asarray(k), np.asarray(n), np.asarray(p, np.float64))
    inside = (k >= 0) & (k < n)
    chance = betaincc(np.where(inside, k, 0) + 1, np.where(inside, n - k, 1), p)
    return np.asarray(np.where(inside, chance, (k >= n).astype(np.float64)), np.float64)


def chance_of_at_least(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """P(X >= k) of a Binomial(n, p) count X, to about 14 digits; see `chance_of_at_most`."""
    k, n, p = np.broadcast_arrays(np.asarray(k), np.asarray(n), np.asarray(p, np.float64))
    inside = (k > 0) & (k <= n)
    chance = betainc(np.where(inside, k, 1), np.where(inside, n - k, 0) + 1, p)
    return np.asarray(np.where(inside, chance, (k <= 0).astype(np.float64)), np.float64)


def _lower(hits: Counts, draws: Counts, alpha: float) -> NDArray[np.float64]:
    # Beta(k, n - k + 1) has no k = 0 member; the bound there is 0 by definition.
    bound = lower_root(np.maximum(hits, 1), draws - hits + 1, alpha)
    return np.where(hits == 0, 0.0, np.minimum(bound * (1 - _MARGIN), _BELOW_ONE))


def _upper(hits: Counts, draws: Counts, alpha: float) -> NDArray[np.float64]:
    bound = upper_root(hits + 1, np.maximum(draws - hits, 1), alpha)
    # Beta(k + 1, n - k) has no k = n member; the bound there is 1 by definition.
    outward = np.minimum(bound * (1 + _MARGIN), 1.0)
    return np.asarray(np.where(hits == draws, 1.0, outward), np.float64)


def _evaluated(
    bound: Callable[[Counts, Counts, float], NDArray[np.float64]],
    hits: Counts,
    draws: Counts,
    alpha: float,
) -> NDArray[np.float64]:
    """Many bounds have few different counts: each is evaluated once, and kept where all have one n.

    The kept ones serve whoever asks next for the same number of draws and level.
    """
    if hits.size < _MANY or draws.max() > _LONGEST_TABLE:
        return bound(hits, draws, alpha)
    n = int(draws.flat[0])
    if draws.min() != n or draws.max() != n:
        pairs, places = np.unique(draws * (_LONGEST_TABLE + 1) + hits, return_inverse=True)
        each, found_hits = np.divmod(pairs, _LONGEST_TABLE + 1)
        return bound(found_hits, each, alpha)[places].reshape(hits.shape)
    table = _table(bound, n, alpha)
    found: NDArray[np.float64] = table[hits]
    gaps = np.isnan(found)
    if gaps.any():
        missing = np.flatnonzero(np.bincount(hits[gaps], minlength=1))
        table[missing] = bound(missing, np.full_like(missing, n), alpha)
        found = table[hits]
    return found


@lru_cache(maxsize=256)
def _table(bound: object, n: int, alpha: float) -> NDArray[np.float64]:
    """A table of bounds by count, filled where somebody asks; NaN elsewhere."""
    del bound, alpha  # Part of the key only.
    return np.full(n + 1, np.nan)


def wilson_interval(
    k: ArrayLike, n: ArrayLike, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's score interval, each side one-sided at level `alpha`.

    An approximation for comparison and planning: the coverage of a side can fall below
    1 - `alpha`, so no certificate may rest on it.

    Args:
        k: Successes, integers in [0, n]; any shape that broadcasts with `n`.
        n: Independent draws; at least 1.
        alpha: Nominal failure probability of each side, in (0, 0.5).

    Returns:
        Lower and upper bounds in [0, 1], each of the broadcast shape.

    Raises:
        InvalidSampleError: `k`, `n` or `alpha` is out of range or `k` or `n` not an integer.

    Source:
        Wilson 1927; IRS, Appendix A.1.
    """
    hits, draws = checked_counts(k, n)
    z = _quantile(alpha)
    share = hits / draws
    centre = (hits + z * z / 2) / (draws + z * z)
    half = z * np.sqrt(draws * share * (1 - share) + z * z / 4) / (draws + z * z)
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def agresti_coull_interval(
    k: ArrayLike, n: ArrayLike, alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The Agresti-Coull interval, each side one-sided at level `alpha`.

    An approximation for comparison and planning: the coverage of a side can fall below
    1 - `alpha`, so no certificate may rest on it.

    Args:
        k: Successes, integers in [0, n]; any shape that broadcasts with `n`.
        n: Independent draws; at least 1.
        alpha: Nominal failure probability of each side, in (0, 0.5).

    Returns:
        Lower and upper bounds in [0, 1], each of the broadcast shape.

    Raises:
        InvalidSampleError: `k`, `n` or `alpha` is out of range or `k` or `n` not an integer.

    Source:
        Agresti & Coull 1998; IRS, Appendix A.1.
    """
    hits, draws = checked_counts(k, n)
    z = _quantile(alpha)
    centre = (hits + z * z / 2) / (draws + z * z)
    half = z * np.sqrt(centre * (1 - centre) / (draws + z * z))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def checked_counts(k: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`k` and `n` as 64-bit integers of their broadcast shape.

    Raises:
        InvalidSampleError: One is not an integer, or not n >= 1 and 0 <= k <= n.
    """
    hits, draws = np.broadcast_arrays(integers("k", k), integers("n", n))
    bad = (draws < 1) | (hits < 0) | (hits > draws)
    if np.any(bad):
        where = np.unravel_index(int(np.argmax(bad)), bad.shape)
        raise InvalidSampleError(
            f"need n >= 1 and 0 <= k <= n; got k={hits[where]}, n={draws[where]}"
        )
    return hits, draws


def integers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """`values` as 64-bit integers.

    Raises:
        InvalidSampleError: A value is not a whole number.
    """
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind != "f":
        raise InvalidSampleError(f"{name} must be integers; got {array.dtype} values")
    broken = array != np.floor(array)
    broken |= ~np.isfinite(array)
    if np.any(broken):
        raise InvalidSampleError(f"{name} must be integers; got {array[broken].flat[0]}")
    return array.astype(np.int64)


def check_alpha(alpha: float, name: str = "alpha") -> None:
    """Refuse a failure probability outside (0, 1)."""
    if not 0 < alpha < 1:
        raise InvalidSampleError(f"{name} must be in (0, 1); got {alpha}")


def _quantile(alpha: float) -> float:
    if not 0 < alpha < 0.5:
        raise InvalidSampleError(
            f"alpha must be in (0, 0.5) for an approximate interval; got {alpha}"
        )
    return float(-ndtri(alpha))
