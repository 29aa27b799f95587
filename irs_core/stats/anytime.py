"""Bounds on a rate that hold at every number of draws at once, or at looks fixed beforehand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.errors import InvalidSampleError
from irs_core.stats.binomial import binomial_lower_bound, check_alpha, checked_counts, integers
from irs_core.stats.sequential import crossed, looks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BELOW_ONE = float(np.nextafter(1.0, 0.0))
# Halvings of [0, 1]: what is left is far below one in 10^9, the smallest bound.
_HALVINGS = 64


def anytime_upper(failures: ArrayLike, draws: ArrayLike, alpha: float) -> Floats:
    """Upper bound on a failure rate that holds at every number of draws at once.

    The least limit that `crossed` refutes, rounded up. The bounds of all numbers of draws hold
    together with probability at least 1 - `alpha`, so that draws may be added after looking, and
    the least of them may be quoted (`least_upper`).

    Args:
        failures: Failures among the draws, in [0, draws]; broadcasts with `draws`.
        draws: Independent draws, in [0, 10^9].
        alpha: Failure probability over all numbers of draws, in (0, 1).

    Returns:
        Bounds in (0, 1], the broadcast shape; 1 where all draws fail or none is taken.

    Raises:
        InvalidSampleError: A count or `alpha` is out of range.
    """
    crossed(failures, draws, 0.0, alpha)
    k, j = np.broadcast_arrays(integers("failures", failures), integers("draws", draws))
    bound = np.ones(k.shape)
    some = k < j
    if np.any(some):
        bound[some] = _least_refuted(k[some], j[some], alpha)
    return bound


def _least_refuted(k: Ints, j: Ints, alpha: float) -> Floats:
    low, high = k / j, np.ones(k.shape)
    for _ in range(_HALVINGS):
        middle = np.minimum((low + high) / 2, _BELOW_ONE)
        refuted = crossed(k, j, middle, alpha)
        # `high` has been refuted itself (or is 1), whatever rounding does between.
        low, high = np.where(refuted, low, middle), np.where(refuted, middle, high)
    return high


def least_upper(failures: ArrayLike, draws: ArrayLike, alpha: float) -> Floats:
    """The least of the bounds of `anytime_upper` over the looks of a row.

    Args:
        failures: Failures up to each look, shape (N, looks), never falling along a row.
        draws: Draws up to each look, shape (looks,) or (N, looks), never falling along a row.
        alpha: Failure probability over all looks of a row, in (0, 1).

    Returns:
        Bounds in (0, 1], shape (N,); 1 where there is no look.

    Raises:
        InvalidSampleError: A count falls along a row, or a value is out of range.
    """
    k, j = looks(failures, draws)
    if k.shape[1] == 0:
        return np.ones(len(k))
    best = anytime_upper(k[:, -1], j[:, -1], alpha)
    # Between failures the bound only falls, so that the last look before each is enough; and only
    # a look that refutes the best bound found can have a better one.
    rows, ends = np.nonzero(np.diff(k, axis=1, append=np.iinfo(np.int64).max) > 0)
    below = crossed(k[rows, ends], j[rows, ends], np.minimum(best[rows], _BELOW_ONE), alpha)
    rows, ends = rows[below], ends[below]
    np.minimum.at(best, rows, anytime_upper(k[rows, ends], j[rows, ends], alpha))
    return best


def confidence_sequence_lower(hits: ArrayLike, draws: ArrayLike, alpha: float) -> Floats:
    """Lower bound on a success probability that holds at every number of draws at once.

    To be used instead of `binomial_lower_bound` where the number of draws can grow after looking,
    or was chosen by outcomes. It is wider by a factor of about 1.3 to 1.5.

    Args:
        hits: Successes among the draws, in [0, draws]; broadcasts with `draws`.
        draws: Independent draws, in [0, 10^9].
        alpha: Failure probability over all numbers of draws, in (0, 1).

    Returns:
        Bounds in [0, 1), the broadcast shape, rounded down; 0 where nothing is known.

    Raises:
        InvalidSampleError: A count or `alpha` is out of range.
    """
    k, j = integers("hits", hits), integers("draws", draws)
    upper = anytime_upper(j - k, j, alpha)
    return np.asarray(np.maximum(np.nextafter(1 - upper, 0.0), 0.0))


def looked_lower_bound(
    hits: ArrayLike,
    draws: ArrayLike,
    alpha: float,
    *,
    sizes: Sequence[int],
    weights: Sequence[float] | None = None,
) -> Floats:
    """Lower bound on a success probability at looks whose sizes were fixed beforehand.

    The Clopper-Pearson bound of the k-th look at level `alpha` * weights[k]. The bounds of all
    looks hold together with probability at least 1 - `alpha`.

    Args:
        hits: Successes among the draws; broadcasts with `draws`.
        draws: Draws of the look that is taken, each one of `sizes`.
        alpha: Failure probability over all looks, in (0, 1).
        sizes: Draws at each look, growing, fixed before the first look.
        weights: Share of `alpha` of each look, positive, adding up to at most 1, fixed before the
            first look; by default 1/2, 1/4, and so on, and for the last look what is left.

    Returns:
        Bounds in [0, 1), the broadcast shape.

    Raises:
        InvalidSampleError: `draws` is none of `sizes`, or a value is out of range.
    """
    check_alpha(alpha)
    shares = _checked_weights(sizes, weights)
    k, n = checked_counts(hits, draws)
    if not np.all(np.isin(n, sizes)):
        raise InvalidSampleError(
            f"draws must be one of the sizes {list(sizes)} fixed beforehand; got {np.unique(n)}"
        )
    bound = np.zeros(k.shape)
    for size, share in zip(sizes, shares, strict=True):
        at = n == size
        if np.any(at):
            bound[at] = binomial_lower_bound(k[at], n[at], alpha * share)
    return bound


def _checked_weights(sizes: Sequence[int], weights: Sequence[float] | None) -> Sequence[float]:
    # The last share equals the one before, so that they add up to 1.
    halves = [0.5 ** min(look + 1, len(sizes) - 1) for look in range(len(sizes))]
    shares = halves if weights is None else weights
    if list(sizes) != sorted(set(sizes)) or not sizes or sizes[0] < 1:
        raise InvalidSampleError(f"sizes must grow from at least 1; got {list(sizes)}")
    if len(shares) != len(sizes) or min(shares) <= 0 or sum(shares) > 1 + 1e-12:
        raise InvalidSampleError(
            "weights must be positive, one for each size, and add up to at most 1; "
            f"got {list(shares)}"
        )
    return shares
