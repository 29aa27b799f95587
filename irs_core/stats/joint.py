"""A lower bound on p (1 - q) from a cached count and a count of leavers, at one level.

A product of two Clopper-Pearson bounds divides the level between them, as if both could err at
once. Here the level that the leavers are read at rises with the cached count instead, in steps:
a count that makes a p look too small takes part of the risk away from q. The construction, its
proof and why each part is needed are in docs/methods/cirs.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betaincc,
    betaincinv,
    ndtr,
    ndtri,
)

from irs_core.errors import InvalidSampleError
from irs_core.stats.beta_root import upper_root
from irs_core.stats.binomial import binomial_lower_bound, check_alpha, checked_counts

Floats = NDArray[np.float64]

# Width of a band in standard deviations of the cached share.
_BAND = 8.0
# Steps of a band, from this many standard errors above the cached share ...
_STEPS, _ABOVE = 20, 1.5
# ... down to where the cached count alone rejects p, at this part of the level.
_ALONE = 1 / 150
# No level falls below this part of alpha, whatever is supposed about q.
LEAST = 0.1
# Levels from here on reject; what that costs more is counted.
_NEARLY_ONE = 0.999
_BISECTIONS = 30
# Covers the roundings of a sum of products of positive numbers, and those after a root.
_MARGIN, _ROUNDING = 1e-12, 1e-14
# Far above what a tail, and the rounding of its argument, are off by.
_TAIL_MARGIN = 1e-7


@dataclass(frozen=True, eq=False)
class JointLevels:
    """At which level leavers are read, by the true p and the cached count k of n.

    In the band edges[i] <= p < edges[i + 1] the level is levels[i, j], where j is the number of
    `tails` for which p is below the Clopper-Pearson bound of k; beyond the last one p is rejected.

    Args:
        alpha: Failure probability of the joint bound, in (0, 1).
        edges: From 0 to 1, increasing, (bands + 1,).
        tails: Levels of the bounds on p, decreasing, in (0, 1), (steps,).
        levels: Levels of the bounds on q, in (0, 1], nondecreasing along the steps; at 1, p is
            rejected whatever q is, (bands, steps).

    Raises:
        InvalidSampleError: A value is out of order, or a band spends more than `alpha`.
    """

    alpha: float
    edges: Floats
    tails: Floats
    levels: Floats

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        if self.levels.shape != (len(self.edges) - 1, len(self.tails)) or not self.levels.size:
            raise InvalidSampleError(
                f"levels need one row per band and one column per tail; got {self.levels.shape} "
                f"for {len(self.edges) - 1} bands and {len(self.tails)} tails"
            )
        ordered = self.edges[0] == 0 and self.edges[-1] == 1 and (np.diff(self.edges) > 0).all()
        falling = (np.diff(self.tails) < 0).all() and self.tails[-1] > 0 and self.tails[0] < 1
        if not ordered or not falling or not ((self.levels > 0) & (self.levels <= 1)).all():
            raise InvalidSampleError(
                "edges must increase from 0 to 1, tails decrease in (0, 1), levels lie in (0, 1]"
            )
        if (np.diff(self.levels, axis=1) < 0).any():
            raise InvalidSampleError("a level must not fall where the cached count rises")
        worst = float(spent(self.tails, self.levels).max())
        if not worst <= self.alpha:
            raise InvalidSampleError(f"a band spends {worst}, more than alpha = {self.alpha}")


def spent(tails: Floats, levels: Floats) -> Floats:
    """At least what each band spends: the mean of its level over the cached count, (bands,).

    The count lies beyond a bound at level `tails[j]` with at most that probability, and each step
    up is paid for with it; the last one is up to 1, where p is rejected.
    """
    above = np.concatenate([levels[:, 1:], np.ones((len(levels), 1))], axis=1)
    paid = levels[:, 0] + ((above - levels) * tails).sum(axis=1)
    return np.asarray(paid * (1 + _MARGIN))


def band_edges(n: int) -> Floats:
    """Bands of p that are some standard deviations of the cached share wide, from 0 to 1.

    What is at most 1/2 certifies nothing and needs no bands of its own.
    """
    if n < 1:
        raise InvalidSampleError(f"need n >= 1; got {n}")
    # The arcsine makes the standard deviation of a share the same everywhere.
    low, high = np.pi / 4, np.pi / 2
    count = max(1, int((high - low) * 2 * np.sqrt(n) / _BAND))
    inner = np.sin(np.linspace(low, high, count + 1)[1:-1]) ** 2
    return np.concatenate([[0.0], inner, [1.0]])


def joint_levels(
    n: int, alpha: float, draws: ArrayLike, leavers: ArrayLike, least: float = LEAST
) -> JointLevels:
    """The levels that suit these numbers of draws and leavers best.

    In each band they make the bound of its middle as large as it can be where so many of so many
    draws leave. The guarantee needs none of that: only that neither `draws` nor `leavers` depends
    on the counts that the levels are used for.

    Args:
        n: Cached draws, at least 1.
        alpha: Failure probability of the joint bound, in (0, 1).
        draws: Supposed draws of f^p in each band of `band_edges(n)`, at least 1, (bands,).
        leavers: Of these, supposed to leave, in [0, draws); need not be whole, (bands,).
        least: No level falls below this part of alpha, in (0, 0.9]; the more, the less is lost
            where the numbers turn out to be others.
    """
    check_alpha(alpha)
    edges = band_edges(n)
    m, left = np.asarray(draws, np.float64), np.asarray(leavers, np.float64)
    if m.shape != (len(edges) - 1,) or left.shape != m.shape:
        raise InvalidSampleError(f"need draws and leavers of {len(edges) - 1} bands; got {m.shape}")
    if not ((m >= 1) & (left >= 0) & (left < m)).all():
        raise InvalidSampleError("need draws of at least 1 and leavers in [0, draws) in every band")
    if not 0 < least <= 0.9:
        raise InvalidSampleError(f"least must be in (0, 0.9]; got {least}")
    tails = ndtr(-np.linspace(-_ABOVE, -ndtri(alpha * _ALONE), _STEPS))
    hits = np.maximum(edges[:-1] + edges[1:], 1.0) / 2 * n
    cached = np.asarray(betaincinv(hits[:, None], n - hits[:, None] + 1, tails), np.float64)
    low, high = np.zeros(len(m)), cached[:, 0]
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        fits = spent(tails, _needed(cached, middle, m, left, least * alpha)) <= alpha
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return JointLevels(alpha, edges, tails, _needed(cached, low, m, left, least * alpha))


def _needed(cached: Floats, bound: Floats, draws: Floats, leavers: Floats, least: float) -> Floats:
    """The levels at which no step gives less than `bound`."""
    leave = np.clip(1 - bound[:, None] / cached, 0.0, 1.0)
    tail = betaincc(leavers[:, None] + 1, draws[:, None] - leavers[:, None], leave)
    bounded = np.where(tail > _NEARLY_ONE, 1.0, np.maximum(tail, least))
    return np.asarray(np.maximum.accumulate(bounded, axis=1))


def joint_lower_bound(
    hits: ArrayLike, n: int, leavers: ArrayLike, draws: ArrayLike, levels: JointLevels
) -> Floats:
    """A lower bound on p (1 - q), exceeded with probability at most `levels.alpha`.

    Args:
        hits: k of n cached draws, each a hit with probability p, (inputs,).
        leavers, draws: Of `draws` hits that were chosen without looking at what the compressed
            classifier answers, how many it leaves; binomial with probability q given `hits`.
            `draws` may depend on `hits` in any way, and is at least 1, (inputs,).
        levels: Chosen without any of these counts.

    Returns:
        Bounds in [0, 1), (inputs,). Floating point never lifts one.

    Raises:
        InvalidSampleError: A count is out of range.
    """
    k, _ = checked_counts(hits, n)
    left, m = checked_counts(leavers, draws)
    if k.shape != m.shape or k.ndim != 1:
        raise InvalidSampleError(f"need one length of hits and draws; got {k.shape} and {m.shape}")
    if not len(k):
        return np.zeros(0)
    cached = np.stack([binomial_lower_bound(k, n, float(one)) for one in levels.tails], axis=1)
    found = np.where(left == m, 0.0, 1.0)
    rows, p, level = _corners(cached, levels)
    some = found[rows] > 0
    _lower_to_least(found, rows[some], p[some], level[some], left, m)
    return found


def _lower_to_least(
    found: Floats,
    rows: NDArray[np.int64],
    p: Floats,
    level: Floats,
    left: NDArray[np.int64],
    draws: NDArray[np.int64],
) -> None:
    """Lower each input's bound to the least of its p (1 - leave bound), whichever that is.

    A root costs ten times as much as a tail: the corner that looks least is solved, and only
    those that a tail does not show to be larger after that.
    """
    a, b = (left + 1)[rows], (draws - left)[rows]

    def solve(at: NDArray[np.int64]) -> None:
        leave = np.minimum(upper_root(a[at], b[at], level[at]) * (1 + _ROUNDING), 1.0)
        np.minimum.at(found, rows[at], p[at] * (1 - leave) * (1 - _ROUNDING))

    order = np.lexsort((p * (1 - _roughly_upper(a, b, level)), rows))
    first = order[np.unique(rows[order], return_index=True)[1]]
    solve(first)
    leave = np.clip(1 - found[rows] / p, 0.0, 1.0)
    larger = betaincc(a, b, leave) * (1 + _TAIL_MARGIN) <= level
    larger[first] = True
    solve(np.flatnonzero(~larger))


def _roughly_upper(a: NDArray[np.int64], b: NDArray[np.int64], level: Floats) -> Floats:
    """About the leave bound, from the cube root of a gamma variable; only for the order."""
    count = a * (1 - 1 / (9 * a) - ndtri(level) / (3 * np.sqrt(a))) ** 3
    return np.asarray(count / (a + b + (count - a) / 2))


def _corners(cached: Floats, levels: JointLevels) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Where the least p that is read at a level lies: rows of inputs, p, level.

    Everything else that an input does not reject is at a larger p and no larger level.
    """
    edges, bands = levels.edges, len(levels.levels)
    first = np.searchsorted(edges, cached[:, -1], side="right") - 1
    last = np.searchsorted(edges, cached[:, 0], side="right") - 1
    counts = last - first + 1
    inputs = np.repeat(np.arange(len(cached)), counts)
    band = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[inputs]
    p = np.maximum(cached[inputs], edges[band, None])
    live = (p < edges[band + 1, None]) & (levels.levels[band] < 1)
    # Of the steps that begin at a band's edge, only the first, with the least level, is needed.
    live[:, 1:] &= p[:, 1:] < p[:, :-1]
    # All bands above the largest bound on p are read at their first level.
    least = np.minimum.accumulate(levels.levels[::-1, 0])[::-1]
    more = np.flatnonzero(last + 1 < bands)
    pairs, steps = np.nonzero(live)
    return (
        np.concatenate([inputs[pairs], more]),
        np.concatenate([p[pairs, steps], edges[last[more] + 1]]),
        np.concatenate([levels.levels[band[pairs], steps], least[last[more] + 1]]),
    )
