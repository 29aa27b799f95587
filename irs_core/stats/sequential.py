"""Is a failure rate below a limit? An e-process that may be looked at after every draw.

With k failures in j draws and a limit q on the failure rate,

    E = mean over s in [0, 1] of (sin(s w) / sin w)^(2k) (cos(s w) / cos w)^(2(j - k)),

where w = arcsin(sqrt(q)). This is the likelihood ratio of a rate u against the limit, averaged over
the Beta(1/2, 1/2) distribution of u cut off at the limit.

- *Level.* If the true rate is at least q, E is a nonnegative supermartingale that starts at 1, so
  it ever reaches 1/alpha with probability at most alpha (Ville 1939).
- *Monotone.* E grows with q: x cot(x) falls and x tan(x) rises on [0, pi/2), so every factor of
  the mean grows with w. It grows with each draw that does not fail and falls with each that does.
  A crossing at one limit is therefore a crossing at every larger limit.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betainc,
    betaln,
    ndtr,
)

from irs_core.errors import InvalidSampleError
from irs_core.stats.binomial import check_alpha, integers
from irs_core.stats.radius import check_sigma

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_DRAWS = 10**9
"""Draws per input up to which the margin of `log_e_value` is stated."""
NEVER = int(np.iinfo(np.int64).max)
"""Stands for a number of draws that is beyond `MOST_DRAWS`."""

# Errors of the formula stay below a quarter of this, measured with 35 digits up to 10^9 draws.
_MARGIN, _MARGIN_PER_DRAW = 1e-12, 2e-14
# Errors of Phi, of radius / sigma and of the division together stay below this.
_PHI_MARGIN = 8 * float(np.finfo(np.float64).eps)


def log_e_value(failures: ArrayLike, draws: ArrayLike, limit: ArrayLike) -> Floats:
    """Logarithm of the evidence that a failure rate is below `limit`, rounded down.

    If the failure rate is at least `limit`, the largest value over all numbers of draws reaches
    ln(1 / a) with probability at most a, for every a in (0, 1). The draws must be independent;
    how many are taken may depend on anything.

    Args:
        failures: Failures among the draws, in [0, draws]; the arguments broadcast.
        draws: Draws, in [0, 10^9].
        limit: Limit on the failure rate, in [0, 1), fixed without looking at these draws.

    Returns:
        Values of the broadcast shape, below the exact ones by at most 2e-12 + 4e-14 * draws.
        Where `failures` >= `draws` * `limit` the evidence is at most 1, and -inf is returned.

    Raises:
        InvalidSampleError: A count or a limit is out of range.

    Source:
        Ville 1939; Robbins 1970 (mixtures); the prior is cut off at the limit, so that one limit
        bounds all larger rates.
    """
    k, j, q = _checked(failures, draws, limit)
    found = np.full(k.shape, -np.inf)
    open_ = k < j * q
    if np.any(open_):
        found[open_] = _log_e(k[open_], j[open_], q[open_])
    return found


def _log_e(k: Ints, j: Ints, q: Floats) -> Floats:
    """The formula for k < j q, where the incomplete beta function cannot underflow."""
    a, b = k + 0.5, j - k + 0.5
    ratio = betaln(a, b) - k * np.log(q) - (j - k) * np.log1p(-q)
    mass = np.log(betainc(a, b, q)) - np.log(2 * np.arctan2(np.sqrt(q), np.sqrt(1 - q)))
    return np.asarray(ratio + mass - (_MARGIN + _MARGIN_PER_DRAW * j))


def crossed(failures: ArrayLike, draws: ArrayLike, limit: ArrayLike, alpha: float) -> Bools:
    """Whether these counts prove a failure rate below `limit`, at level `alpha`.

    Args and errors are those of `log_e_value`; `alpha` is in (0, 1). If the failure rate is at
    least `limit`, any of all looks at growing draws says so with probability at most `alpha`.
    """
    check_alpha(alpha)
    return np.asarray(log_e_value(failures, draws, limit) >= -np.log(alpha))


def first_crossing(failures: ArrayLike, draws: ArrayLike, limit: ArrayLike, alpha: float) -> Ints:
    """Draws at the first look that proves a failure rate below `limit`.

    Args:
        failures: Failures up to each look, shape (N, looks), never falling along a row.
        draws: Draws up to each look, shape (looks,) or (N, looks), never falling along a row.
        limit: Limit on the failure rate, in [0, 1), a number or shape (N,).
        alpha: Failure probability over all looks of a row, in (0, 1).

    Returns:
        Draws in [1, 10^9], -1 where no look proves it; shape (N,).

    Raises:
        InvalidSampleError: A count falls along a row, or a value is out of range.
    """
    k, j = looks(failures, draws)
    q = np.broadcast_to(np.asarray(limit, np.float64), len(k))
    rows, ends = np.nonzero(_last_before_failure(k))
    # Without failures the evidence only grows: the end of such a run tells for all of it.
    before = np.where(np.diff(rows, prepend=-1) == 0, np.concatenate([[-1], ends[:-1]]), -1)
    proven = np.flatnonzero(crossed(k[rows, ends], j[rows, ends], q[rows], alpha))
    row, first = np.unique(rows[proven], return_index=True)
    run = proven[first]
    at = _least(lambda i: crossed(k[row, i], j[row, i], q[row], alpha), before[run], ends[run])
    found = np.full(len(k), -1, dtype=np.int64)
    found[row] = j[row, at]
    return found


def looks(failures: ArrayLike, draws: ArrayLike) -> tuple[Ints, Ints]:
    """Failures and draws up to each look, both of shape (N, looks).

    Raises:
        InvalidSampleError: They do not broadcast to two axes, or a count falls along a row.
    """
    k, j = integers("failures", failures), integers("draws", draws)
    if k.ndim != 2 or j.shape not in (k.shape, k.shape[1:]):
        raise InvalidSampleError(
            f"failures must be (N, looks) and draws fit them; got {k.shape} and {j.shape}"
        )
    j = np.broadcast_to(j, k.shape)
    if np.any(np.diff(k, axis=1) < 0) or np.any(np.diff(j, axis=1) < 0):
        raise InvalidSampleError("failures and draws must not fall from one look to the next")
    return k, j


def _last_before_failure(failures: Ints) -> Bools:
    """Looks after which a failure follows, and the last one of each row."""
    last = np.ones(failures.shape, dtype=np.bool_)
    last[:, :-1] = failures[:, 1:] > failures[:, :-1]
    return last


def fewest_draws(failures: ArrayLike, limit: ArrayLike, alpha: float) -> Ints:
    """Fewest draws that prove a failure rate below `limit` when so many of them fail.

    Args:
        failures: Failures among all draws, at least 0; broadcasts with `limit`.
        limit: Limit on the failure rate, in [0, 1).
        alpha: Failure probability, in (0, 1).

    Returns:
        Draws in [1, 10^9], `NEVER` where more are needed; the broadcast shape.

    Raises:
        InvalidSampleError: A value is out of range.
    """
    k, q = np.broadcast_arrays(integers("failures", failures), np.asarray(limit, np.float64))
    most = np.full(q.shape, MOST_DRAWS, dtype=np.int64)
    least = _least(lambda j: crossed(k, j, q, alpha), np.asarray(k), most)
    return np.where(crossed(k, most, q, alpha), least, NEVER)


def failures_allowed(draws: ArrayLike, limit: ArrayLike, alpha: float) -> Ints:
    """Most failures among `draws` draws that still prove a failure rate below `limit`.

    Args:
        draws: Draws, in [0, 10^9]; the arguments broadcast.
        limit: Limit on the failure rate, in [0, 1).
        alpha: Failure probability, in (0, 1).

    Returns:
        Failures in [0, draws), -1 where none may fail and even that is not enough.

    Raises:
        InvalidSampleError: A value is out of range.
    """
    _, j, q = _checked(0, draws, limit)
    too_many = np.ceil(j * q).astype(np.int64)
    least = _least(lambda k: ~crossed(k, j, q, alpha), np.full_like(j, -1), too_many)
    return least - 1


def futile(
    failures: ArrayLike, draws: ArrayLike, limit: ArrayLike, alpha: float, most: ArrayLike
) -> Bools:
    """Whether a proof is out of reach: not even if no draw fails from here to `most` draws.

    A deterministic rule. Stopping there loses nothing but the chance of taking more than `most`
    draws, and stopping without a proof never costs validity.

    Args:
        failures, draws, limit, alpha: See `crossed`.
        most: Draws that can be taken at all, in [0, 10^9]; broadcasts with the others.
    """
    return ~crossed(failures, np.maximum(integers("draws", draws), most), limit, alpha)


def above_limit(failures: ArrayLike, draws: ArrayLike, limit: ArrayLike, level: float) -> Bools:
    """Whether these counts prove a failure rate *above* `limit`, at `level`.

    A rule for giving up: an input whose rate is at most `limit` is ever given up with probability
    at most `level`. It costs draws and power, never validity, so `level` can be generous (0.05).

    Args:
        failures, draws, limit: See `crossed`. Where `limit` is 0, it is 0 that is exceeded.
        level: Probability of giving up wrongly, in (0, 1).
    """
    k, j, q = _checked(failures, draws, limit)
    check_alpha(level, "level")
    stays = log_e_value(j - k, j, np.where(q > 0, 1 - q, 0.0)) >= -np.log(level)
    return np.where(q > 0, stays, k > 0)


def limit_q0(p_lower: ArrayLike, radius: ArrayLike, sigma: float) -> Floats:
    """The failure rate below which a radius is certified, rounded down.

    If P(f = c) >= `p_lower` and less than this share of those draws leaves c, the compressed
    classifier predicts c with probability above Phi(radius / sigma), and the radius is certified.
    From scratch, `p_lower` is 1 and the failures are those of all draws.

    Args:
        p_lower: Lower bounds on the probability that the base predicts the class, in [0, 1].
        radius: L2 radius in pixel units, at least 0; broadcasts with `p_lower`.
        sigma: Standard deviation of the noise in pixel units, positive.

    Returns:
        Limits in [0, 1/2], the broadcast shape; 0 where no number of draws certifies the radius.

    Raises:
        InvalidSampleError: A value is out of range.
    """
    check_sigma(sigma)
    bound, r = np.asarray(p_lower, np.float64), np.asarray(radius, np.float64)
    inside, fine = (bound >= 0) & (bound <= 1), (r >= 0) & np.isfinite(r)
    if not np.all(inside):
        raise InvalidSampleError(f"p_lower must be in [0, 1]; got {bound[~inside].flat[0]}")
    if not np.all(fine):
        raise InvalidSampleError(f"radius must be finite and at least 0; got {r[~fine].flat[0]}")
    needed = ndtr(r / sigma) + _PHI_MARGIN
    room = (bound - needed) / np.maximum(bound, 0.5)
    return np.asarray(np.maximum(room * (1 - _PHI_MARGIN), 0.0))


def _least(holds: Callable[[Ints], Bools], low: Ints, high: Ints) -> Ints:
    """The least integers in (low, high] where `holds`, which never stops holding, up to `high`."""
    while np.any(high - low > 1):
        middle = np.where(high - low > 1, (low + high) // 2, high)
        found = holds(middle) | (middle == high)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return high


def _checked(failures: ArrayLike, draws: ArrayLike, limit: ArrayLike) -> tuple[Ints, Ints, Floats]:
    k, j, q = np.broadcast_arrays(
        integers("failures", failures), integers("draws", draws), np.asarray(limit, np.float64)
    )
    bad = (k < 0) | (k > j) | (j > MOST_DRAWS)
    if np.any(bad):
        where = np.unravel_index(int(np.argmax(bad)), bad.shape)
        raise InvalidSampleError(
            f"need 0 <= failures <= draws <= {MOST_DRAWS}; got {k[where]} of {j[where]}"
        )
    out = ~((q >= 0) & (q < 1))
    if np.any(out):
        raise InvalidSampleError(f"limit must be in [0, 1); got {q[out].flat[0]}")
    return k, j, q
