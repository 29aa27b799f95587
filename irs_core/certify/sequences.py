"""Deciding at a radius from fresh draws alone, as others do: in stages, or at any time.

Written from the ideas of the papers, to compare with; none reuses draws of another model. Each
answers whether P(candidate) is above a threshold, and stops as soon as it knows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betaln,
    ndtr,
    xlog1py,
    xlogy,
)

from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.stats.binomial import check_alpha, integers
from irs_core.stats.radius import check_sigma

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Looks of the union grow by this factor.
_GROWTH = 1.1
# Log wealth is off by far less.
_MARGIN = 1e-9
Rule = Callable[[Ints, Ints, float, float], tuple[Bools, Bools]]


@dataclass(frozen=True, eq=False)
class Decided:
    """Where each input stopped, (inputs,).

    Args:
        draws: Estimation draws when it stopped; all of them where the answer stayed open.
        certified: Whether the radius is certified. Each fails with probability at most the level
            of the rule.
    """

    draws: Ints
    certified: Bools


def threshold_of(radius: float, sigma: float) -> float:
    """The probability that a class needs to be certified at a radius, rounded up."""
    check_sigma(sigma)
    return float(ndtr(radius / sigma)) * (1 + 4 * float(np.finfo(np.float64).eps))


def stage_sizes(most: int) -> Ints:
    """Three stages, each ten times the one before, the last with all draws."""
    return np.unique(np.maximum(1, [most // 100, most // 10, most]))


def union_sizes(most: int) -> Ints:
    """Looks at numbers of draws that grow by a tenth."""
    sizes = [1]
    while sizes[-1] < most:
        sizes.append(min(most, max(sizes[-1] + 1, int(sizes[-1] * _GROWTH))))
    return np.asarray(sizes, np.int64)


def decide_in_stages(
    hits: ArrayLike, sizes: ArrayLike, *, threshold: float, alpha: float
) -> Decided:
    """A fixed number of stages that share the level evenly.

    Source:
        Horvath et al. 2022, "Boosting randomized smoothing with variance reduced classifiers",
        adaptive sampling: more draws only for inputs on which few do not tell.
    """
    return _decide(_even, hits, sizes, threshold, alpha)


def decide_by_union(
    hits: ArrayLike, sizes: ArrayLike, *, threshold: float, alpha: float
) -> Decided:
    """Without end: the k-th look gets 5 / ((k + 4)(k + 5)) of the level, which add up to it.

    Source:
        Voracek 2024, "Treatment of statistical estimation problems in randomized smoothing for
        adversarial robustness", the confidence sequence by a union bound.
    """
    return _decide(_union, hits, sizes, threshold, alpha)


def decide_by_betting(
    hits: ArrayLike, sizes: ArrayLike, *, threshold: float, alpha: float
) -> Decided:
    """At any number of draws: the wealth of bets against the threshold, mixed by Beta(1/2, 1/2).

    If the probability is the threshold, the wealth is a martingale from 1, and reaches 1 / alpha
    with probability at most alpha (Ville); with more hits than the threshold expects, it grows with
    fewer draws the lower a true probability is supposed to be.

    Source:
        Voracek 2024, the confidence sequence by betting.
    """
    return _decide(_betting, hits, sizes, threshold, alpha)


def _decide(
    rule: Rule, hits: ArrayLike, sizes: ArrayLike, threshold: float, alpha: float
) -> Decided:
    """The first look that answers.

    Args:
        hits: Fresh draws that gave the candidate up to each look, (inputs, looks); the candidate
            comes from other draws.
        sizes: Draws up to each look, increasing, (looks,); fixed beforehand.
        threshold: Of `threshold_of`, in (0, 1).
        alpha: Failure probability, in (0, 1).
    """
    counts, looks = integers("hits", hits), integers("sizes", sizes)
    check_alpha(alpha)
    rising = np.all(np.diff(looks, prepend=0) >= 1)
    if counts.ndim != 2 or counts.shape[1:] != looks.shape or not rising:
        raise InvalidSampleError(
            f"hits must be (inputs, looks) with increasing sizes; got {counts.shape}, {looks.shape}"
        )
    if not 0 < threshold < 1:
        raise InvalidSampleError(f"threshold must be in (0, 1); got {threshold}")
    above, below = rule(counts, looks, threshold, alpha)
    # Nothing after the first answer counts.
    answered = above | below
    first = np.where(answered.any(axis=1), answered.argmax(axis=1), len(looks) - 1)
    rows = np.arange(len(counts))
    return Decided(looks[first], np.asarray(above[rows, first]))


def _even(hits: Ints, sizes: Ints, threshold: float, alpha: float) -> tuple[Bools, Bools]:
    return _by_bounds(hits, sizes, threshold, np.full(len(sizes), alpha / len(sizes)))


def _union(hits: Ints, sizes: Ints, threshold: float, alpha: float) -> tuple[Bools, Bools]:
    k = np.arange(1, len(sizes) + 1)
    return _by_bounds(hits, sizes, threshold, alpha * 5 / ((k + 4) * (k + 5)))


def _by_bounds(hits: Ints, sizes: Ints, threshold: float, levels: Floats) -> tuple[Bools, Bools]:
    above, below = np.zeros((2, *hits.shape), np.bool_)
    for at, (size, level) in enumerate(zip(sizes.tolist(), levels.tolist(), strict=True)):
        above[:, at] = binomial_lower_bound(hits[:, at], size, level) > threshold
        below[:, at] = binomial_upper_bound(hits[:, at], size, level) < threshold
    return above, below


def _betting(hits: Ints, sizes: Ints, threshold: float, alpha: float) -> tuple[Bools, Bools]:
    missed = sizes - hits
    mixed = betaln(hits + 0.5, missed + 0.5) - betaln(0.5, 0.5)
    wealth = mixed - xlogy(hits, threshold) - xlog1py(missed, -threshold)
    enough = wealth - _MARGIN * np.maximum(1, np.abs(mixed)) >= -np.log(alpha)
    return enough & (hits > sizes * threshold), enough & (hits < sizes * threshold)
